import { type PrunedName, type PruneResult } from '../../commands/results.js';
import { shortDigest } from '../../primitives/digest.js';
import { noteLines } from './pack.js';
import { type Report } from './report.js';
import { type Column, table } from './table.js';
import { count } from './text.js';
import { formatBytes } from './units.js';
import { bold, green, nameOf, safe, type View } from './view.js';

const columns: readonly Column[] = [
  { title: 'NAME', flexible: true },
  { title: 'DIGEST' },
  { title: 'CREATED' },
  { title: 'WHY' },
];

export function renderPrune(result: PruneResult, view: View): Report {
  const { dryRun, dropped, kept, removed, left, notes } = result;
  const rows = dropped.map((each) => ({ cells: cellsOf(each) }));
  const parts = removed.parts === 0 ? '' : `, ${count(removed.parts, 'unfinished file')}`;
  const what = `${count(dropped.length, 'name')}, ${count(removed.blobs, 'blob')}${parts}`;
  const bytes = formatBytes(removed.bytes + removed.partBytes);
  const archive = bold(safe(result.archive), view);
  const lines = [
    ...(rows.length === 0 ? [] : [...table(columns, rows, view), '']),
    ...noteLines(notes, view),
    dryRun
      ? `dry run: ${what} would go from ${archive}, ${bytes}`
      : `${green('pruned', view)}: ${archive}: ${what} removed, ${bytes} freed`,
    `${dryRun ? 'would stay' : 'left'}: ${count(kept.length, 'name')}, ${count(left.blobs, 'blob')}, ${formatBytes(left.bytes)}`,
  ];
  return { lines, errors: [], wanted: dryRun };
}

const cellsOf = ({ name, digest, created, why }: PrunedName): string[] => [
  nameOf(name),
  shortDigest(digest),
  created?.slice(0, 10) ?? '-',
  safe(why),
];
