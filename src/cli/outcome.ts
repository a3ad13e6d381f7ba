import { type Fault } from '../commands/results.js';
import { type Receipt } from '../model/receipt.js';
import { exitStatusOf } from '../primitives/errors.js';

/** The parts of a result that can make it less than done and proven. */
interface Judged {
  readonly faults?: readonly Fault[];
  readonly receipt?: Pick<Receipt, 'items'>;
}

/** The exit status of a command that came to a result. */
export function statusOf(result: object): number {
  const { faults = [], receipt }: Judged = result;
  const damaged = exitStatusOf.BAD_ARCHIVE as number;
  const statuses = faults.map((fault): number => exitStatusOf[fault.code]);
  if (statuses.includes(damaged)) return damaged;
  if (statuses.length > 0) return Math.min(...statuses);
  // 0 promises "proven": a script must be able to tell.
  return receipt?.items.some((item) => item.state === 'unproven') === true ? exitStatusOf.ENGINE_FAILED : 0;
}
