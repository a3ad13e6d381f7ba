import { stat } from 'node:fs/promises';
import { TransferError } from '../../primitives/errors.js';
import { fileAccess, type RandomAccess } from '../../primitives/random-access.js';
import { type VolumeFacts } from './checksum-file.js';
import { inWords } from './names.js';

/** Volumes that are open at a time. */
const OPEN = 16;

/** One volume of a set that is whole, as far as names and sizes tell. */
export interface Volume {
  readonly number: number;
  readonly path: string;
  readonly offset: number;
  readonly size: number;
  readonly modifiedMs: number;
  readonly facts: VolumeFacts | undefined;
}

/** FAT keeps times to two seconds, and a kernel may have known a finer one. */
const TIME_GRAIN_MS = 2000;

/** A volume that is no longer what it was when the set was opened. @throws TransferError SOURCE_CHANGED */
export async function checkUnchanged({ path, size, modifiedMs }: Volume): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.size === size && Math.abs(stats.mtimeMs - modifiedMs) <= TIME_GRAIN_MS) return;
  const what = stats === undefined ? 'it is gone' : 'it was changed';
  throw new TransferError(
    'SOURCE_CHANGED',
    `${path}: expected the volume to stay as it is while it is read, but ${what}`,
    {
      side: 'source',
      hint: 'Leave the medium in and the files alone until it ends; then try again.',
    },
  );
}

/** The bytes of all volumes as if they were joined. Files are opened when they are read, and 16 of them stay open. */
export function joined(label: string, volumes: readonly Volume[], signal?: AbortSignal): RandomAccess {
  const files = new OpenFiles(signal);
  const count = String(volumes.length);
  const last = volumes.at(-1);
  const size = last === undefined ? 0 : last.offset + last.size;
  const stream = async function* (offset: number, length: number): AsyncGenerator<Uint8Array> {
    if (offset + length > size) throw beyond(label, offset + length, size);
    for (const volume of within(volumes, offset, length)) {
      const from = Math.max(0, offset - volume.offset);
      const to = Math.min(volume.size, offset + length - volume.offset);
      yield* files.stream(volume, from, to - from);
    }
  };
  return {
    label,
    size,
    stream,
    read: async (offset, length) => {
      const [only, ...others] = within(volumes, offset, length);
      if (only !== undefined && others.length === 0 && offset + length <= size) {
        return files.read(only, offset - only.offset, length);
      }
      const parts: Uint8Array[] = [];
      for await (const part of stream(offset, length)) parts.push(part);
      return Buffer.concat(parts, length);
    },
    place: (offset, length) => {
      const found = within(volumes, offset, length);
      const first = found[0]?.number ?? 1;
      const numbers = inWords(found.map(({ number }) => number));
      const paths = inWords(
        found.map(({ number }) => number),
        (number) => found[number - first]?.path ?? '',
      );
      return found.length === 0 ? label : `${paths} (volume${found.length === 1 ? '' : 's'} ${numbers} of ${count})`;
    },
    close: () => files.close(),
  };
}

/** The volumes that have some of the bytes. All but the last are of one size. */
function within(volumes: readonly Volume[], offset: number, length: number): Volume[] {
  const size = volumes[0]?.size ?? 0;
  if (size === 0 || length === 0) return [];
  return volumes.slice(Math.floor(offset / size), Math.floor((offset + length - 1) / size) + 1);
}

interface OpenFile {
  readonly volume: Volume;
  readonly access: Promise<RandomAccess>;
  users: number;
}

class OpenFiles {
  readonly #signal: AbortSignal | undefined;
  /** Those last used go last. */
  readonly #open = new Map<number, OpenFile>();

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  async read(volume: Volume, offset: number, length: number): Promise<Buffer> {
    const file = this.#take(volume);
    try {
      return await (await file.access).read(offset, length);
    } finally {
      await this.#release(file);
    }
  }

  async *stream(volume: Volume, offset: number, length: number): AsyncGenerator<Uint8Array> {
    const file = this.#take(volume);
    try {
      yield* (await file.access).stream(offset, length);
    } finally {
      await this.#release(file);
    }
  }

  async close(): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(all.map(closeFile));
  }

  #take(volume: Volume): OpenFile {
    const file = this.#open.get(volume.number) ?? { volume, access: this.#begin(volume), users: 0 };
    this.#open.delete(volume.number);
    this.#open.set(volume.number, file);
    file.users++;
    return file;
  }

  async #begin(volume: Volume): Promise<RandomAccess> {
    await checkUnchanged(volume);
    return fileAccess(volume.path, this.#signal);
  }

  /** Closes those that were not used for longest, when too many are open. */
  async #release(file: OpenFile): Promise<void> {
    file.users--;
    const idle = [...this.#open.values()].filter(({ users }) => users === 0);
    const surplus = idle.slice(0, Math.max(0, this.#open.size - OPEN));
    // At once: while one is being closed, it may be opened anew.
    for (const one of surplus) this.#open.delete(one.volume.number);
    await Promise.all(surplus.map(closeFile));
  }
}

/** One that could not be opened needs no closing. */
async function closeFile({ access }: OpenFile): Promise<void> {
  const opened = await access.catch(() => undefined);
  await opened?.close();
}

function beyond(label: string, wanted: number, size: number): TransferError {
  return new TransferError(
    'SOURCE_CHANGED',
    `${label}: expected data up to byte ${String(wanted)}, but the volumes end at byte ${String(size)}`,
    { side: 'source', hint: 'Copy the last volume again.' },
  );
}
