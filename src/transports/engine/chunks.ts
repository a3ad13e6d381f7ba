/** IDs in one `image inspect`: 72 kB of arguments, and an answer that a slow engine gives within QUERY_TIMEOUT. */
export const IDS_AT_ONCE = 1000;
/**
 * Names in one `image inspect` or `rmi`. Fewer: an image is answered once for each of its names, each time with all of
 * them; and `rmi` may have an image's layers to remove, within one time limit.
 */
export const NAMES_AT_ONCE = 100;

/** `items`, in their order, in parts of at most `size`: what one call of a client is given. */
export function chunksOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, at) => items.slice(at * size, (at + 1) * size));
}
