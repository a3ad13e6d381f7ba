import { createReadStream } from 'node:fs';
import { posix } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { isObject, type Json, parseJson } from '../../model/json.js';
import { ioError, TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { FolderReader } from './folder-reader.js';

/**
 * Docker and podman unpack a layer into a folder and keep beside it what a tar of it cannot be made from again: headers
 * and padding, byte for byte (github.com/vbatts/tar-split, one JSON object a line, gzip). Both together are the layer.
 */
type Entry =
  /** These bytes. */
  | { readonly bytes: Buffer }
  /** The contents of a file in the folder; the path begins with a slash and has no `..` in it. */
  | { readonly path: Buffer; readonly size: number };

/** A layer that an engine keeps unpacked. */
export interface UnpackedLayer {
  /** The `tar-split` file. */
  readonly split: string;
  /** The folder with the contents. */
  readonly folder: string;
}

/** Bytes of the layer's tar. Reads the `tar-split` file only. @throws TransferError as `tarBytes` */
export async function tarSize({ split }: Pick<UnpackedLayer, 'split'>): Promise<number> {
  let total = 0;
  for await (const entry of entriesOf(split)) total += 'bytes' in entry ? entry.bytes.byteLength : entry.size;
  return total;
}

/**
 * The layer's tar. Whether it is the one that was loaded is not known before its digest is: files in the folder may
 * have been changed.
 * @throws TransferError NOT_FOUND or IO when a file cannot be read, SOURCE_CHANGED when it has another size or lies outside the folder,
 * BAD_ARCHIVE when the `tar-split` file is damaged
 */
export async function* tarBytes({ split, folder }: UnpackedLayer): AsyncGenerator<Uint8Array> {
  const reader = new FolderReader(folder);
  let isFirst = true;
  for await (const entry of entriesOf(split)) {
    // Whoever wants to see what kind of bytes these are need not wait for a megabyte of files.
    if ('bytes' in entry && isFirst) yield entry.bytes;
    else if ('bytes' in entry) yield* reader.put(entry.bytes);
    else if (entry.size > 0) yield* reader.file(entry.path, entry.size);
    isFirst = false;
  }
  yield* reader.rest();
}

async function* entriesOf(split: string): AsyncGenerator<Entry> {
  for await (const line of linesOf(split)) {
    const entry = entryFrom(parseJson(line, split));
    if (entry === undefined) throw damaged(split, 'a line that is neither bytes nor a file');
    yield entry;
  }
}

/** Type 1 is a file, type 2 bytes. A file's own payload is a CRC-64, which the layer's digest makes needless. */
function entryFrom(line: Json): Entry | undefined {
  if (!isObject(line)) return undefined;
  const { type, name, name_raw: rawName, size = 0, payload = '' } = line;
  if (type === 2 && typeof payload === 'string') return { bytes: Buffer.from(payload, 'base64') };
  if (type !== 1 || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
  const bytes = nameFrom(name, rawName);
  return bytes === undefined ? undefined : { path: rooted(bytes), size };
}

/** A name that is no UTF-8 stands in `name_raw`, in base64. */
function nameFrom(name: Json | undefined, raw: Json | undefined): Buffer | undefined {
  if (typeof name === 'string') return Buffer.from(name);
  return typeof raw === 'string' ? Buffer.from(raw, 'base64') : undefined;
}

/** latin1 keeps every byte, whatever the name's encoding. */
const rooted = (name: Buffer): Buffer => Buffer.from(posix.normalize(`/${name.toString('latin1')}`), 'latin1');

async function* linesOf(path: string): AsyncGenerator<Buffer> {
  // What goes wrong comes out of the gunzip stream.
  const chunks = pipeline(createReadStream(path), createGunzip(), () => undefined) as AsyncIterable<Buffer>;
  let held: Buffer[] = [];
  let heldBytes = 0;
  try {
    for await (const chunk of chunks) {
      let from = 0;
      for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, from)) {
        const line = chunk.subarray(from, end);
        yield held.length === 0 ? line : Buffer.concat([...held, line]);
        held = [];
        heldBytes = 0;
        from = end + 1;
      }
      held.push(chunk.subarray(from));
      heldBytes += chunk.byteLength - from;
      if (heldBytes > limits.listBytes) throw damaged(path, 'a line without an end');
    }
  } catch (error) {
    throw error instanceof TransferError ? error : ioError(error, path, 'source');
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

function damaged(path: string, found: string): TransferError {
  return new TransferError('BAD_ARCHIVE', `${path}: expected the headers of a layer, found ${found}`, {
    side: 'source',
    hint: "The engine's own storage is damaged: pull or load the image again.",
  });
}
