import { createRequire } from 'node:module';

/** The bindings of zstd-codec, which ships no types. */
interface Vector {
  resize(size: number, fill: number): void;
  delete(): void;
}
interface StreamDecoder {
  begin(): boolean;
  transform(chunk: Uint8Array, emit: (part: Uint8Array) => void): boolean;
  end(emit: (part: Uint8Array) => void): boolean;
  delete(): void;
}
interface RawBinding {
  readonly VectorU8: new () => Vector;
  readonly ZstdCodec: new () => { decompress(into: Vector, from: Vector): number };
  readonly ZstdDecompressStreamBinding: new () => StreamDecoder;
  cloneToVector(into: Vector, bytes: Uint8Array): void;
  cloneAsTypedArray(vector: Vector): Uint8Array;
}

export interface Decoder {
  /** What came out of `piece`, which should hold no more than a few blocks: its contents are held in memory. */
  push(piece: Uint8Array): Uint8Array[];
  end(): Uint8Array[];
  free(): void;
}

export interface Binding {
  /** One frame that states its content size, which is not 0. */
  decompress(frame: Uint8Array, rawSize: number): Uint8Array;
  decoder(): Decoder;
}

class CorruptData extends Error {}

type Factory = (module: object) => void;

const silent = (): void => undefined;

/**
 * A new instance, with a heap of its own: 40 ms for the first of a process, 7 ms for each after it. A stream takes one
 * to itself, since the windows of two (8 MiB each) do not fit into one heap. lib/module.js would do the same, but prints
 * "OOM" on standard output.
 */
export function freshBinding(): Promise<Binding> {
  const factory = createRequire(import.meta.url)('zstd-codec/lib/zstd-codec-binding-wasm.js') as Factory;
  return new Promise((resolve) => {
    const module = {
      print: silent,
      printErr: silent,
      // The module is a thenable that resolves to itself: a promise of it would never settle.
      onRuntimeInitialized: () => {
        const raw = module as unknown as RawBinding;
        resolve({ decompress: (frame, rawSize) => decompress(raw, frame, rawSize), decoder: () => decoder(raw) });
      },
    };
    factory(module);
  });
}

let shared: Promise<Binding> | undefined;

/** Decompresses a small frame that states its size (not 0) with an instance that all such frames share. */
export async function decompressSmall(frame: Uint8Array, rawSize: number): Promise<Uint8Array> {
  shared ??= freshBinding();
  const binding = await shared;
  try {
    return binding.decompress(frame, rawSize);
  } catch (error) {
    // A module that aborted would fail at everything that follows.
    if (!(error instanceof CorruptData)) shared = undefined;
    throw error;
  }
}

function decompress(raw: RawBinding, frame: Uint8Array, rawSize: number): Uint8Array {
  const from = new raw.VectorU8();
  const into = new raw.VectorU8();
  try {
    raw.cloneToVector(from, frame);
    into.resize(rawSize, 0);
    const size = new raw.ZstdCodec().decompress(into, from);
    if (size !== rawSize) throw new CorruptData('the data is corrupt');
    return raw.cloneAsTypedArray(into);
  } finally {
    from.delete();
    into.delete();
  }
}

function decoder(raw: RawBinding): Decoder {
  const stream = new raw.ZstdDecompressStreamBinding();
  if (!stream.begin()) throw new Error('zstd-codec could not begin');
  const run = (call: (emit: (part: Uint8Array) => void) => boolean): Uint8Array[] => {
    const parts: Uint8Array[] = [];
    const keep = (part: Uint8Array): void => {
      if (part.byteLength > 0) parts.push(part);
    };
    if (!call(keep)) throw new CorruptData('the data is corrupt');
    return parts;
  };
  return {
    push: (piece) => run((emit) => stream.transform(piece, emit)),
    end: () => run((emit) => stream.end(emit)),
    free: () => {
      stream.delete();
    },
  };
}
