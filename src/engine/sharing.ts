import { type Descriptor } from '../model/descriptor.js';
import { type OpenBlob } from '../ports.js';
import { type Digest } from '../primitives/digest.js';
import { Pass } from './sharing-pass.js';
import { Window } from './sharing-window.js';

const MiB = 1024 * 1024;

export interface SharingOptions {
  /** Bytes of every chunk but a blob's last. 4 MiB unless told. */
  readonly chunkBytes?: number;
  /** Bytes kept for readers that are behind, over all blobs. 32 MiB unless told. */
  readonly windowBytes?: number;
}

export interface SharedReader {
  /** The bytes of a blob in chunks of `chunkBytes`, which others hold as well: they must not be changed. */
  readonly open: OpenBlob;
  /** Nothing is kept for this reader any more; what it has open rejects. Idempotent. */
  close(): void;
}

export interface SharedReading {
  reader(): SharedReader;
  /** How often a blob was opened in the source. */
  passes(): number;
  /** Bytes kept for readers that are behind. */
  kept(): number;
  /** Closes every reader. Idempotent. */
  close(): void;
}

type Blob = Parameters<OpenBlob>[0];

/**
 * Lets several receivers, each at its own pace, read the blobs of a source, which is read once where they are near each
 * other. The one in front reads from the source; what it read is kept in a window for the others, in the very same
 * chunk objects. When the window is full the oldest chunks go, and a reader that still needed one goes on by a pass of
 * its own, from the blob's start. So nobody waits for anybody. With one reader nothing is kept.
 *
 * `open` gives verified bytes: a blob's last chunk is handed out only when the pass that it came by has ended well, and
 * every reader gets the error of its pass.
 */
export function shareReading(
  open: OpenBlob,
  { chunkBytes = 4 * MiB, windowBytes = 32 * MiB }: SharingOptions = {},
): SharedReading {
  const library = new Library(open, chunkBytes, new Window(windowBytes));
  return {
    reader: () => {
      const reader = new Reader();
      library.readers.add(reader);
      return {
        open: (blob) => read(library, reader, blob),
        close: () => {
          library.dismiss(reader);
        },
      };
    },
    passes: () => library.opened,
    kept: () => library.window.bytes,
    close: () => {
      for (const reader of library.readers) library.dismiss(reader);
    },
  };
}

class Reader {
  /** What it is reading. More than one only when it opens a blob before the end of another. */
  readonly cursors = new Set<Cursor>();
}

/** What is known of one blob while the readers last. */
interface Shelf {
  /** The readers that have opened it. The others may yet come. */
  readonly seenBy: WeakSet<Reader>;
  readonly passes: Set<Pass>;
}

class Library {
  readonly window: Window;
  readonly readers = new Set<Reader>();
  opened = 0;
  readonly #open: OpenBlob;
  readonly #chunkBytes: number;
  readonly #shelves = new Map<Digest, Shelf>();

  constructor(open: OpenBlob, chunkBytes: number, window: Window) {
    this.#open = open;
    this.#chunkBytes = chunkBytes;
    this.window = window;
  }

  shelf({ digest }: Pick<Descriptor, 'digest'>): Shelf {
    let shelf = this.#shelves.get(digest);
    if (shelf === undefined) this.#shelves.set(digest, (shelf = { seenBy: new WeakSet(), passes: new Set() }));
    return shelf;
  }

  /** A pass over `blob` that has chunk `index`, or will have it. */
  pass(blob: Blob, index: number): Pass {
    const { passes, seenBy } = this.shelf(blob);
    for (const pass of passes) if (pass.serves(index)) return pass;
    this.opened++;
    const pass = new Pass(this.#open(blob), {
      window: this.window,
      chunkBytes: this.#chunkBytes,
      from: index,
      awaited: () => [...this.readers].some((reader) => !seenBy.has(reader)),
      over: (ended) => passes.delete(ended),
    });
    passes.add(pass);
    return pass;
  }

  dismiss(reader: Reader): void {
    if (!this.readers.delete(reader)) return;
    // Not awaited: a source that hangs would never answer.
    for (const cursor of reader.cursors) void cursor.leave().catch(() => undefined);
    for (const { passes } of this.#shelves.values()) for (const pass of [...passes]) pass.trim();
  }
}

async function* read(library: Library, reader: Reader, blob: Blob): AsyncGenerator<Uint8Array> {
  const cursor = new Cursor(library, reader, blob);
  try {
    for (let chunk = await cursor.next(); chunk !== undefined; chunk = await cursor.next()) yield chunk;
  } finally {
    await cursor.leave();
  }
}

/** The place of one reader in one blob. */
class Cursor {
  readonly #library: Library;
  readonly #reader: Reader;
  readonly #blob: Blob;
  #pass: Pass | undefined;
  /** The chunk that it needs next. */
  #index = 0;

  constructor(library: Library, reader: Reader, blob: Blob) {
    this.#library = library;
    this.#reader = reader;
    this.#blob = blob;
    reader.cursors.add(this);
  }

  /** The next chunk; undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const pass = this.#current();
      if (this.#index < pass.next) return this.#took(pass, pass.at(this.#index));
      const pulled = await pass.pull();
      if (pulled === undefined) return undefined;
      // Not from the window, where it may have no place.
      if (pulled.index === this.#index) return this.#took(pass, pulled.chunk);
    }
  }

  async leave(): Promise<void> {
    const pass = this.#pass;
    this.#pass = undefined;
    this.#reader.cursors.delete(this);
    await pass?.leave(this);
  }

  /** The pass that it is on, or a new one when what it needs is gone from there. */
  #current(): Pass {
    if (this.#pass !== undefined && this.#index < this.#pass.first) {
      // Not awaited: whatever the old pass does, the new one can begin.
      void this.#pass.leave(this).catch(() => undefined);
      this.#pass = undefined;
    }
    if (!this.#library.readers.has(this.#reader)) throw new Error('this reader was closed');
    if (this.#pass === undefined) {
      this.#pass = this.#library.pass(this.#blob, this.#index);
      this.#library.shelf(this.#blob).seenBy.add(this.#reader);
      this.#pass.place(this, this.#index);
    }
    return this.#pass;
  }

  #took(pass: Pass, chunk: Uint8Array | undefined): Uint8Array | undefined {
    this.#index++;
    if (this.#pass === pass) pass.place(this, this.#index);
    return chunk;
  }
}
