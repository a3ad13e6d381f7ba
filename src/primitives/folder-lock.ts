import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ioError, systemCodeOf, TransferError } from './errors.js';
import { printable } from './printable.js';
import { ownId, writerOf } from './process-id.js';

const LOCK_FILE = '.ferry.lock';
/** Milliseconds in which whoever made a lock file has written its number into it. */
const FILLED_WITHIN = 200;
/** Locks of this very process: its number alone could be that of one that is gone. */
const held = new Set<string>();

/**
 * Runs `work` while this process alone writes in `folder`. The lock of a process that is gone is taken over.
 * @throws TransferError LOCKED when another living process holds it.
 */
export async function withFolderLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const file = join(folder, LOCK_FILE);
  await take(file);
  held.add(file);
  try {
    return await work();
  } finally {
    held.delete(file);
    await rm(file, { force: true });
  }
}

async function take(file: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(file, `${ownId}\n`, { flag: 'wx' });
      return;
    } catch (error) {
      if (systemCodeOf(error) !== 'EEXIST') throw ioError(error, file, 'sink');
    }
    const holder = await holderOf(file);
    const writer = writerOf(holder);
    const isStale = writer === 'gone' || (writer === 'self' && !held.has(file));
    if (attempt > 0 || !isStale) {
      throw new TransferError('LOCKED', `${file}: process ${printable(holder, 40)} is writing this folder`, {
        side: 'sink',
        hint: 'Wait until it ends; if it is not a ferry, or its machine is gone, remove that file.',
      });
    }
    await rm(file, { force: true });
  }
}

/** The process in a lock file; of an empty one, which is being written or was cut off, after a moment. */
async function holderOf(file: string): Promise<string> {
  const read = async (): Promise<string> => (await readFile(file, 'utf8').catch(() => '')).trim();
  const holder = await read();
  if (holder !== '') return holder;
  await setTimeout(FILLED_WITHIN);
  return read();
}
