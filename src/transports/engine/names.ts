import { randomBytes } from 'node:crypto';
import { tryNormalizeReference } from '../../model/reference.js';
import { type Digest, shortDigest } from '../../primitives/digest.js';
import { chunksOf, NAMES_AT_ONCE } from './chunks.js';
import { QUERY_TIMEOUT } from './client.js';
import { tagArgs, untagArgs } from './dialect.js';
import { describeEngine, type Engine, livesByName } from './engine.js';
import { checkArgument, engineFailed, wordsOf } from './failure.js';
import { ctrImages } from './ctr.js';
import { inspect } from './inventory.js';
import { query } from './query.js';

const REPOSITORY = 'ferry-incoming';
/** Milliseconds. On a slow line the first image waits under its temporary name for the last one: hours, or days. */
const STALE_AFTER = 7 * 24 * 60 * 60 * 1000;

/** `docker.io/ferry-incoming/<12 hex of the ID>:<when>-<random>`: never the name of anything else. */
export function temporaryName(id: Digest, now = Date.now()): string {
  return `docker.io/${REPOSITORY}/${shortDigest(id)}:${now.toString(36)}-${randomBytes(4).toString('hex')}`;
}

/** Whether `name` is a temporary one, of whatever run. */
export const isTemporary = (name: string): boolean => name.startsWith(`docker.io/${REPOSITORY}/`);

/** Whether `name` is a temporary one that a run which was killed has left behind: made more than `age` ago. */
export function isStale(name: string, age = STALE_AFTER, now = Date.now()): boolean {
  const [, when] = new RegExp(`^docker\\.io/${REPOSITORY}/[0-9a-f]{12}:([0-9a-z]{8,9})-[0-9a-f]{8}$`).exec(name) ?? [];
  return when !== undefined && Number.parseInt(when, 36) < now - age;
}

/** @throws TransferError ENGINE_FAILED */
export async function tag(engine: Engine, from: string, name: string, signal: AbortSignal): Promise<void> {
  // Always the full name: `podman tag X rt/app:1` makes localhost/rt/app:1.
  const result = await query(engine, tagArgs(engine, checkArgument(from), checkArgument(name)), signal);
  if (result.status !== 0)
    throw engineFailed(describeEngine(engine), `naming an image ${name}`, wordsOf(result), { engine });
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
  let words: string | undefined;
  try {
    for (const chunk of chunksOf(names.map(checkArgument), NAMES_AT_ONCE)) {
      const result = await query(engine, untagArgs(engine, chunk), signal, timeoutMs);
      if (result.status !== 0) words ??= wordsOf(result);
    }
  } catch (error) {
    words ??= error instanceof Error ? error.message : String(error);
  }
  return words;
}

/**
 * Takes names away as `untag` does, and is content when one was not there. Gives those that are left, and why; nothing
 * throws.
 */
export async function remove(
  engine: Engine,
  names: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly left: ReadonlySet<string>; readonly words: string | undefined }> {
  const words = await untag(engine, names, signal);
  if (words === undefined) return { left: new Set(), words };
  try {
    const there = await lookUp(engine, names, signal);
    return { left: new Set(names.filter((name) => there.has(name))), words };
  } catch {
    // It does not say: what was to go may all be there.
    return { left: new Set(names), words };
  }
}

/** What names lead to: those that are there. @throws TransferError ENGINE_FAILED */
export async function lookUp(
  engine: Engine,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Digest>> {
  const found = new Map<string, Digest>();
  for (const chunk of chunksOf(names, NAMES_AT_ONCE)) {
    if (engine.family === 'ctr') {
      for (const { name, target } of await ctrImages(engine, signal, chunk)) found.set(name, target);
      continue;
    }
    for (const image of (await inspect(engine, chunk, signal)).images) {
      for (const name of image.names) found.set(tryNormalizeReference(name) ?? name, image.id);
    }
  }
  return found;
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
    const ids = await idsOf(
      engine,
      chunk.map(([name]) => name),
      signal,
    );
    for (const [at, [name, id]] of chunk.entries()) {
      const found = ids[at];
      if (found === id) continue;
      const words = `expected image ${id} under that name, found ${found ?? 'none'}`;
      throw engineFailed(describeEngine(engine), `naming an image ${name}`, words, { engine });
    }
  }
}

/** What names lead to. With Docker and podman all must be there: else those after the first that is not are wrong. */
async function idsOf(
  engine: Engine,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly (Digest | undefined)[]> {
  if (engine.family !== 'ctr') return (await inspect(engine, names, signal)).images.map(({ id }) => id);
  const found = await lookUp(engine, names, signal);
  return names.map((name) => found.get(name));
}

/**
 * Before names move in an engine where an image lives by its names: a temporary name for each of `ids` that has one in
 * `names`. Gives what to call each by from then on; nothing for other engines, which know images by ID. Each name is
 * added to `temporary` before it is given; it may go when no name can move back any more.
 * @throws TransferError ENGINE_FAILED
 */
export async function anchor(
  engine: Engine,
  names: ReadonlyMap<string, Digest>,
  ids: ReadonlySet<Digest>,
  temporary: Set<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<Digest, string>> {
  const anchors = new Map<Digest, string>();
  if (!livesByName(engine)) return anchors;
  for (const [name, id] of names) {
    if (!ids.has(id) || anchors.has(id)) continue;
    const own = temporaryName(id);
    temporary.add(own);
    await tag(engine, name, own, signal);
    anchors.set(id, own);
  }
  return anchors;
}
