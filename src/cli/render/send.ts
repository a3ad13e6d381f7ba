import { type SendOptions } from '../../commands/options.js';
import { type SendResult, type SentHost } from '../../commands/results.js';
import { type ReceiptItem, type ReceiptState } from '../../model/receipt.js';
import { noteLines } from './pack.js';
import { type Report } from './report.js';
import { type Column, type Row, table } from './table.js';
import { count, wrap } from './text.js';
import { formatBytes, formatDuration } from './units.js';
import { nameOf, red, safe, type View } from './view.js';

/** A column with what it says of a host; '' where there is nothing to say. */
type HostColumn = Column & { readonly cell: (host: SentHost) => string };

const hostColumn: HostColumn = { title: 'HOST', flexible: true, cell: ({ host }) => safe(host) };
const outcomeColumn: HostColumn = { title: 'OUTCOME', cell: outcomeOf };
const imagesColumn: HostColumn = { title: 'IMAGES', align: 'right', cell: imagesOf };
const timeColumn: HostColumn = { title: 'TIME', align: 'right', cell: ({ seconds }) => formatDuration(seconds) };

const sentColumns: readonly HostColumn[] = [
  hostColumn,
  outcomeColumn,
  imagesColumn,
  { title: 'SENT', align: 'right', cell: (host) => (host.totals === undefined ? '' : formatBytes(host.bytesSent)) },
  { title: 'SKIPPED', align: 'right', cell: ({ totals }) => bytesOf(totals && thereIn(totals)) },
  timeColumn,
];
const plannedColumns: readonly HostColumn[] = [
  hostColumn,
  outcomeColumn,
  imagesColumn,
  { title: 'TO SEND', align: 'right', cell: ({ totals }) => bytesOf(totals?.bytesToCopy) },
  { title: 'THERE', align: 'right', cell: ({ totals }) => bytesOf(totals && thereIn(totals)) },
];
const cleanedColumns: readonly HostColumn[] = [
  hostColumn,
  outcomeColumn,
  {
    title: 'REMOVED',
    align: 'right',
    cell: ({ state, checkpoints }) => (state === 'cleaned' ? String(checkpoints.length) : ''),
  },
];

const bytesOf = (bytes: number | undefined): string => (bytes === undefined ? '' : formatBytes(bytes));
const thereIn = ({ bytesUnique, bytesToCopy }: NonNullable<SentHost['totals']>): number => bytesUnique - bytesToCopy;
const itemsOf = (host: SentHost): readonly ReceiptItem[] => host.receipt?.items ?? [];

export function renderSend(result: SendResult, view: View, options: SendOptions): Report {
  const { hosts, dryRun } = result;
  const clean = options.clean === true;
  const columns = clean ? cleanedColumns : dryRun ? plannedColumns : sentColumns;
  const rows = hosts.map((host): Row => ({ cells: columns.map((column) => column.cell(host)) }));
  const below = [
    ...hosts.flatMap((host) => detailLines(host, clean, view)),
    ...noteLines(result.notes, view),
    ...summaryLines(result, clean),
    ...(options.receipt === undefined ? [] : [`receipt: ${safe(options.receipt)}`]),
  ];
  const attention = hosts.some((host) => !isGood(host) || itemsOf(host).some(isUnproven));
  return {
    lines: [...table(columns, rows, view), ...(below.length === 0 ? [] : ['', ...below])],
    errors: hosts.flatMap((host) => failureLines(host, view)),
    wanted: dryRun || attention,
  };
}

const isGood = ({ state }: SentHost): boolean => state !== 'failed' && state !== 'interrupted';
const isUnproven = ({ state }: ReceiptItem): boolean => state === 'unproven';

function outcomeOf(host: SentHost): string {
  if (host.state === 'cleaned') return host.checkpoints.length === 0 ? 'nothing there' : 'cleaned';
  if (host.state !== 'done') return host.state;
  const states = new Set(itemsOf(host).map(({ state }) => state));
  if (states.has('unproven')) return 'sent, not proven';
  // Everything was there, but not all of it under these names.
  const verb = host.bytesSent === 0 ? 'named' : 'sent';
  if (states.has('proven') || states.has('stored')) return `${verb}, proven`;
  if (states.has('present')) return 'already there';
  return states.has('skipped') ? 'skipped' : 'done';
}

/** How many of those that are for an engine at all; of a host that has not all of them, how many it has. */
function imagesOf(host: SentHost): string {
  const items = itemsOf(host).filter(({ state }) => state !== 'skipped');
  const skipped = itemsOf(host).length - items.length;
  const wanted = host.totals === undefined ? itemsOf(host).length : host.totals.images;
  if (wanted === 0) return '';
  const rest = wanted - skipped;
  return host.state === 'planned' || items.length === rest
    ? String(rest)
    : `${String(items.length)} of ${String(rest)}`;
}

const words: Readonly<Record<ReceiptState, string>> = {
  stored: 'sent',
  proven: 'sent, proven',
  present: 'already there',
  unproven: 'sent, not proven',
  skipped: 'skipped',
};

/**
 * What the row of a host leaves out: each line can be read, and searched for, alone. Its notes were said as they came,
 * but how things are where it was interrupted is found out last.
 */
function detailLines(host: SentHost, clean: boolean, view: View): string[] {
  const own = outcomeOf(host);
  const odd = itemsOf(host).filter(
    (item) => item.note !== undefined || (item.state !== 'proven' && words[item.state] !== own),
  );
  const facts = [
    ...odd.map(itemFact),
    ...(host.state !== 'failed' && host.retries > 0 ? [`connected anew ${times(host.retries)}`] : []),
    ...(clean ? host.checkpoints.map((name) => `removed ${safe(name)}`) : []),
    ...(host.state === 'interrupted' ? host.notes.map(safe) : []),
    ...(!clean && host.state !== 'failed' ? checkpointFacts(host) : []),
  ];
  return facts.flatMap((fact) => folded(`${safe(host.host)}: ${fact}`, '', view));
}

function itemFact({ name, state, note }: ReceiptItem): string {
  const outcome = state === 'proven' ? [] : [words[state]];
  return [nameOf(name), ...outcome, ...(note === undefined ? [] : [safe(note)])].join(': ');
}

const times = (n: number): string => (n === 1 ? 'once' : `${String(n)} times`);

/** What waits on the host for the next try. */
const checkpointFacts = ({ host, checkpoints }: SentHost): string[] =>
  checkpoints.length === 0
    ? []
    : [
        `left there for the next try: ${checkpoints.map(safe).join(', ')}`,
        `the next success removes it, or ferry send --clean --to ${safe(host)}`,
      ];

function summaryLines({ hosts, dryRun }: SendResult, clean: boolean): string[] {
  const good = hosts.filter(isGood);
  const sum = (of: (host: SentHost) => number): string =>
    formatBytes(good.reduce((total, host) => total + of(host), 0));
  const there = sum(({ totals }) => (totals === undefined ? 0 : thereIn(totals)));
  if (dryRun && !clean && good.length > 0) {
    return [
      ...engineLines(good),
      `dry run: ${sum(({ totals }) => totals?.bytesToCopy ?? 0)} would be sent, before compression; ${there} would not`,
    ];
  }
  if (hosts.length === 1) return engineLines(good);
  const unproven = good.filter((host) => itemsOf(host).some(isUnproven)).length;
  const others: (readonly [number, string])[] = [
    [unproven, 'not proven'],
    [hosts.filter(({ state }) => state === 'failed').length, 'failed'],
    [hosts.filter(({ state }) => state === 'interrupted').length, 'interrupted'],
  ];
  const rest = others.flatMap(([n, word]) => (n === 0 ? [] : [`, ${String(n)} ${word}`])).join('');
  const sent =
    clean || dryRun ? '' : `, ${formatBytes(hosts.reduce((total, { bytesSent }) => total + bytesSent, 0))} sent`;
  return [...engineLines(good), `${count(good.length - unproven, 'host')} done${rest}${sent}`];
}

/** Which engines took it: one that was found, not named, may be another than the one that was meant. */
function engineLines(hosts: readonly SentHost[]): string[] {
  const users = new Map<string, string[]>();
  for (const { host, engine } of hosts) {
    if (engine !== undefined) users.set(engine, [...(users.get(engine) ?? []), host]);
  }
  if (users.size === 1) return [...users.keys()].map((engine) => `engine: ${safe(engine)}`);
  return [...users].map(([engine, names]) => `engine: ${safe(engine)} on ${names.map(safe).join(', ')}`);
}

/** Why a host failed, and what can be done about it. */
function failureLines(host: SentHost, view: View): string[] {
  if (host.state !== 'failed') return [];
  const name = safe(host.host);
  const message = safe(host.error?.message ?? 'it failed, and did not say why');
  const hint = host.error?.hint;
  const facts = [
    ...(hint === undefined ? [] : [`hint: ${safe(hint)}`]),
    ...(host.retries > 0 ? [`connected anew ${times(host.retries)}`] : []),
    ...checkpointFacts(host),
  ];
  return [
    ...folded(`${red('failed', view)}: ${message.startsWith(name) ? '' : `${name}: `}${message}`, '  ', view),
    ...facts.flatMap((fact) => folded(`  ${fact}`, '  ', view)),
  ];
}

/** On a terminal, lines that fit; the second and further ones are set in by two more than the first. */
function folded(text: string, indent: string, view: View): string[] {
  if (!view.cut) return [text];
  const [first = '', ...rest] = wrap(text, view.width - indent.length - 2);
  return [first, ...rest.map((line) => `${indent}  ${line}`)];
}
