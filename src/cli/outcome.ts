import { type Fault, type SentHost } from '../commands/results.js';
import { type Receipt } from '../model/receipt.js';
import { exitStatusOf } from '../primitives/errors.js';

/** The parts of a result that can make it less than done and proven. */
interface Judged {
  readonly faults?: readonly Fault[];
  readonly receipt?: Pick<Receipt, 'items'>;
  readonly hosts?: readonly Pick<SentHost, 'state' | 'error' | 'receipt'>[];
}

/** The exit status of a command that came to a result. */
export function statusOf(result: object): number {
  const { faults = [], receipt, hosts = [] }: Judged = result;
  const failed = hosts.filter(({ state }) => state === 'failed');
  // A host that failed without saying why has still failed.
  if (failed.length > 0) return Math.min(...failed.map(({ error }) => exitStatusOf[error?.code ?? 'ENGINE_FAILED']));
  const damaged = exitStatusOf.BAD_ARCHIVE as number;
  const statuses = faults.map((fault): number => exitStatusOf[fault.code]);
  if (statuses.includes(damaged)) return damaged;
  if (statuses.length > 0) return Math.min(...statuses);
  // 0 promises "proven": a script must be able to tell.
  const items = [receipt, ...hosts.map((host) => host.receipt)].flatMap((each) => each?.items ?? []);
  return items.some((item) => item.state === 'unproven') ? exitStatusOf.ENGINE_FAILED : 0;
}
