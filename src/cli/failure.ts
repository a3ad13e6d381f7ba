import { exitStatusOf, ioError, isTransferError, systemCodeOf, TransferError } from '../primitives/errors.js';
import { dim, red, safe, type View } from './render/view.js';

/** Any error as the one kind that users see. */
export function asTransferError(error: unknown): TransferError {
  if (isTransferError(error)) return error;
  const system = systemCodeOf(error);
  if (system !== undefined && typeof error === 'object' && error !== null && 'syscall' in error) {
    return ioError(error, 'path' in error ? String(error.path) : String(error.syscall));
  }
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return new TransferError('INTERNAL', `unexpected: ${String(message)}`, {
    hint: 'This is a defect of ferry: run it again with FERRY_DEBUG=1, and report what it prints.',
    cause: error,
  });
}

export const exitStatus = (error: TransferError): number => exitStatusOf[error.code];

/** One line, and one for the hint; the stack only for those who asked. */
export function failureText(error: TransferError, view: View, debug: boolean): string {
  const lines = [`${red('ferry', view)}: ${safe(error.message)}`];
  if (error.hint !== undefined) lines.push(`  ${dim('hint:', view)} ${safe(error.hint)}`);
  if (debug) lines.push(...stacks(error));
  return `${lines.join('\n')}\n`;
}

function stacks(error: unknown): string[] {
  if (typeof error !== 'object' || error === null) return [];
  const own = 'stack' in error && typeof error.stack === 'string' ? error.stack.split('\n').map(safe) : [];
  return 'cause' in error ? [...own, ...stacks(error.cause)] : own;
}

/** What `--json` prints instead of a result. */
export function failureJson(error: TransferError): string {
  const { code, message, hint, side } = error;
  return `${JSON.stringify({ error: { code, message, hint, side, exitStatus: exitStatus(error) } }, null, 2)}\n`;
}
