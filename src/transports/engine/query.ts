import { type Digest } from '../../primitives/digest.js';
import { type ClientResult, QUERY_TIMEOUT, runClient } from './client.js';
import { describeEngine, type Engine } from './engine.js';
import { engineFailed, wordsOf } from './failure.js';

/** An image as its engine tells of it. */
export interface EngineImage {
  /** Config digest; with containerd the digest of the manifest or index. */
  readonly id: Digest;
  /** Of the platform that the engine shows: its host's. Empty where it does not tell. */
  readonly diffIds: readonly Digest[];
  /** As the engine prints them: Docker `app:1`, Podman `docker.io/library/app:1`. */
  readonly names: readonly string[];
  /** Bytes, by the engine's own reckoning. */
  readonly size: number;
}

export interface Inspected {
  /** Those that are there, in the order in which they were asked for. */
  readonly images: readonly EngineImage[];
  /** Undefined when all were there. */
  readonly words: string | undefined;
}

/** Bytes that a client may print in answer to one question. 1,000 images of 200 layers take 16 MB. */
const ANSWER = 64 * 1024 * 1024;

/** A question to an engine, bounded in time and in what is read. */
export function query(
  engine: Engine,
  args: readonly string[],
  signal: AbortSignal,
  timeoutMs = QUERY_TIMEOUT,
): Promise<ClientResult> {
  return runClient({ client: engine, args, signal, timeoutMs, maxOutput: ANSWER });
}

/** Standard output of a question that must be answered. @throws TransferError ENGINE_FAILED; `doing` says what it was. */
export async function answer(
  engine: Engine,
  args: readonly string[],
  doing: string,
  signal: AbortSignal,
): Promise<string> {
  const result = await query(engine, args, signal);
  if (result.status !== 0)
    throw engineFailed(describeEngine(engine), doing, wordsOf({ ...result, stdout: '' }), { engine });
  return result.stdout;
}
