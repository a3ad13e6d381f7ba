import { type BitReader } from './bit-reader.js';
import { HuffmanTable, readLengths } from './bzip2-huffman.js';

/** Symbols that share one table. */
const GROUP = 50;
const RUN_B = 1;

export interface Block {
  /** The block's CRC, as stated. */
  readonly crc: number;
  /** For each place of the sorted block: its byte, and (times 256) the place of its successor. */
  readonly links: Uint32Array;
  readonly first: number;
}

/**
 * Decodes a block after its mark, up to the inverse Burrows-Wheeler transform.
 * @param capacity bytes of the largest block of the stream
 * @returns what is wrong, if anything is. @throws OutOfBits
 */
export function readBlock(bits: BitReader, capacity: number): Block | string {
  const crc = bits.read(32);
  if (bits.read(1) === 1) return 'it is randomised (bzip2 before 0.9.5)';
  const first = bits.read(24);
  const symbols = readAlphabet(bits);
  if (symbols.length === 0) return 'it uses no byte value';
  const tableCount = bits.read(3);
  if (tableCount < 2 || tableCount > 6) return `it has ${String(tableCount)} code tables`;
  const selectors = readSelectors(bits, tableCount);
  if (typeof selectors === 'string') return selectors;
  const tables: HuffmanTable[] = [];
  for (let i = 0; i < tableCount; i++) {
    const lengths = readLengths(bits, symbols.length + 2);
    if (lengths === undefined) return 'a code length is out of range';
    tables.push(new HuffmanTable(lengths));
  }
  const links = new Uint32Array(capacity);
  const size = readSymbols(bits, { symbols, tables, selectors }, links);
  if (typeof size === 'string') return size;
  if (first >= size) return 'its start lies outside';
  link(links.subarray(0, size));
  return { crc, links: links.subarray(0, size), first };
}

function readAlphabet(bits: BitReader): Uint8Array {
  const used: number[] = [];
  const ranges = bits.read(16);
  for (let high = 0; high < 16; high++) {
    if ((ranges & (0x8000 >>> high)) === 0) continue;
    const range = bits.read(16);
    for (let low = 0; low < 16; low++) if ((range & (0x8000 >>> low)) !== 0) used.push(high * 16 + low);
  }
  return Uint8Array.from(used);
}

function readSelectors(bits: BitReader, tableCount: number): Uint8Array | string {
  const count = bits.read(15);
  if (count === 0) return 'it has no selectors';
  const selectors = new Uint8Array(count);
  const order = Uint8Array.from({ length: tableCount }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    let rank = 0;
    while (bits.read(1) === 1) if (++rank >= tableCount) return 'a selector is out of range';
    selectors[i] = toFront(order, rank);
  }
  return selectors;
}

/** Moves the entry at `rank` to the front. @returns it */
function toFront(order: Uint8Array, rank: number): number {
  const value = order[rank] ?? 0;
  // Faster than copyWithin: most ranks are small.
  for (let i = rank; i > 0; i--) order[i] = order[i - 1] ?? 0;
  order[0] = value;
  return value;
}

interface Coding {
  readonly symbols: Uint8Array;
  readonly tables: readonly HuffmanTable[];
  readonly selectors: Uint8Array;
}

/** Undoes Huffman code, run lengths and move-to-front. @returns how many bytes are in `into`, or what is wrong */
function readSymbols(bits: BitReader, { symbols, tables, selectors }: Coding, into: Uint32Array): number | string {
  const order = symbols.slice();
  const end = symbols.length + 1;
  let size = 0;
  let run = 0;
  let weight = 1;
  for (const selector of selectors) {
    const table = tables[selector];
    for (let i = 0; i < GROUP; i++) {
      const symbol = table?.decode(bits) ?? -1;
      if (symbol < 0) return 'a code is not in its table';
      if (symbol <= RUN_B) {
        // Digits of a number in bijective base 2. Checked at each: its weight must not overflow.
        run += weight << symbol;
        weight *= 2;
        if (size + run > into.length) return 'a run is longer than the block';
        continue;
      }
      if (run > 0) {
        into.fill(order[0] ?? 0, size, size + run);
        size += run;
        run = 0;
        weight = 1;
      }
      if (symbol === end) return size;
      if (size >= into.length) return 'it holds more than a block';
      into[size++] = toFront(order, symbol - 1);
    }
  }
  return 'it has no end';
}

/** Turns the last column into links, in place: the first half of the inverse Burrows-Wheeler transform. */
function link(column: Uint32Array): void {
  const next = new Uint32Array(256);
  for (const byte of column) next[byte] = (next[byte] ?? 0) + 1;
  let sum = 0;
  next.forEach((count, byte) => {
    next[byte] = sum;
    sum += count;
  });
  for (let i = 0; i < column.length; i++) {
    const byte = (column[i] ?? 0) & 0xff;
    const place = next[byte] ?? 0;
    next[byte] = place + 1;
    column[place] = (column[place] ?? 0) | (i << 8);
  }
}

/** Reads a block's bytes in order, undoing the first run-length code: four equal bytes, then how many more of them. */
export class BlockOutput {
  private readonly links: Uint32Array;
  private left: number;
  private place: number;
  private last = -1;
  private equal = 0;
  private repeat = 0;
  private sum = 0xffffffff;

  constructor({ links, first }: Block) {
    this.links = links;
    this.left = links.length;
    this.place = (links[first] ?? 0) >>> 8;
  }

  /** CRC-32 (most significant bit first) of what was read so far. */
  get crc(): number {
    return ~this.sum >>> 0;
  }

  /** The next bytes, at most `max` of them; none at the end. */
  read(max: number): Buffer {
    const out = Buffer.allocUnsafe(max);
    let size = 0;
    while (size < max && (this.repeat > 0 || this.left > 0)) {
      if (this.repeat > 0) {
        const count = Math.min(this.repeat, max - size);
        out.fill(this.last, size, size + count);
        size += count;
        this.repeat -= count;
        continue;
      }
      const byte = this.step();
      if (this.equal === 4) {
        this.repeat = byte;
        this.equal = 0;
        continue;
      }
      this.equal = byte === this.last ? this.equal + 1 : 1;
      this.last = byte;
      out[size++] = byte;
    }
    this.sum = crc32(this.sum, out, size);
    return out.subarray(0, size);
  }

  private step(): number {
    const entry = this.links[this.place] ?? 0;
    this.left--;
    this.place = entry >>> 8;
    return entry & 0xff;
  }
}

const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});

function crc32(start: number, bytes: Uint8Array, size: number): number {
  let crc = start;
  for (let i = 0; i < size; i++) crc = (crc << 8) ^ (crcTable[((crc >>> 24) ^ (bytes[i] ?? 0)) & 0xff] ?? 0);
  return crc;
}
