import { type TransferEvent } from '../ports.js';
import { type Output } from './io.js';
import { barLine, drawn } from './progress-bar.js';
import { type HostSnapshot, HostsProgress, stateText } from './progress-hosts.js';
import { noteText, type Progress } from './progress-lines.js';
import { fractionOf, ProgressState } from './progress-state.js';
import { clip, lengthOf, shorten } from './render/text.js';
import { formatBytes, formatDuration } from './render/units.js';

const REDRAW_MS = 100;
/** The rate and the time left change although no byte moves. */
const IDLE_REDRAW_MS = 1000;

/** For several receivers on a terminal: a line for each, and one for a phase that is no receiver's. */
export function boardProgress(stream: Output, now: () => number): Progress {
  const hosts = new HostsProgress(now);
  const phase = new ProgressState(now);
  let phaseOpen = false;

  const board = new Board(stream, now, () => {
    const columns = stream.columns ?? 80;
    const top = phaseOpen ? [barLine(phase.snapshot(), columns)] : [];
    // The line below belongs to the cursor.
    const room = Math.max(2, (stream.rows ?? 24) - 1 - top.length);
    const all = hosts.all().map((host) => host.snapshot());
    return [...top, ...hostLines(choose(all, room), columns)];
  });

  return {
    emit: (event: TransferEvent) => {
      const host = hosts.apply(event);
      if (host === undefined) phase.apply(event);
      if (event.type === 'start') phaseOpen = true;
      if (event.type === 'end') phaseOpen = false;
      if (event.type === 'note') board.say(noteText(event, host?.host));
      else if (event.type === 'bytes' || event.type === 'image') board.drawNowAndThen();
      else board.draw();
    },
    stop: () => {
      board.resume();
      board.clear();
    },
    pause: () => {
      board.pause();
    },
    resume: () => {
      board.resume();
    },
  };
}

/** Lines at the bottom of a terminal that change; what is said stands above them. */
class Board {
  readonly #stream: Output;
  readonly #now: () => number;
  readonly #lines: () => readonly string[];
  #height = 0;
  #lastDraw = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  /** What was said while somebody else has the terminal. */
  #held: string[] | undefined;

  constructor(stream: Output, now: () => number, lines: () => readonly string[]) {
    this.#stream = stream;
    this.#now = now;
    this.#lines = lines;
  }

  draw(): void {
    if (this.#held !== undefined) return;
    this.#timer ??= setInterval(() => {
      this.draw();
    }, IDLE_REDRAW_MS).unref();
    this.#replace('', this.#lines());
  }

  drawNowAndThen(): void {
    if (this.#now() - this.#lastDraw >= REDRAW_MS) this.draw();
  }

  say(text: string): void {
    if (this.#held === undefined) this.#replace(`${text}\n`, this.#lines());
    else this.#held.push(text);
  }

  clear(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#height > 0) this.#replace('', []);
  }

  pause(): void {
    this.clear();
    this.#held ??= [];
  }

  resume(): void {
    if (this.#held === undefined) return;
    const text = this.#held.map((line) => `${line}\n`).join('');
    this.#held = undefined;
    this.#replace(text, this.#lines());
  }

  /** In one write, so that nothing flickers. */
  #replace(text: string, lines: readonly string[]): void {
    const back = this.#height === 0 ? '' : `\u001b[${String(this.#height)}A`;
    this.#stream.write(`${back}\r\u001b[J${text}${lines.map((line) => `${line}\n`).join('')}`);
    this.#height = lines.length;
    this.#lastDraw = this.#now();
  }
}

/** Of more hosts than there are lines: those where something happens, then those that failed; the rest as a number. */
function choose(all: readonly HostSnapshot[], room: number): { shown: readonly HostSnapshot[]; rest: string } {
  if (all.length <= room) return { shown: all, rest: '' };
  const rank = ({ state }: HostSnapshot): number => ['failed', 'waiting', 'done'].indexOf(state) + 1;
  const ranked = [...all].sort((a, b) => rank(a) - rank(b)).slice(0, room - 1);
  const chosen = new Set(ranked.filter((host) => rank(host) <= 1));
  const hidden = all.filter((host) => !chosen.has(host));
  const counts = new Map<string, number>();
  for (const { state } of hidden) counts.set(state, (counts.get(state) ?? 0) + 1);
  const rest = [...counts].map(([state, n]) => `${String(n)} ${state}`).join(', ');
  return { shown: all.filter((host) => chosen.has(host)), rest: `and ${rest}` };
}

interface Layout {
  readonly bar: number;
  readonly host: number;
  readonly cells: (host: HostSnapshot) => readonly string[];
}

const percent = (host: HostSnapshot): string => `${String(Math.floor((fractionOf(host) ?? 0) * 100))} %`.padStart(5);
const amount = ({ bytes, total }: HostSnapshot): string =>
  total === undefined ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(total)}`;
/** `12.3/300.0 MB`, `900.0 kB/1.2 GB`. */
const shortAmount = (host: HostSnapshot): string =>
  amount(host)
    .replace(/^(\S+) (\S+) of (\S+ \2)$/, '$1/$3')
    .replace(' of ', '/');
const pace = ({ rate }: HostSnapshot): string => (rate > 0 ? `${formatBytes(rate)}/s` : '').padStart(9);
const left = (host: HostSnapshot): string =>
  (host.left === undefined ? '' : `${formatDuration(host.left).replace(/(min) \d+ s$/, '$1')} left`).padStart(9);
const there = ({ present = 0 }: HostSnapshot): string => (present > 0 ? `${formatBytes(present)} there` : '');
const thereAlready = (host: HostSnapshot): string => there(host).replace(/there$/, 'there already');

/** The less important parts go first. */
const layouts: readonly Layout[] = [
  { bar: 20, host: 40, cells: (host) => [percent(host), amount(host), pace(host), left(host), thereAlready(host)] },
  { bar: 10, host: 30, cells: (host) => [percent(host), shortAmount(host), pace(host), left(host), there(host)] },
  { bar: 10, host: 20, cells: (host) => [shortAmount(host), pace(host), left(host), there(host)] },
  { bar: 10, host: 16, cells: (host) => [shortAmount(host), pace(host), left(host), there(host)] },
  { bar: 10, host: 20, cells: (host) => [shortAmount(host), pace(host), left(host)] },
  { bar: 10, host: 16, cells: (host) => [shortAmount(host), pace(host), left(host)] },
  { bar: 10, host: 20, cells: (host) => [shortAmount(host), left(host)] },
  { bar: 10, host: 16, cells: (host) => [shortAmount(host)] },
];
const narrowest: Layout = { bar: 10, host: 10, cells: () => [] };

const GAP = '  ';

/** One line a host, each shorter than `columns`; the numbers of hosts that are sending stand below one another. */
export function hostLines(
  { shown, rest }: { readonly shown: readonly HostSnapshot[]; readonly rest: string },
  columns: number,
): string[] {
  const width = columns - 1;
  const sending = shown.filter(({ state }) => state === 'sending');
  // A wide bar that nobody needs would only push texts to the right.
  const tried = (sending.length === 0 ? layouts.slice(1) : layouts).map((layout) => draft(layout, shown, sending));
  const { layout, hostWidth, widths } = tried.find((each) => each.total <= width) ?? draft(narrowest, shown, sending);
  const lines = shown.map((host) => {
    const name = shorten(host.host, hostWidth).padEnd(hostWidth);
    const state = stateCell(host, layout.bar).padEnd(layout.bar + 2);
    const cells = layout.cells(host).map((cell, at) => cell.padStart(widths[at] ?? 0));
    const text = host.state === 'sending' ? cells.join(' ') : stateText(host);
    return clip(`${name}${GAP}${state}${GAP}${text}`.trimEnd(), Math.max(1, width));
  });
  return rest === '' ? lines : [...lines, clip(rest, Math.max(1, width))];
}

/** While bytes move the bar says so. */
const stateCell = (host: HostSnapshot, bar: number): string =>
  (host.state === 'sending' ? drawn(fractionOf(host), bar)[0] : undefined) ?? host.state;

function draft(
  layout: Layout,
  shown: readonly HostSnapshot[],
  sending: readonly HostSnapshot[],
): { layout: Layout; hostWidth: number; widths: readonly number[]; total: number } {
  const hostWidth = Math.min(layout.host, Math.max(...shown.map(({ host }) => lengthOf(host)), 0));
  const rows = sending.map((host) => layout.cells(host));
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => lengthOf(row[at] ?? ''))));
  const total = hostWidth + layout.bar + 2 + 2 * GAP.length + widths.reduce((sum, each) => sum + each + 1, -1);
  return { layout, hostWidth, widths, total };
}
