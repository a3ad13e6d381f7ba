import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ioError, systemCodeOf, TransferError } from './errors.js';
import { printable } from './printable.js';
import { ownId, writerOf } from './process-id.js';

export const LOCK_FILE = '.ferry.lock';
/** Milliseconds in which whoever made a lock file has written its number into it, or given back one that it took. */
const FILLED_WITHIN = 200;
/** Locks of this very process: its number alone could be that of one that is gone. */
const held = new Set<string>();

/**
 * Runs `work` while this process alone writes in `folder`. The lock of a process that is gone is taken over.
 * @throws TransferError LOCKED when another living process holds it.
 */
export async function withFolderLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const file = resolve(join(folder, LOCK_FILE));
  if (held.has(file)) throw locked(file, ownId);
  held.add(file);
  try {
    await take(file);
    try {
      return await work();
    } finally {
      if ((await readHolder(file)) === ownId) await rm(file, { force: true });
    }
  } finally {
    held.delete(file);
  }
}

async function take(file: string): Promise<void> {
  if (await create(file, ownId)) return;
  const holder = await holderOf(file);
  const writer = writerOf(holder);
  // One with the number of this process is of an earlier one: this one's own are in `held`.
  if (writer !== 'gone' && writer !== 'self') throw locked(file, holder);
  await removeStale(file, holder);
  if (!(await create(file, ownId))) throw locked(file, await holderOf(file));
  // Whoever judged the stale lock at the same time may have moved this one instead, and puts it back now.
  await setTimeout(FILLED_WITHIN);
  const now = await readHolder(file);
  if (now !== ownId) throw locked(file, now);
}

/** @returns whether it was not there before. */
async function create(file: string, holder: string): Promise<boolean> {
  try {
    await writeFile(file, `${holder}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw ioError(error, file, 'sink');
  }
}

/**
 * Removes a lock that was judged stale, and only that one: between the judgement and a plain removal another process
 * could have removed it and put its own there. Of several that rename a file, one gets it.
 */
async function removeStale(file: string, holder: string): Promise<void> {
  const aside = `${file}.${ownId}.part`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return;
    throw ioError(error, file, 'sink');
  }
  const moved = await readHolder(aside);
  if (moved !== holder) await create(file, moved);
  await rm(aside, { force: true });
}

const readHolder = async (file: string): Promise<string> => (await readFile(file, 'utf8').catch(() => '')).trim();

/** The process in a lock file; of an empty one, which is being written or was cut off, after a moment. */
async function holderOf(file: string): Promise<string> {
  const holder = await readHolder(file);
  if (holder !== '') return holder;
  await setTimeout(FILLED_WITHIN);
  return readHolder(file);
}

const locked = (file: string, holder: string): TransferError =>
  new TransferError('LOCKED', `${file}: process ${printable(holder, 40)} is writing this folder`, {
    side: 'sink',
    hint: 'Wait until it ends; if it is not a ferry, or its machine is gone, remove that file.',
  });
