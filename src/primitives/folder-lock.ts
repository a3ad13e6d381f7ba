import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ioError, systemCodeOf, TransferError } from './errors.js';
import { isAlive } from './publish.js';

const LOCK_FILE = '.ferry.lock';

/**
 * Runs `work` while this process alone writes in `folder`. The lock of a process that is gone is taken over.
 * @throws TransferError LOCKED when another living process holds it.
 */
export async function withFolderLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const file = join(folder, LOCK_FILE);
  await take(file);
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function take(file: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(file, `${String(process.pid)}\n`, { flag: 'wx' });
      return;
    } catch (error) {
      if (systemCodeOf(error) !== 'EEXIST') throw ioError(error, file, 'sink');
    }
    const holder = Number((await readFile(file, 'utf8').catch(() => '')).trim());
    if (attempt > 0 || (holder > 0 && holder !== process.pid && isAlive(holder))) {
      throw new TransferError('LOCKED', `${file}: process ${String(holder)} is writing this folder`, {
        side: 'sink',
        hint: 'Wait until it ends; if it is not a ferry, remove that file.',
      });
    }
    await rm(file, { force: true });
  }
}
