/** Enough for the frames that a stream reads ahead and the last one read; one frame is kept whatever its size. */
const BUDGET = 16 * 1024 * 1024;

interface Entry {
  readonly size: number;
  readonly content: Promise<Buffer>;
}

/** The contents of the last few frames, by their number; those last used go last. A fault is not kept. */
export class FrameCache {
  private readonly entries = new Map<number, Entry>();
  private size = 0;

  get(frame: number): Promise<Buffer> | undefined {
    const entry = this.entries.get(frame);
    if (entry === undefined) return undefined;
    this.entries.delete(frame);
    this.entries.set(frame, entry);
    return entry.content;
  }

  put(frame: number, size: number, content: Promise<Buffer>): Promise<Buffer> {
    this.drop(frame);
    this.entries.set(frame, { size, content });
    this.size += size;
    content.catch(() => {
      // Another reader may have put the frame anew since: what it is given must stay.
      if (this.entries.get(frame)?.content === content) this.drop(frame);
    });
    for (const oldest of this.entries.keys()) {
      if (this.size <= BUDGET || this.entries.size === 1) break;
      this.drop(oldest);
    }
    return content;
  }

  private drop(frame: number): void {
    this.size -= this.entries.get(frame)?.size ?? 0;
    this.entries.delete(frame);
  }
}
