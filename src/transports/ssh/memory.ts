import { type Ask } from './settings.js';

type Memory = Map<string, Promise<string | undefined>>;

/** What the user typed, for as long as there is somebody to ask: one run. Nothing of it is written anywhere. */
const memories = new WeakMap<Ask, Memory>();

function memoryOf(ask: Ask): Memory {
  const memory = memories.get(ask) ?? (new Map() as Memory);
  memories.set(ask, memory);
  return memory;
}

/** `wrapper` remembers what `ask` does. */
export function shareMemory(ask: Ask, wrapper: Ask): Ask {
  memories.set(wrapper, memoryOf(ask));
  return wrapper;
}

/**
 * Asks once for what several hosts need (the passphrase of a key), or one host again and again (a password, whenever
 * the connection is made anew). `wrong`: the answer that was no good.
 */
export async function remembered(
  ask: Ask,
  name: string,
  wrong: string | undefined,
  put: () => Promise<string | undefined>,
): Promise<string | undefined> {
  const memory = memoryOf(ask);
  for (;;) {
    const known = memory.get(name);
    const answer = await known;
    if (known !== undefined && (wrong === undefined || answer !== wrong)) return answer;
    if (memory.get(name) === known) break; // else somebody else has asked meanwhile
  }
  const answer = put();
  memory.set(name, answer);
  answer.catch(() => memory.delete(name));
  return answer;
}
