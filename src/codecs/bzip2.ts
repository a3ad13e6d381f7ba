import { type ByteStream } from '../primitives/bytes.js';
import { BitReader, OutOfBits } from './bit-reader.js';
import { BlockOutput, readBlock } from './bzip2-block.js';
import { damaged, trailingGarbage, truncated } from './faults.js';

const CHUNK = 256 * 1024;
const BLOCK = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
const END = [0x17, 0x72, 0x45, 0x38, 0x50, 0x90];

/**
 * The contents of all bzip2 streams in a row, block by block (at most 900 kB before run-length decoding), with the CRC
 * of each block and stream checked. Our own decoder: seek-bzip wants the whole file at once, unbzip2-stream has no
 * back-pressure, both are slower (14 and 8 MB a CPU second to 17), and both loop for ages over a run whose length
 * overflows.
 * @throws TransferError BAD_ARCHIVE
 */
export async function* bunzip2(bytes: ByteStream, where: string): AsyncGenerator<Buffer> {
  const input = new Refill(bytes);
  try {
    for (let streams = 0; ; streams++) {
      if (!(await input.ensure(1)) || input.bits.atZeros()) {
        if (streams === 0) throw damaged(where, 'expected bzip2 data, found nothing');
        await expectZeros(input, where);
        return;
      }
      yield* oneStream(input, where, streams);
    }
  } finally {
    await input.close();
  }
}

async function* oneStream(input: Refill, where: string, streams: number): AsyncGenerator<Buffer> {
  const start = input.bits.position;
  const size = await input.parse(100, where, (bits) => blockSize(bits));
  if (size === undefined) {
    throw streams === 0 ? damaged(where, 'expected bzip2 data') : trailingGarbage(where, 'bzip2', start);
  }
  let combined = 0;
  for (;;) {
    const kind = await input.parse(100, where, (bits) => marker(bits));
    if (kind === 'other') throw damaged(where, `expected a bzip2 block at byte ${String(input.bits.position)}`);
    if (kind === 'end') break;
    // Room for a block that compression made larger; a retry follows in the rare case that it is not enough.
    const block = await input.parse(size + 40_000, where, (bits) => readBlock(bits, size));
    if (typeof block === 'string') throw damaged(where, `a bzip2 block is broken: ${block}`);
    const output = new BlockOutput(block);
    for (let part = output.read(CHUNK); part.byteLength > 0; part = output.read(CHUNK)) yield part;
    if (output.crc !== block.crc) throw badCrc(where, 'block', block.crc, output.crc);
    combined = (((combined << 1) | (combined >>> 31)) ^ output.crc) >>> 0;
  }
  const stated = await input.parse(8, where, (bits) => bits.read(32));
  if (stated !== combined) throw badCrc(where, 'stream', stated, combined);
  input.bits.align();
}

function blockSize(bits: BitReader): number | undefined {
  const magic = bits.read(24);
  const level = bits.read(8) - 0x30;
  return magic === 0x425a68 && level >= 1 && level <= 9 ? level * 100_000 : undefined;
}

function marker(bits: BitReader): 'block' | 'end' | 'other' {
  const mark = Array.from({ length: 6 }, () => bits.read(8));
  if (mark.every((byte, i) => byte === BLOCK[i])) return 'block';
  return mark.every((byte, i) => byte === END[i]) ? 'end' : 'other';
}

async function expectZeros(input: Refill, where: string): Promise<void> {
  const at = input.bits.position;
  do {
    if (!input.bits.dropZeros()) throw trailingGarbage(where, 'bzip2', at);
  } while (await input.ensure(1));
}

function badCrc(where: string, what: string, stated: number, found: number): Error {
  const hex = (crc: number): string => crc.toString(16).padStart(8, '0');
  return damaged(where, `expected CRC ${hex(stated)} of a bzip2 ${what}, found ${hex(found)}`);
}

/** Bits that are refilled from a stream before something is parsed from them. */
class Refill {
  readonly bits = new BitReader();
  private readonly source: AsyncIterator<Uint8Array>;
  private ended = false;

  constructor(bytes: ByteStream) {
    this.source = bytes[Symbol.asyncIterator]();
  }

  /** Reads on until `count` bytes are at hand. @returns whether there are that many */
  async ensure(count: number): Promise<boolean> {
    const chunks: Uint8Array[] = [];
    let missing = count - this.bits.bytesLeft;
    while (missing > 0 && !this.ended) {
      const next = await this.source.next();
      if (next.done === true) this.ended = true;
      else {
        chunks.push(next.value);
        missing -= next.value.byteLength;
      }
    }
    this.bits.append(chunks);
    return missing <= 0;
  }

  /** Parses with about `need` bytes at hand, and again from the same place with more if those did not do. */
  async parse<T>(need: number, where: string, parse: (bits: BitReader) => T): Promise<T> {
    const mark = this.bits.mark();
    for (let enough = need; ; enough *= 2) {
      const complete = await this.ensure(enough);
      try {
        return parse(this.bits);
      } catch (error) {
        if (!(error instanceof OutOfBits)) throw error;
        if (!complete) throw truncated(where, 'bzip2', 'more data', this.bits.end);
        this.bits.reset(mark);
      }
    }
  }

  async close(): Promise<void> {
    await this.source.return?.();
  }
}
