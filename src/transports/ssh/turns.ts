import { type Company } from './settings.js';

const turns = new WeakMap<object, Promise<unknown>>();

/**
 * Clients that ask on the terminal by themselves take turns, since it can take one question at a time. Where there is
 * nobody to ask, none waits. @throws the signal's reason; what `work` throws
 */
export function inTurn<T>({ ask, signal }: Company, work: () => Promise<T>): Promise<T> {
  if (ask === undefined) return work();
  const before = turns.get(ask) ?? Promise.resolve();
  const turn = before.then(() => {
    signal.throwIfAborted();
    return work();
  });
  turns.set(
    ask,
    turn.catch(() => undefined),
  );
  return turn;
}
