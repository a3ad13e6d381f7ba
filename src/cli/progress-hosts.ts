import { printable } from '../primitives/printable.js';
import { type HostState, type TransferEvent } from '../ports.js';
import { ProgressState, type Snapshot } from './progress-state.js';
import { formatBytes, formatDuration } from './render/units.js';

type HostEvent = Extract<TransferEvent, { type: 'host' }>;

/** What can be said about one host at this moment. */
export interface HostSnapshot extends Snapshot {
  /** Safe to print. */
  readonly host: string;
  readonly state: HostState;
  /** Bytes that were there already; undefined: not known yet. */
  readonly present: number | undefined;
  /** Safe to print. */
  readonly message: string | undefined;
  /** Bytes that moved over all tries. */
  readonly moved: number;
  /** Since it was first connected to. */
  readonly seconds: number;
}

/** Sums up the events of one of several receivers. */
export class HostProgress {
  readonly host: string;
  readonly #now: () => number;
  readonly #phase: ProgressState;
  #state: HostState = 'waiting';
  #total: number | undefined;
  #present: number | undefined;
  #message: string | undefined;
  #moved = 0;
  #began: number | undefined;
  #ended: number | undefined;

  constructor(host: string, now: () => number) {
    this.host = printable(host, 200);
    this.#now = now;
    this.#phase = new ProgressState(now);
    this.#restart();
  }

  apply(event: HostEvent): void {
    const { state, bytes, present, message } = event;
    const entered = state !== this.#state;
    this.#state = state;
    this.#message = message === undefined ? undefined : withoutName(printable(message, 500), this.host);
    this.#present = present ?? this.#present;
    this.#total = state === 'retrying' ? undefined : (bytes ?? this.#total);
    this.#clock(state);
    // Each try counts for itself, and the clock of the rate starts when bytes may move.
    const begins = entered && state === 'sending' && this.#phase.snapshot().bytes === 0;
    if (state === 'ready' || state === 'retrying' || begins) this.#restart();
    else this.#phase.expect(this.#total);
  }

  #clock(state: HostState): void {
    if (state !== 'waiting') this.#began ??= this.#now();
    if (state === 'done' || state === 'failed') this.#ended = this.#now();
  }

  add(event: Extract<TransferEvent, { type: 'bytes' | 'image' }>): void {
    this.#phase.apply(event);
    if (event.type !== 'bytes') return;
    this.#moved += event.bytes;
    // The next part may be on its way while one is proven, and that takes longer.
    if (this.#state === 'proving') this.#state = 'sending';
  }

  #restart(): void {
    this.#phase.apply({ type: 'start', what: this.host, bytes: this.#total });
  }

  snapshot(): HostSnapshot {
    const since = this.#began === undefined ? 0 : (this.#ended ?? this.#now()) - this.#began;
    return {
      ...this.#phase.snapshot(),
      host: this.host,
      state: this.#state,
      present: this.#present,
      message: this.#message,
      moved: this.#moved,
      seconds: since / 1000,
    };
  }
}

/** All receivers that events spoke of, in the order in which they first did. */
export class HostsProgress {
  readonly #now: () => number;
  readonly #hosts = new Map<string, HostProgress>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The host that `event` is about; undefined: none. */
  apply(event: TransferEvent): HostProgress | undefined {
    if (!('host' in event)) return undefined;
    const host = this.#hosts.get(event.host) ?? new HostProgress(event.host, this.#now);
    this.#hosts.set(event.host, host);
    if (event.type === 'host') host.apply(event);
    if (event.type === 'bytes' || event.type === 'image') host.add(event);
    return host;
  }

  find(host: string | undefined): HostProgress | undefined {
    return host === undefined ? undefined : this.#hosts.get(host);
  }

  all(): readonly HostProgress[] {
    return [...this.#hosts.values()];
  }
}

/** Messages begin with the host that they are about, some with its address after it; so does every line here. */
export function withoutName(message: string, host: string): string {
  if (message.startsWith(`${host}: `)) return message.slice(host.length + 2);
  return message.startsWith(`${host} (`) ? message.slice(host.length + 1) : message;
}

/** What a host's state has to say for itself, besides its name; '': nothing. */
export function stateText({ state, total, present = 0, message, moved, seconds }: HostSnapshot): string {
  if (state !== 'ready' && state !== 'done') return message ?? '';
  const there = present > 0 ? [`${formatBytes(present)} there already`] : [];
  const toSend = total === undefined ? [] : [total === 0 ? 'nothing to send' : `${formatBytes(total)} to send`];
  // A dry run is done, and has sent nothing; neither has one that only cleans.
  const what = message ?? `${formatBytes(moved)} sent`;
  const sent = moved > 0 ? [`${what} in ${formatDuration(seconds)}`] : toSend;
  return [...(state === 'done' ? sent : toSend), ...there].join(', ');
}
