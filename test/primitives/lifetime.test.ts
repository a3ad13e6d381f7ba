import { describe, expect, test } from '@jest/globals';
import { Lifetime } from '../../src/primitives/lifetime.js';

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
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 400; i++) await life.during(Promise.resolve(Buffer.alloc(1 << 20)));
    // 400 MiB went by; the collector may be late with some of them.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(300 << 20);
    life.end();
  });
});
