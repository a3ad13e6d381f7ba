import { randomBytes } from 'node:crypto';
import { type Digest, shortDigest } from '../../primitives/digest.js';
import { chunksOf, NAMES_AT_ONCE } from './chunks.js';
import { QUERY_TIMEOUT } from './client.js';
import { describeEngine, type Engine, isAtLeast } from './engine.js';
import { checkArgument, engineFailed, wordsOf } from './failure.js';
import { inspect, query } from './inventory.js';

const REPOSITORY = 'ferry-incoming';
/** Milliseconds. A temporary name lives from the end of a load to its proof: seconds. */
const STALE_AFTER = 60 * 60 * 1000;

/** `docker.io/ferry-incoming/<12 hex of the ID>:<when>-<random>`: never the name of anything else. */
export function temporaryName(id: Digest, now = Date.now()): string {
  return `docker.io/${REPOSITORY}/${shortDigest(id)}:${now.toString(36)}-${randomBytes(4).toString('hex')}`;
}

/** Whether `name` is a temporary one that a run which was killed has left behind; not one of a run that is under way. */
export function isStale(name: string, now = Date.now()): boolean {
  const [, when] = new RegExp(`^docker\\.io/${REPOSITORY}/[0-9a-f]{12}:([0-9a-z]{8,9})-[0-9a-f]{8}$`).exec(name) ?? [];
  return when !== undefined && Number.parseInt(when, 36) < now - STALE_AFTER;
}

/** @throws TransferError ENGINE_FAILED */
export async function tag(engine: Engine, from: string, name: string, signal: AbortSignal): Promise<void> {
  // Always the full name: `podman tag X rt/app:1` makes localhost/rt/app:1.
  const result = await query(engine, ['tag', checkArgument(from), checkArgument(name)], signal);
  if (result.status !== 0) throw engineFailed(describeEngine(engine), `naming an image ${name}`, wordsOf(result));
}

/**
 * Takes names away, and with an image's last name the image, but nothing below it: a plain `podman rmi` also removes
 * images without a name whose layers the removed one builds on. What could not be removed is said, not thrown.
 * `timeoutMs` is for each call of a client, of which many names take several; an engine that lets one pass is not asked
 * again.
 */
export async function untag(
  engine: Engine,
  names: readonly string[],
  signal: AbortSignal,
  timeoutMs = QUERY_TIMEOUT,
): Promise<string | undefined> {
  const knowsFlag = engine.family !== 'podman' || isAtLeast(engine.version, 4, 3); // older ones: not measured
  const flags = knowsFlag ? ['--no-prune'] : [];
  let words: string | undefined;
  try {
    for (const chunk of chunksOf(names.map(checkArgument), NAMES_AT_ONCE)) {
      const result = await query(engine, ['rmi', ...flags, ...chunk], signal, timeoutMs);
      if (result.status !== 0) words ??= wordsOf(result);
    }
  } catch (error) {
    words ??= error instanceof Error ? error.message : String(error);
  }
  return words;
}

/**
 * Checks that every name leads to its image.
 * @throws TransferError ENGINE_FAILED, naming the first that does not.
 */
export async function checkNames(
  engine: Engine,
  wanted: readonly (readonly [name: string, id: Digest])[],
  signal: AbortSignal,
): Promise<void> {
  for (const chunk of chunksOf(wanted, NAMES_AT_ONCE)) {
    const { images } = await inspect(
      engine,
      chunk.map(([name]) => name),
      signal,
    );
    for (const [at, [name, id]] of chunk.entries()) {
      const found = images[at]?.id;
      if (found === id) continue;
      const words = `expected image ${id} under that name, found ${found ?? 'none'}`;
      throw engineFailed(describeEngine(engine), `naming an image ${name}`, words);
    }
  }
}
