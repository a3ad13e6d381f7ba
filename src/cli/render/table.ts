import { lengthOf, shorten } from './text.js';
import { dim, type View } from './view.js';

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** Gives way when the table is too wide. */
  readonly flexible?: boolean;
}

/** One cell a column, or one line across all of them. */
export type Row = { readonly cells: readonly string[]; readonly faint?: boolean } | { readonly line: string };

const GAP = 2;
/** In a pipe nothing is cut: a longer name pushes its own row to the right, not all of them. */
const WIDEST_IN_PIPE = 48;

/** Cells must be safe to print already. */
export function table(columns: readonly Column[], rows: readonly Row[], view: View): string[] {
  const all: Row[] = [{ cells: columns.map((column) => column.title), faint: true }, ...rows];
  const widths = columns.map((_, at) =>
    Math.max(0, ...all.map((row) => ('cells' in row ? lengthOf(row.cells[at] ?? '') : 0))),
  );
  if (view.cut) shrink(columns, widths, view.width);
  else limit(columns, widths);
  return all.map((row) => {
    if ('line' in row) return row.line;
    const cells = columns.map((column, at) => pad(row.cells[at] ?? '', widths[at] ?? 0, column, view));
    const line = cells.join(' '.repeat(GAP)).trimEnd();
    return row.faint === true ? dim(line, view) : line;
  });
}

function shrink(columns: readonly Column[], widths: number[], available: number): void {
  let excess = widths.reduce((sum, width) => sum + width + GAP, -GAP) - available;
  columns.forEach((column, at) => {
    const width = widths[at] ?? 0;
    if (column.flexible !== true || excess <= 0) return;
    const smaller = Math.max(Math.min(width, 12), width - excess);
    excess -= width - smaller;
    widths[at] = smaller;
  });
}

function limit(columns: readonly Column[], widths: number[]): void {
  columns.forEach((column, at) => {
    if (column.flexible === true) widths[at] = Math.min(widths[at] ?? 0, WIDEST_IN_PIPE);
  });
}

function pad(text: string, width: number, column: Column, view: View): string {
  const short = view.cut ? shorten(text, width) : text;
  const space = ' '.repeat(Math.max(0, width - lengthOf(short)));
  return column.align === 'right' ? space + short : short + space;
}
