import { tryNormalizeReference } from '../../model/reference.js';
import { type Digest, hexOf } from '../../primitives/digest.js';
import { type Content, contentOf, unpackedOf } from './ctr-content.js';
import { type CtrImage, ctrImages } from './ctr.js';
import { type Engine } from './engine.js';
import { type NerdctlImage, nerdctlImages } from './nerdctl.js';
import { type EngineImage, type Inspected } from './query.js';

/** Hex digits of an ID that a user may shorten it to. */
const SHORTEST_ID = 12;

/**
 * Everything that containerd has, by `ctr` or `nerdctl`. Names that are not in full form are left out: nothing that is
 * asked for leads to them.
 * @throws TransferError ENGINE_FAILED
 */
export async function namedInventory(engine: Engine, signal: AbortSignal): Promise<readonly EngineImage[]> {
  if (engine.family === 'nerdctl') return engineImages(await nerdctlImages(engine, signal));
  const [images, content] = await Promise.all([ctrImages(engine, signal), contentOf(engine, signal)]);
  return engineImages(images, content);
}

/** Images with all names of each, from names with the image of each. */
export function engineImages(
  images: readonly (CtrImage | NerdctlImage)[],
  content: Content = new Map(),
): readonly EngineImage[] {
  const byId = new Map<Digest, EngineImage & { readonly names: string[] }>();
  for (const { name, target, size } of images) {
    if (tryNormalizeReference(name) !== name) continue;
    const image = byId.get(target) ?? {
      id: target,
      diffIds: unpackedOf(content, target)?.diffIds ?? [],
      names: [],
      size,
    };
    image.names.push(name);
    byId.set(target, image);
  }
  return [...byId.values()];
}

/**
 * `image inspect` for clients that have none of use: images by name, short or full, or by ID.
 * @throws TransferError ENGINE_FAILED
 */
export async function namedInspect(engine: Engine, refs: readonly string[], signal: AbortSignal): Promise<Inspected> {
  const all = await namedInventory(engine, signal);
  const found = refs.map((ref) => find(all, ref));
  const missing = refs.filter((_, at) => found[at] === undefined);
  return {
    images: found.filter((image) => image !== undefined),
    words: missing.length === 0 ? undefined : `no such image: ${missing.join(', ')}`,
  };
}

function find(images: readonly EngineImage[], ref: string): EngineImage | undefined {
  const full = tryNormalizeReference(ref);
  const named = full === undefined ? undefined : images.find(({ names }) => names.includes(full));
  if (named !== undefined) return named;
  const hex = /^(?:sha256:)?([0-9a-f]+)$/.exec(ref)?.[1];
  if (hex === undefined || hex.length < SHORTEST_ID) return undefined;
  const [image, ...others] = images.filter(({ id }) => hexOf(id).startsWith(hex));
  return others.length === 0 ? image : undefined;
}
