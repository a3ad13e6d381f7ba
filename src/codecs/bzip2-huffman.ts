import { type BitReader } from './bit-reader.js';

const MAX_LENGTH = 20;
/** Codes up to this length are found by one look-up. */
const DIRECT = 10;

/** The code lengths of one table: a first one, then steps up and down. @returns undefined when one is out of range */
export function readLengths(bits: BitReader, count: number): Uint8Array | undefined {
  const lengths = new Uint8Array(count);
  let length = bits.read(5);
  for (let i = 0; i < count; i++) {
    for (;;) {
      if (length < 1 || length > MAX_LENGTH) return undefined;
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[i] = length;
  }
  return lengths;
}

/** A canonical Huffman code. */
export class HuffmanTable {
  /** By the next DIRECT bits: symbol * 32 + length, or 0. */
  private readonly direct = new Uint16Array(1 << DIRECT);
  /** By length: the first code that is too large for it, in MAX_LENGTH bits. */
  private readonly limit = new Float64Array(MAX_LENGTH + 1);
  /** By length: what leads from a code to its place in `sorted`. */
  private readonly offset = new Int32Array(MAX_LENGTH + 1);
  private readonly sorted: Uint16Array;

  constructor(lengths: Uint8Array) {
    this.sorted = new Uint16Array(lengths.length);
    let place = 0;
    let code = 0;
    for (let length = 1; length <= MAX_LENGTH; length++) {
      this.offset[length] = place - code;
      lengths.forEach((l, symbol) => {
        if (l !== length) return;
        this.enter(symbol, code++, length);
        this.sorted[place++] = symbol;
      });
      this.limit[length] = code * 2 ** (MAX_LENGTH - length);
      code *= 2;
    }
  }

  /** @returns the next symbol, or -1 for a code that is in no table. @throws OutOfBits */
  decode(bits: BitReader): number {
    const entry = this.direct[bits.peek(DIRECT)] ?? 0;
    if (entry !== 0) {
      bits.skip(entry & 31);
      return entry >>> 5;
    }
    const next = bits.peek(MAX_LENGTH);
    for (let length = 1; length <= MAX_LENGTH; length++) {
      if (next >= (this.limit[length] ?? 0)) continue;
      bits.skip(length);
      return this.sorted[(next >>> (MAX_LENGTH - length)) + (this.offset[length] ?? 0)] ?? -1;
    }
    // Zeros stand for what lies beyond the end: only a code that was read whole is wrong.
    bits.skip(MAX_LENGTH);
    return -1;
  }

  private enter(symbol: number, code: number, length: number): void {
    const span = 2 ** (DIRECT - length);
    // An over-full code, in damaged data, has codes that do not fit their length.
    if (length <= DIRECT && (code + 1) * span <= this.direct.length) {
      this.direct.fill(symbol * 32 + length, code * span, (code + 1) * span);
    }
  }
}
