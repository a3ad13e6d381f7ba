/** The last `max` bytes of a stream; what came before is dropped, so a child can print as much as it likes. */
export class Tail {
  private readonly max: number;
  private chunks: Uint8Array[] = [];
  private held = 0;
  /** Bytes seen in all. */
  total = 0;

  constructor(max: number) {
    this.max = max;
  }

  push(chunk: Uint8Array): void {
    this.total += chunk.byteLength;
    this.chunks.push(chunk.byteLength > this.max ? chunk.subarray(-this.max) : chunk);
    this.held += Math.min(chunk.byteLength, this.max);
    while (this.held - (this.chunks[0]?.byteLength ?? 0) >= this.max) {
      this.held -= this.chunks.shift()?.byteLength ?? 0;
    }
  }

  text(): string {
    return Buffer.concat(this.chunks).subarray(-this.max).toString('utf8');
  }
}
