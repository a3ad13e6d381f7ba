import { describe, expect, test } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Lifetime } from '../../src/primitives/lifetime.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const never = (): Promise<number> => new Promise(() => undefined);

describe('Lifetime', () => {
  test('gives what is waited for', async () => {
    expect(await new Lifetime().during(Promise.resolve(7))).toBe(7);
  });

  test('rejects as it does', async () => {
    await expect(new Lifetime().during(Promise.reject(new Error('gone')))).rejects.toThrow('gone');
  });

  test('gives nothing when it ends before, or has ended', async () => {
    const life = new Lifetime();
    const waiting = life.during(never());
    life.end();
    expect(await waiting).toBeUndefined();
    expect(await life.during(never())).toBeUndefined();
  });

  test('keeps nothing of what was waited for', async () => {
    const life = new Lifetime();
    const pass = async (): Promise<WeakRef<object>> => {
      const chunk = { bytes: 'of some chunk' };
      await life.during(Promise.resolve(chunk));
      return new WeakRef(chunk);
    };
    const first = await pass();
    await pass();
    // A WeakRef holds on to the end of the turn in which it was made.
    await setImmediate();
    collectGarbage();
    expect(first.deref()).toBeUndefined();
    life.end();
  });
});
