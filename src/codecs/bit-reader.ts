/** Thrown by BitReader when the bytes at hand do not do. Not an error of the input: more may come. */
export class OutOfBits extends Error {}

/** Reads bits from the most significant one on, as bzip2 packs them. */
export class BitReader {
  private bytes: Uint8Array = new Uint8Array(0);
  /** The next byte to load. */
  private at = 0;
  /** Bits loaded and not yet read, in the low `count` bits. */
  private window = 0;
  private count = 0;
  private dropped = 0;

  /** Bytes from the start of the input to the next bit. */
  get position(): number {
    return this.dropped + this.at - (this.count >>> 3);
  }

  /** Bytes of the input up to the last one at hand. */
  get end(): number {
    return this.dropped + this.bytes.byteLength;
  }

  /** Whole bytes that can be read. */
  get bytesLeft(): number {
    return this.bytes.byteLength - this.at + (this.count >>> 3);
  }

  /** Adds input. A mark taken before stays valid. */
  append(chunks: readonly Uint8Array[]): void {
    if (chunks.length === 0) return;
    // What is read is dropped, but for the four bytes that a mark can point back to.
    const keep = Math.max(0, Math.min(this.at, this.marked) - 4);
    this.bytes = Buffer.concat([this.bytes.subarray(keep), ...chunks]);
    this.at -= keep;
    this.marked -= keep;
    this.dropped += keep;
  }

  private marked = 0;

  /** A place to go back to; the last one only. */
  mark(): { readonly position: number; readonly window: number; readonly count: number } {
    this.marked = this.at;
    return { position: this.dropped + this.at, window: this.window, count: this.count };
  }

  reset(mark: { readonly position: number; readonly window: number; readonly count: number }): void {
    this.at = mark.position - this.dropped;
    this.window = mark.window;
    this.count = mark.count;
  }

  /** @param bits 0 to 32 @throws OutOfBits */
  read(bits: number): number {
    if (bits > 16) return this.read(bits - 16) * 0x10000 + this.read(16);
    if (this.count < bits) this.load();
    if (this.count < bits) throw new OutOfBits();
    this.count -= bits;
    return (this.window >>> this.count) & ((1 << bits) - 1);
  }

  /** The next `bits` (up to 20) without reading them; zeros stand for bits beyond the end. */
  peek(bits: number): number {
    if (this.count < bits) this.load();
    const mask = (1 << bits) - 1;
    return this.count >= bits
      ? (this.window >>> (this.count - bits)) & mask
      : (this.window << (bits - this.count)) & mask;
  }

  /** @throws OutOfBits */
  skip(bits: number): void {
    if (this.count < bits) throw new OutOfBits();
    this.count -= bits;
  }

  /** Goes on to the next whole byte. */
  align(): void {
    this.count -= this.count & 7;
  }

  /** Whether the next whole byte, which must be at hand, is zero. */
  atZeros(): boolean {
    return this.peek(8) === 0;
  }

  /** Reads all bytes at hand. @returns whether they are zero */
  dropZeros(): boolean {
    const rest = this.bytes.subarray(this.at - (this.count >>> 3));
    this.at = this.bytes.byteLength;
    this.marked = this.at;
    this.count = 0;
    return rest.every((byte) => byte === 0);
  }

  private load(): void {
    while (this.count <= 24 && this.at < this.bytes.byteLength) {
      this.window = (this.window << 8) | (this.bytes[this.at++] ?? 0);
      this.count += 8;
    }
  }
}
