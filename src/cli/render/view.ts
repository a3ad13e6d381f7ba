import { familiarReference } from '../../model/reference.js';
import { printable } from '../../primitives/printable.js';
import { type Io, type Output } from '../io.js';
import { shorten } from './text.js';

/** How wide, and with which means, a result may be shown. */
export interface View {
  /** Columns to lay out for. */
  readonly width: number;
  /** Whether long texts are cut to fit. Never in a pipe: what is searched there must be whole. */
  readonly cut: boolean;
  readonly colour: boolean;
}

const MIN_WIDTH = 60;

export function viewOf(stream: Output, env: Io['env']): View {
  const terminal = stream.isTTY === true;
  const plain = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  return {
    width: terminal ? Math.max(MIN_WIDTH, stream.columns ?? 80) : 80,
    cut: terminal,
    colour: terminal && !plain,
  };
}

const sgr = (code: string) => (text: string, view: View) => (view.colour ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = sgr('1');
export const dim = sgr('2');
export const red = sgr('31');
export const green = sgr('32');
export const yellow = sgr('33');

/** Foreign text that is never cut by `printable` itself; the layout decides. */
export const safe = (text: string): string => printable(text, 100_000);

/** A name as Docker prints it. */
export const nameOf = (name: string | undefined): string =>
  name === undefined ? '(no name)' : safe(familiarReference(name));

export const fit = (text: string, width: number, view: View): string => (view.cut ? shorten(text, width) : text);
