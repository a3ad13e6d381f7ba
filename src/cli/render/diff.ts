import { type DiffEntry, type DiffResult } from '../../commands/results.js';
import { type Digest, shortDigest } from '../../primitives/digest.js';
import { type Report } from './report.js';
import { type Column, type Row, table } from './table.js';
import { count } from './text.js';
import { formatBytes } from './units.js';
import { nameOf, safe, type View } from './view.js';

const columns: readonly Column[] = [
  { title: '' },
  { title: 'NAME', flexible: true },
  { title: 'PLATFORM' },
  { title: 'BEFORE' },
  { title: 'AFTER' },
  { title: 'NEW', align: 'right' },
];

export function renderDiff({ a, b, images, layers }: DiffResult, view: View): Report {
  const rows = [
    ...images.removed.map((entry) => row('-', entry)),
    ...images.added.map((entry) => row('+', entry)),
    ...images.changed.map((entry) => row('~', entry)),
  ];
  const same = `${count(images.same.length, 'image')} the same`;
  const changes = [count(images.removed.length, 'image') + ' gone', `${String(images.added.length)} new`];
  const summary = `${[...changes, `${String(images.changed.length)} changed`].join(', ')}, ${String(images.same.length)} the same`;
  const part = (sign: string, { count: n, bytes }: { count: number; bytes: number }): string =>
    `${sign}${count(n, 'layer')} (${formatBytes(bytes)})`;
  const lines = [
    ...(rows.length === 0 ? [] : [...table(columns, rows, view), '']),
    `${safe(a)} -> ${safe(b)}`,
    rows.length === 0 ? `no image differs, ${same}` : summary,
    `${part('-', layers.removed)}, ${part('+', layers.added)}, ${part('', layers.same)} the same`,
  ];
  return { lines, errors: [], wanted: true };
}

const short = (digest: Digest | undefined): string => (digest === undefined ? '' : shortDigest(digest));

const row = (sign: string, entry: DiffEntry): Row => ({
  cells: [
    sign,
    nameOf(entry.name),
    safe(entry.platform),
    short(entry.before),
    short(entry.after),
    entry.after === undefined ? '' : formatBytes(entry.newBytes),
  ],
});
