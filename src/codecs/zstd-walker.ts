import { damaged, trailingGarbage, truncated } from './faults.js';
import { type FrameHeader, headerLength, isSkippable, MAX_BLOCK, parseHeader, ZSTD_MAGIC } from './zstd-header.js';

type State = 'magic' | 'descriptor' | 'header' | 'skip-size' | 'skip' | 'block' | 'body' | 'checksum' | 'padding';

const expectation: Readonly<Record<State, string>> = {
  magic: 'a whole frame',
  descriptor: 'a whole frame header',
  header: 'a whole frame header',
  'skip-size': 'a whole skippable frame',
  skip: 'a whole skippable frame',
  block: 'another block',
  body: 'a whole block',
  checksum: 'a content checksum',
  padding: 'zeros',
};

const dataStates: ReadonlySet<State> = new Set<State>(['block', 'body', 'checksum']);

// A run of this many blocks decompresses to 2 MiB at most, which bounds what one call of a decoder can yield.
const BLOCKS_PER_PIECE = 16;

/**
 * Follows the frames and blocks of zstd data (RFC 8878 section 3.1) without decompressing it, and so knows what no
 * decoder tells reliably: whether the last frame is complete, and what is no frame at all. (Node.js 22 and zstd-codec
 * end a truncated stream without an error, Node.js 26 accepts garbage, Node.js 22 and 24 fail at skippable frames.)
 */
export class ZstdWalker {
  private state: State = 'magic';
  /** Bytes still to come of the part that `state` names. */
  private left = 4;
  private readonly part = new Uint8Array(32);
  private filled = 0;
  private lastBlock = false;
  private header: FrameHeader | undefined;
  private offset = 0;
  private frameStart = 0;
  /** Frames ended so far, skippable ones included. */
  frames = 0;
  /** Bytes that the finished and the current data frames say they hold; undefined as soon as one does not say. */
  declared: number | undefined = 0;
  private readonly where: string;
  private readonly onHeader: (header: FrameHeader) => void;

  /** @param onHeader called at each data frame, before any byte of it is handed out; may throw */
  constructor(where: string, onHeader: (header: FrameHeader) => void = () => undefined) {
    this.where = where;
    this.onHeader = onHeader;
  }

  /** The header of the last data frame. */
  get lastHeader(): FrameHeader | undefined {
    return this.header;
  }

  /**
   * The parts of `chunk` that belong to data frames, in pieces of at most 16 blocks. A frame header is handed out whole,
   * in a piece of its own.
   */
  *pieces(chunk: Uint8Array): Generator<Uint8Array> {
    let at = 0;
    let start = 0;
    let blocks = 0;
    while (at < chunk.byteLength) {
      const before = this.state;
      at = this.consume(chunk, at);
      if (this.left > 0) break;
      this.finishPart(before);
      if (before === 'header') yield this.part.slice(0, this.header?.length);
      // What is not data is passed over; so is a header, which may have begun in an earlier chunk.
      if (!dataStates.has(before)) start = at;
      if (before === 'block') blocks++;
      if (this.state !== 'magic' && blocks < BLOCKS_PER_PIECE) continue;
      if (at > start) yield chunk.subarray(start, at);
      start = at;
      blocks = 0;
    }
    if (at > start && dataStates.has(this.state)) yield chunk.subarray(start, at);
  }

  /** @throws TransferError BAD_ARCHIVE unless the input may end here. */
  end(): void {
    if (this.offset === 0) throw damaged(this.where, 'expected zstd data, found nothing');
    if (this.state === 'padding' || (this.state === 'magic' && this.filled === 0 && this.frames > 0)) return;
    if (this.state === 'magic' && this.frames > 0 && this.part.subarray(0, this.filled).every((byte) => byte === 0)) {
      return;
    }
    throw truncated(this.where, 'zstd', expectation[this.state], this.offset);
  }

  /** Takes what `chunk` has from `at` of the current part. @returns where that ends */
  private consume(chunk: Uint8Array, at: number): number {
    const end = at + Math.min(this.left, chunk.byteLength - at);
    const taken = chunk.subarray(at, end);
    if (this.state === 'padding') this.checkPadding(taken);
    else if (this.state !== 'body' && this.state !== 'skip') {
      this.part.set(taken, this.filled);
      this.filled += taken.byteLength;
    }
    this.offset += taken.byteLength;
    this.left -= taken.byteLength;
    return end;
  }

  private expect(state: State, left: number): void {
    this.state = state;
    this.left = left;
    if (state === 'magic' || dataStates.has(state)) this.filled = 0;
  }

  private finishPart(state: State): void {
    if (state === 'magic') this.readMagic();
    else if (state === 'descriptor') this.expectHeader();
    else if (state === 'header') this.readHeader();
    else if (state === 'skip-size') this.expectSkip();
    else if (state === 'block') this.readBlock();
    else if (state === 'body') this.afterBody();
    else this.endFrame();
  }

  private readMagic(): void {
    const magic = this.word(0);
    this.frameStart = this.offset - 4;
    if (magic === ZSTD_MAGIC) this.expect('descriptor', 1);
    else if (isSkippable(magic)) this.expect('skip-size', 4);
    else if (magic === 0 && this.frames > 0) this.expect('padding', Infinity);
    else if (this.frames > 0) throw trailingGarbage(this.where, 'zstd', this.frameStart);
    else throw damaged(this.where, 'expected zstd data, found something else');
  }

  private expectHeader(): void {
    const length = headerLength(this.part[4] ?? 0);
    // The shortest header is 5 bytes plus one of window or size, so there is always something left to read.
    this.expect('header', length - 5);
  }

  private readHeader(): void {
    const header = parseHeader(this.part.subarray(0, this.filled));
    if (typeof header === 'string') throw this.broken(header);
    this.header = header;
    if (header.dictionary) {
      throw damaged(this.where, 'the zstd data needs a dictionary', undefined, 'Decompress it with its dictionary.');
    }
    if (header.contentSize === undefined) this.declared = undefined;
    else if (this.declared !== undefined) this.declared += header.contentSize;
    this.onHeader(header);
    this.expect('block', 3);
  }

  private expectSkip(): void {
    const length = this.word(4);
    if (length === 0) this.endFrame();
    else this.expect('skip', length);
  }

  private readBlock(): void {
    const bits = (this.part[0] ?? 0) | ((this.part[1] ?? 0) << 8) | ((this.part[2] ?? 0) << 16);
    const type = (bits >>> 1) & 3;
    const size = bits >>> 3;
    if (type === 3) throw this.broken('a block has the reserved type 3');
    if (size > MAX_BLOCK) throw this.broken(`a block has ${String(size)} bytes, more than ${String(MAX_BLOCK)}`);
    this.lastBlock = (bits & 1) === 1;
    const stored = type === 1 ? 1 : size;
    if (stored === 0) this.afterBody();
    else this.expect('body', stored);
  }

  private afterBody(): void {
    if (!this.lastBlock) this.expect('block', 3);
    else if (this.header?.hasChecksum === true) {
      this.expect('checksum', 4);
    } else this.endFrame();
  }

  private endFrame(): void {
    this.frames++;
    this.expect('magic', 4);
  }

  private checkPadding(bytes: Uint8Array): void {
    if (bytes.some((byte) => byte !== 0)) throw trailingGarbage(this.where, 'zstd', this.frameStart);
  }

  private word(at: number): number {
    return new DataView(this.part.buffer).getUint32(at, true);
  }

  private broken(problem: string): Error {
    return damaged(this.where, `the zstd frame at byte ${String(this.frameStart)} is broken: ${problem}`);
  }
}
