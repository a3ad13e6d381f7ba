import { file, json, type Member } from './members.js';

/** One v1 image: its `json` member, as text or as a value, and its layer. */
export interface TestV1Image {
  readonly id: string;
  readonly document: string | Readonly<Record<string, unknown>>;
  readonly layer: Buffer;
}

/** A save of Docker before 1.10: `repositories` and `<id>/{VERSION,json,layer.tar}`, no manifest.json. */
export function v1Archive(
  images: readonly TestV1Image[],
  repositories: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Member[] {
  const members = images.flatMap(({ id, document, layer }) => [
    file(`${id}/VERSION`, '1.0'),
    typeof document === 'string' ? file(`${id}/json`, document) : json(`${id}/json`, document),
    file(`${id}/layer.tar`, layer),
  ]);
  return [...members, json('repositories', repositories)];
}
