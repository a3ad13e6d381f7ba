import { printable } from '../primitives/printable.js';
import { familiarReference } from '../model/reference.js';
import { type TransferEvent } from '../ports.js';

/** Rates are averaged over this long: short enough to follow a drive that slows down, long enough not to jump. */
const RATE_MS = 10_000;
/** The time left is told from a longer past: buffers fill at once and then wait, and so would it. */
const STEADY_MS = 30_000;
const SAMPLE_MS = 250;
/** What is shorter than this has no rate worth a word. */
const SETTLED_MS = 1_000;
/** No time left is told on less of a base: after so long, and so much of the way or the whole steady past. */
const BASE_MS = 5_000;
const BASE_SHARE = 0.01;

/** What can be said about a transfer at this moment. */
export interface Snapshot {
  readonly what: string;
  readonly bytes: number;
  readonly total: number | undefined;
  /** Bytes a second. */
  readonly rate: number;
  /** Seconds; undefined when it cannot be known. */
  readonly left: number | undefined;
  readonly image: string;
}

/** Sums up events; one phase (`start` to `end`) at a time. */
export class ProgressState {
  readonly #now: () => number;
  #what = '';
  #total: number | undefined;
  #bytes = 0;
  #image = '';
  #recent = new Meter(RATE_MS);
  /** From the first byte on: an engine may take long to give it. */
  #steady = new Meter(STEADY_MS);

  constructor(now: () => number) {
    this.#now = now;
  }

  apply(event: TransferEvent): void {
    if (event.type === 'start') {
      this.#what = printable(event.what, 40);
      this.#total = event.bytes;
      this.#bytes = 0;
      this.#image = '';
      this.#recent = new Meter(RATE_MS);
      this.#recent.add(this.#now(), 0);
      this.#steady = new Meter(STEADY_MS);
    }
    if (event.type === 'image') this.#image = printable(familiarReference(event.name), 200);
    if (event.type === 'bytes') this.#add(event.bytes);
  }

  /** States the total anew, without a new beginning. */
  expect(total: number | undefined): void {
    this.#total = total;
  }

  #add(bytes: number): void {
    this.#bytes += bytes;
    for (const meter of [this.#recent, this.#steady]) meter.add(this.#now(), this.#bytes);
  }

  snapshot(): Snapshot {
    const at = this.#now();
    const recent = this.#recent.measure(at, this.#bytes);
    const rate = recent.ms < SETTLED_MS ? 0 : recent.rate;
    return { what: this.#what, bytes: this.#bytes, total: this.#total, rate, left: this.#left(at), image: this.#image };
  }

  #left(at: number): number | undefined {
    const { ms, rate } = this.#steady.measure(at, this.#bytes);
    if (this.#total === undefined || rate <= 0 || ms < BASE_MS) return undefined;
    if (ms < STEADY_MS && this.#bytes < this.#total * BASE_SHARE) return undefined;
    // More may come than was expected: what did not arrive well is sent anew.
    return this.#bytes >= this.#total ? undefined : (this.#total - this.#bytes) / rate;
  }
}

/** How fast a sum grows, over a window that moves along. */
class Meter {
  readonly #window: number;
  #samples: { at: number; bytes: number }[] = [];

  constructor(windowMs: number) {
    this.#window = windowMs;
  }

  /** `bytes` is the sum so far. */
  add(at: number, bytes: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && at - last.at < SAMPLE_MS) return;
    this.#samples.push({ at, bytes });
    while ((this.#samples[1]?.at ?? at) < at - this.#window) this.#samples.shift();
  }

  /** Bytes a second, and of how many milliseconds. */
  measure(at: number, bytes: number): { ms: number; rate: number } {
    const first = this.#samples[0];
    const ms = first === undefined ? 0 : at - first.at;
    return { ms, rate: first === undefined || ms === 0 ? 0 : ((bytes - first.bytes) / ms) * 1000 };
  }
}

/** 0 to 1; undefined without a total. */
export function fractionOf({ bytes, total }: Pick<Snapshot, 'bytes' | 'total'>): number | undefined {
  if (total === undefined) return undefined;
  return total === 0 ? 1 : Math.min(1, bytes / total);
}
