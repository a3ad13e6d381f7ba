import { type LoadOptions } from '../../commands/options.js';
import { type LoadResult } from '../../commands/results.js';
import { type ReceiptItem, type ReceiptState } from '../../model/receipt.js';
import { shortDigest } from '../../primitives/digest.js';
import { noteLines } from './pack.js';
import { type Report } from './report.js';
import { type Column, type Row, table } from './table.js';
import { count, wrap } from './text.js';
import { formatBytes } from './units.js';
import { nameOf, safe, type View } from './view.js';

const columns: readonly Column[] = [{ title: 'NAME', flexible: true }, { title: 'IMAGE ID' }, { title: 'OUTCOME' }];

const words: Readonly<Record<ReceiptState, string>> = {
  stored: 'stored',
  proven: 'loaded, proven',
  present: 'already there',
  unproven: 'loaded, not proven',
  skipped: 'skipped',
};

export function renderLoad(result: LoadResult, view: View, options: LoadOptions): Report {
  const notes = noteLines(result.notes, view);
  const engine = safe(result.receipt?.engine ?? result.engine);
  if (result.receipt === undefined) {
    return { lines: [...notes, ...folded(planLine(result, engine), view)], errors: [], wanted: true };
  }
  const { items, bytesMoved } = result.receipt;
  const summary = `${engine}: ${tally(items)}, ${formatBytes(bytesMoved)} moved`;
  const lines = [
    ...table(columns, items.flatMap(rowsOf), view),
    '',
    ...notes,
    ...folded(summary, view),
    ...(options.receipt === undefined ? [] : [`receipt: ${safe(options.receipt)}`]),
  ];
  return { lines, errors: [], wanted: items.some((item) => item.state === 'unproven') };
}

const folded = (line: string, view: View): string[] => (view.cut ? wrap(line, view.width) : [line]);

function planLine({ totals }: LoadResult, engine: string): string {
  const saved = totals.bytesUsed - totals.bytesToCopy;
  return `dry run: ${count(totals.images, 'image')}, ${formatBytes(totals.bytesToCopy)} would move to ${engine}, ${formatBytes(saved)} would not`;
}

function rowsOf(item: ReceiptItem): Row[] {
  const cells = [nameOf(item.name), shortDigest(item.imageId ?? item.digest), words[item.state]];
  return [{ cells }, ...(item.note === undefined ? [] : [{ line: `  ${safe(item.note)}` }])];
}

function tally(items: readonly ReceiptItem[]): string {
  const number = (...states: ReceiptState[]): number => items.filter(({ state }) => states.includes(state)).length;
  const parts: (readonly [number, string])[] = [
    [number('present'), 'already there'],
    [number('unproven'), 'not proven'],
    [number('skipped'), 'skipped'],
  ];
  const loaded = `${count(number('stored', 'proven', 'unproven'), 'image')} loaded`;
  return [loaded, ...parts.flatMap(([n, word]) => (n === 0 ? [] : [`${String(n)} ${word}`]))].join(', ');
}
