import { constants, createGunzip, createGzip } from 'node:zlib';
import { type ByteStream } from '../primitives/bytes.js';
import { damaged, trailingGarbage } from './faults.js';
import { guarded } from './guarded.js';
import { throughZlib } from './zlib-stream.js';

// 256 KiB pieces cost 0.6 of the CPU time of the default 16 KiB (measured, gunzip of a layer).
const CHUNK = 256 * 1024;
const OS_BYTE = 9;
const OS_UNKNOWN = 255;

/**
 * One gzip member (RFC 1952) without name or time, OS "unknown": the same bytes on every system with the same zlib.
 * @param level 1 to 9
 */
export async function* gzip(bytes: ByteStream, level = 6): AsyncGenerator<Buffer> {
  let first = true;
  for await (const chunk of throughZlib(bytes, createGzip({ level, chunkSize: CHUNK }))) {
    // zlib writes the system it was compiled for.
    if (first) chunk[OS_BYTE] = OS_UNKNOWN;
    first = false;
    yield chunk;
  }
}

/**
 * The contents of all members. @throws TransferError BAD_ARCHIVE for damage, for a missing end, and for anything but
 * zeros after the last member.
 */
export async function* gunzip(bytes: ByteStream, where: string): AsyncGenerator<Uint8Array> {
  const decoder = createGunzip({ chunkSize: CHUNK, finishFlush: constants.Z_FINISH });
  const tail = { read: 0, afterLastNonZero: 0 };
  yield* guarded(bytes, where, 'gzip', (input) => throughZlib(watched(input, tail), decoder));
  // zlib stops at the first zero byte after a member and says nothing of what follows.
  if (tail.read === 0) throw damaged(where, 'expected gzip data, found nothing');
  if (tail.afterLastNonZero > decoder.bytesWritten) throw trailingGarbage(where, 'gzip', decoder.bytesWritten);
}

async function* watched(bytes: ByteStream, tail: { read: number; afterLastNonZero: number }): ByteStream {
  for await (const chunk of bytes) {
    let end = chunk.byteLength;
    while (end > 0 && chunk[end - 1] === 0) end--;
    if (end > 0) tail.afterLastNonZero = tail.read + end;
    tail.read += chunk.byteLength;
    yield chunk;
  }
}
