import { printable } from '../primitives/printable.js';
import { type HostState, type TransferEvent } from '../ports.js';
import { type HostProgress, HostsProgress, stateText, withoutName } from './progress-hosts.js';
import { fractionOf, ProgressState, type Snapshot } from './progress-state.js';
import { formatBytes, formatDuration } from './render/units.js';

/** Something that shows events. All of it may be called at any time, and more than once. */
export interface Progress {
  readonly emit: (event: TransferEvent) => void;
  readonly stop: () => void;
  /** Leaves the terminal to somebody else until `resume`; what is to be said meanwhile is kept. */
  readonly pause: () => void;
  readonly resume: () => void;
}

export type WriteLine = (line: string) => void;

const PLAIN_INTERVAL_MS = 10_000;
/** What is over in less needs no report on the way. */
const PLAIN_QUIET_MS = 2_000;
const JSON_INTERVAL_MS = 1_000;

/**
 * For logs: a line every ten seconds, and at every quarter of the way of what takes some seconds. Of several receivers,
 * a line at each change of state, and every ten seconds one for each that is sending. `reasons`: with why one failed,
 * where no result says it below.
 */
export function plainProgress(write: WriteLine, now: () => number, reasons: boolean): Pick<Progress, 'emit'> {
  const state = new ProgressState(now);
  const hosts = new HostsProgress(now);
  const lines = new Map<HostProgress, PlainHost>();
  let lastLine = now();
  let quarter = 0;

  return {
    emit: (event) => {
      const receiver = hosts.apply(event);
      if (event.type === 'note') write(`note: ${noteText(event, receiver?.host)}`);
      if (receiver !== undefined) {
        const line = lines.get(receiver) ?? new PlainHost(receiver, write, now, reasons);
        lines.set(receiver, line);
        line.tell(event);
        return;
      }
      state.apply(event);
      if (event.type === 'start') [lastLine, quarter] = [now(), 0];
      if (event.type !== 'bytes') return;
      const snapshot = state.snapshot();
      const share = fractionOf(snapshot);
      const reached = share === undefined || share >= 1 ? quarter : Math.floor(share * 4);
      const since = now() - lastLine;
      if (since < (reached > quarter ? PLAIN_QUIET_MS : PLAIN_INTERVAL_MS)) return;
      quarter = Math.max(quarter, reached);
      lastLine = now();
      write(plainLine(snapshot.what, snapshot));
    },
  };
}

/** The lines of one of several receivers. */
class PlainHost {
  readonly #receiver: HostProgress;
  readonly #write: WriteLine;
  readonly #now: () => number;
  readonly #reasons: boolean;
  #lastLine = 0;
  #state: HostState | undefined;
  /** What was last said of it. */
  #text = '';

  constructor(receiver: HostProgress, write: WriteLine, now: () => number, reasons: boolean) {
    this.#receiver = receiver;
    this.#write = write;
    this.#now = now;
    this.#reasons = reasons;
  }

  tell(event: TransferEvent): void {
    if (event.type === 'note') this.#text = withoutName(printable(event.message, 500), this.#receiver.host);
    if (event.type === 'host') this.#change();
    if (event.type === 'bytes') this.#move();
  }

  #change(): void {
    const snapshot = this.#receiver.snapshot();
    const { host, state } = snapshot;
    const text = state === 'failed' && !this.#reasons ? '' : stateText(snapshot);
    // Why it tries again has mostly been said as a note just before, and what a dry run found when it was ready.
    const isNews = text !== '' && text !== this.#text;
    if (state === this.#state && !isNews) return;
    this.#lastLine = this.#now();
    this.#state = state;
    if (isNews) this.#text = text;
    // All of them wait at first.
    if (state !== 'waiting') this.#write(isNews ? `${host}: ${state}: ${text}` : `${host}: ${state}`);
  }

  #move(): void {
    if (this.#state === undefined || this.#now() - this.#lastLine < PLAIN_INTERVAL_MS) return;
    this.#lastLine = this.#now();
    const snapshot = this.#receiver.snapshot();
    this.#write(plainLine(`${snapshot.host}: ${snapshot.state}`, snapshot));
  }
}

function plainLine(what: string, { bytes, total, rate, left }: Snapshot): string {
  const share = fractionOf({ bytes, total });
  const amount = total === undefined ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(total)}`;
  const percent = share === undefined ? '' : `${String(Math.floor(share * 100))} %, `;
  const pace = rate > 0 ? `, ${formatBytes(rate)}/s` : '';
  return `${what}: ${percent}${amount}${pace}${left === undefined ? '' : `, ${formatDuration(left)} left`}`;
}

/** A note with the host that it is about. */
export const noteText = ({ message }: { readonly message: string }, host: string | undefined): string =>
  host === undefined ? printable(message, 2000) : `${host}: ${withoutName(printable(message, 2000), host)}`;

/**
 * For programs: every event as one JSON object a line; bytes as a running sum, of each receiver for itself, at most
 * once a second, and when the phase ends or the state of the receiver changes.
 */
export function jsonProgress(write: WriteLine, now: () => number): Pick<Progress, 'emit'> {
  const sums = new Map<string | undefined, JsonSum>();
  const hosts = new HostsProgress(now);
  const state = new ProgressState(now);
  return {
    emit: (event) => {
      const host = 'host' in event ? event.host : undefined;
      const sum = sums.get(host) ?? new JsonSum(write, now);
      sums.set(host, sum);
      const before = (): Snapshot => hosts.find(host)?.snapshot() ?? state.snapshot();
      if (event.type === 'end' || (event.type === 'host' && sum.open)) sum.say(before(), host);
      const receiver = hosts.apply(event);
      if (receiver === undefined) state.apply(event);
      if (event.type !== 'bytes') write(JSON.stringify(event));
      else sum.add((receiver ?? state).snapshot(), host);
    },
  };
}

/** When the bytes of one phase or receiver were last said. */
class JsonSum {
  readonly #write: WriteLine;
  readonly #now: () => number;
  #last = -Infinity;
  /** Whether bytes came that were not said yet. */
  open = false;

  constructor(write: WriteLine, now: () => number) {
    this.#write = write;
    this.#now = now;
  }

  add(snapshot: Snapshot, host: string | undefined): void {
    this.open = true;
    if (this.#now() - this.#last >= JSON_INTERVAL_MS) this.say(snapshot, host);
  }

  say({ bytes, total, rate }: Snapshot, host: string | undefined): void {
    this.#last = this.#now();
    this.open = false;
    this.#write(JSON.stringify({ type: 'progress', host, bytes, total, bytesPerSecond: Math.round(rate) }));
  }
}
