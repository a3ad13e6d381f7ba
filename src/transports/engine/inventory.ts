import { isArray, isObject, type Json, parseJson } from '../../model/json.js';
import { type Digest, isDigest } from '../../primitives/digest.js';
import { chunksOf, IDS_AT_ONCE } from './chunks.js';
import { namedInspect, namedInventory } from './ctr-images.js';
import { describeEngine, type Engine, livesByName } from './engine.js';
import { engineFailed, wordsOf } from './failure.js';
import { type EngineImage, type Inspected, query } from './query.js';

export type { EngineImage } from './query.js';

// The whole `{{json .}}` of Docker is ten times as long. RootFS, not RootFS.Layers: a broken image of the containerd
// store has none, and one such image would fail the question about all. Podman knows
// `.Id` only in just that form. Read by `imagesFrom`; it has no single quote in it.
export const inspectFormat =
  '{"Id":"{{.Id}}","RootFS":{{json .RootFS}},"RepoTags":{{json .RepoTags}},"Size":{{json .Size}}}';

/** Everything that the engine has, by one `image ls` and one `image inspect` (in chunks where there are thousands). */
export async function inventory(engine: Engine, signal: AbortSignal): Promise<readonly EngineImage[]> {
  if (livesByName(engine)) return namedInventory(engine, signal);
  const list = await query(engine, ['image', 'ls', '-q', '--no-trunc'], signal);
  if (list.status !== 0) throw engineFailed(describeEngine(engine), 'listing its images', wordsOf(list), { engine });
  const ids = [...new Set(list.stdout.split('\n').filter((line) => line !== ''))];
  const images: EngineImage[] = [];
  for (const chunk of chunksOf(ids, IDS_AT_ONCE)) images.push(...(await inspect(engine, chunk, signal)).images);
  return images;
}

/**
 * `image inspect` of names or IDs. One that is not there is no error: an image may go between two questions.
 * @throws TransferError ENGINE_FAILED when the engine does not answer the question at all.
 */
export async function inspect(engine: Engine, refs: readonly string[], signal: AbortSignal): Promise<Inspected> {
  if (refs.length === 0) return { images: [], words: undefined };
  if (livesByName(engine)) return namedInspect(engine, refs, signal);
  const result = await query(engine, ['image', 'inspect', '--format', inspectFormat, ...refs], signal);
  const images = imagesFrom(result.stdout);
  const words = result.status === 0 ? undefined : wordsOf({ ...result, stdout: '' });
  const isAnswer = words === undefined || saysGone(result.stderr);
  if (!isAnswer) throw engineFailed(describeEngine(engine), 'asking for its images', words, { engine });
  return { images, words };
}

/** Images in what `image inspect` printed for `inspectFormat`. Podman 4 breaks its JSON into indented lines. */
export function imagesFrom(text: string): readonly EngineImage[] {
  return text
    .split(/^(?=\{"Id":)/m)
    .filter((record) => record.startsWith('{'))
    .map((record) => imageFrom(parseJson(Buffer.from(record), 'the answer of image inspect')))
    .filter((image) => image !== undefined);
}

/** Whether a client that failed did so because an image is not there. */
export const saysGone = (stderr: string): boolean => /no such image|image not known|not found/i.test(stderr);

function imageFrom(value: Json): EngineImage | undefined {
  if (!isObject(value)) return undefined;
  const id = digestFrom(value['Id']);
  if (id === undefined) return undefined;
  const { RootFS, RepoTags, Size } = value as Readonly<Record<string, Json>>;
  return {
    id,
    diffIds: textsIn(isObject(RootFS) ? RootFS['Layers'] : undefined).filter((text) => isDigest(text)),
    names: textsIn(RepoTags),
    size: typeof Size === 'number' ? Size : 0,
  };
}

/** Podman prints IDs without the algorithm. */
function digestFrom(value: Json | undefined): Digest | undefined {
  if (typeof value !== 'string') return undefined;
  const full = value.includes(':') ? value : `sha256:${value}`;
  return isDigest(full) ? full : undefined;
}

const textsIn = (value: Json | undefined): readonly string[] =>
  isArray(value) ? value.filter((item) => typeof item === 'string') : [];
