import { type Ask } from './settings.js';

type Memory = Map<string, Promise<string | undefined>>;
/** What lasts while a user is waited for, whoever has put the question. */
export type During = <T>(work: Promise<T>) => Promise<T>;

interface Shared {
  readonly memory: Memory;
  readonly during: During;
}

/** What the user typed, for as long as there is somebody to ask: one run. Nothing of it is written anywhere. */
const memories = new WeakMap<Ask, Shared>();

function sharedOf(ask: Ask): Shared {
  const shared = memories.get(ask) ?? { memory: new Map(), during: (work) => work };
  memories.set(ask, shared);
  return shared;
}

/** `wrapper` remembers what `ask` does; its waiting, also for a question that somebody else has put, is `during`. */
export function shareMemory(ask: Ask, wrapper: Ask, during: During): Ask {
  memories.set(wrapper, { memory: sharedOf(ask).memory, during });
  return wrapper;
}

/**
 * Asks once for what several hosts need (the passphrase of a key), or one host again and again (a password, whenever
 * the connection is made anew). `wrong`: the answer that was no good.
 */
export function remembered(
  ask: Ask,
  name: string,
  wrong: string | undefined,
  put: () => Promise<string | undefined>,
): Promise<string | undefined> {
  const { memory, during } = sharedOf(ask);
  return during(recall(memory, name, wrong, put));
}

async function recall(
  memory: Memory,
  name: string,
  wrong: string | undefined,
  put: () => Promise<string | undefined>,
): Promise<string | undefined> {
  for (;;) {
    const known = memory.get(name);
    // The question may end with the host that it was put for: that says nothing about this one.
    const settled = await known?.then(
      (answer) => ({ answer }),
      () => undefined,
    );
    if (settled !== undefined && (wrong === undefined || settled.answer !== wrong)) return settled.answer;
    if (memory.get(name) === known) break; // else somebody else has asked meanwhile
  }
  const answer = put();
  memory.set(name, answer);
  answer.catch(() => {
    if (memory.get(name) === answer) memory.delete(name);
  });
  return answer;
}
