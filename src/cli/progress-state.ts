import { printable } from '../primitives/printable.js';
import { familiarReference } from '../model/reference.js';
import { type TransferEvent } from '../ports.js';

/** Rates are averaged over this long: short enough to follow a drive that slows down, long enough not to jump. */
const WINDOW_MS = 10_000;
const SAMPLE_MS = 250;
/** What is shorter than this has no rate worth a word. */
const SETTLED_S = 1;

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
  #samples: { at: number; bytes: number }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  apply(event: TransferEvent): void {
    if (event.type === 'start') {
      this.#what = printable(event.what, 40);
      this.#total = event.bytes;
      this.#bytes = 0;
      this.#image = '';
      this.#samples = [{ at: this.#now(), bytes: 0 }];
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
    const at = this.#now();
    const last = this.#samples.at(-1);
    if (last !== undefined && at - last.at < SAMPLE_MS) return;
    this.#samples.push({ at, bytes: this.#bytes });
    while ((this.#samples[1]?.at ?? at) < at - WINDOW_MS) this.#samples.shift();
  }

  snapshot(): Snapshot {
    const first = this.#samples[0];
    const seconds = first === undefined ? 0 : (this.#now() - first.at) / 1000;
    const rate = first === undefined || seconds < SETTLED_S ? 0 : (this.#bytes - first.bytes) / seconds;
    const rest = this.#total === undefined ? undefined : Math.max(0, this.#total - this.#bytes);
    const left = rest === undefined || rate <= 0 ? undefined : rest / rate;
    return { what: this.#what, bytes: this.#bytes, total: this.#total, rate, left, image: this.#image };
  }
}

/** 0 to 1; undefined without a total. */
export function fractionOf({ bytes, total }: Pick<Snapshot, 'bytes' | 'total'>): number | undefined {
  if (total === undefined) return undefined;
  return total === 0 ? 1 : Math.min(1, bytes / total);
}
