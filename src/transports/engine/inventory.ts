import { isArray, isObject, type Json, parseJson } from '../../model/json.js';
import { type Digest, isDigest } from '../../primitives/digest.js';
import { chunksOf, IDS_AT_ONCE } from './chunks.js';
import { type ClientResult, QUERY_TIMEOUT, runClient } from './client.js';
import { describeEngine, type Engine } from './engine.js';
import { engineFailed, wordsOf } from './failure.js';

/** An image as its engine tells of it. */
export interface EngineImage {
  /** Config digest; with the containerd store the digest of the manifest or index. */
  readonly id: Digest;
  /** Of the platform that the engine shows: its host's. */
  readonly diffIds: readonly Digest[];
  /** As the engine prints them: Docker `app:1`, Podman `docker.io/library/app:1`. */
  readonly names: readonly string[];
  /** Bytes, by the engine's own reckoning. */
  readonly size: number;
}

/** Bytes that a client may print in answer to one question. 1,000 images of 200 layers take 16 MB. */
const ANSWER = 64 * 1024 * 1024;

// The whole `{{json .}}` of Docker is ten times as long. RootFS, not RootFS.Layers: a broken image of the containerd
// store has none, and one such image would fail the question about all. Podman knows
// `.Id` only in just that form.
const FORMAT = '{"Id":"{{.Id}}","RootFS":{{json .RootFS}},"RepoTags":{{json .RepoTags}},"Size":{{json .Size}}}';

/** Everything that the engine has, by one `image ls` and one `image inspect` (in chunks where there are thousands). */
export async function inventory(engine: Engine, signal: AbortSignal): Promise<readonly EngineImage[]> {
  const list = await query(engine, ['image', 'ls', '-q', '--no-trunc'], signal);
  if (list.status !== 0) throw engineFailed(describeEngine(engine), 'listing its images', wordsOf(list));
  const ids = [...new Set(list.stdout.split('\n').filter((line) => line !== ''))];
  const images: EngineImage[] = [];
  for (const chunk of chunksOf(ids, IDS_AT_ONCE)) images.push(...(await inspect(engine, chunk, signal)).images);
  return images;
}

export interface Inspected {
  /** Those that are there, in the order in which they were asked for. */
  readonly images: readonly EngineImage[];
  /** Undefined when all were there. */
  readonly words: string | undefined;
}

/**
 * `image inspect` of names or IDs. One that is not there is no error: an image may go between two questions.
 * @throws TransferError ENGINE_FAILED when the engine does not answer the question at all.
 */
export async function inspect(engine: Engine, refs: readonly string[], signal: AbortSignal): Promise<Inspected> {
  if (refs.length === 0) return { images: [], words: undefined };
  const result = await query(engine, ['image', 'inspect', '--format', FORMAT, ...refs], signal);
  // Podman 4 breaks its JSON into indented lines.
  const images = result.stdout
    .split(/^(?=\{"Id":)/m)
    .filter((record) => record.startsWith('{'))
    .map((record) => imageFrom(parseJson(Buffer.from(record), 'the answer of image inspect')))
    .filter((image) => image !== undefined);
  const words = result.status === 0 ? undefined : wordsOf({ ...result, stdout: '' });
  const isAnswer = words === undefined || /no such image|image not known|not found/i.test(result.stderr);
  if (!isAnswer) throw engineFailed(describeEngine(engine), 'asking for its images', words);
  return { images, words };
}

/** A question to an engine, bounded in time and in what is read. */
export function query(
  engine: Engine,
  args: readonly string[],
  signal: AbortSignal,
  timeoutMs = QUERY_TIMEOUT,
): Promise<ClientResult> {
  return runClient({ client: engine, args, signal, timeoutMs, maxOutput: ANSWER });
}

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
