import { describe, expect, test } from '@jest/globals';
import { type ByteStream, bytesOf, drain, readAll } from '../../src/primitives/bytes.js';
import { type Clock, rateLimiter } from '../../src/primitives/rate-limit.js';

const { signal } = new AbortController();

/** A clock that jumps to the next timer when nothing else is to be done. */
class JumpingClock implements Clock {
  #now = 0;
  #timers: { at: number; wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  /** Milliseconds that pass without anybody waiting for them. */
  pass(milliseconds: number): void {
    this.#now += milliseconds;
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((wake) => {
      this.#timers.push({ at: this.#now + milliseconds, wake });
      setImmediate(() => {
        this.#next();
      });
    });
  }

  #next(): void {
    this.#timers.sort((a, b) => a.at - b.at);
    const timer = this.#timers.shift();
    if (timer === undefined) return;
    this.#now = Math.max(this.#now, timer.at);
    timer.wake();
  }
}

async function* endless(size: number): ByteStream & AsyncGenerator<Uint8Array> {
  const chunk = Buffer.alloc(size);
  for (;;) yield await Promise.resolve(chunk);
}

/** Bytes that come in `milliseconds`. */
async function count(bytes: ByteStream, clock: Clock, milliseconds: number): Promise<number> {
  let total = 0;
  for await (const { byteLength } of bytes) {
    if (clock.now() >= milliseconds) break;
    total += byteLength;
  }
  return total;
}

describe('rateLimiter', () => {
  test('without a limit it is not there', () => {
    const bytes = bytesOf(Buffer.from('x'));
    expect(rateLimiter(undefined).limit(bytes, signal)).toBe(bytes);
  });

  test.each([512, 65_536, 4_194_304])('keeps the rate within 3 %% over 5 s, in chunks of %i bytes', async (size) => {
    for (const rate of [200_000, 2_000_000, 50_000_000]) {
      const clock = new JumpingClock();
      const total = await count(rateLimiter(rate, clock).limit(endless(size), signal), clock, 5000);
      expect(Math.abs(total / (5 * rate) - 1)).toBeLessThan(0.03);
    }
  });

  test('passes every byte on, in small parts', async () => {
    const chunks = [1, 0, 5000, 100_000, 3].map((size, i) => Buffer.alloc(size, i + 1));
    const clock = new JumpingClock();
    const parts: Uint8Array[] = [];
    for await (const part of rateLimiter(160_000, clock).limit(bytesOf(...chunks), signal)) parts.push(part);
    expect(Buffer.concat(parts)).toEqual(Buffer.concat(chunks));
    expect(Math.max(...parts.map(({ byteLength }) => byteLength))).toBe(5000);
    expect(clock.now()).toBeCloseTo(21 * 31.25);
  });

  test('very low rates go by 4 KiB', async () => {
    const clock = new JumpingClock();
    const limited = rateLimiter(1024, clock).limit(bytesOf(Buffer.alloc(10_240)), signal);
    expect((await readAll(limited, 1e6, 'test')).byteLength).toBe(10_240);
    expect(clock.now()).toBe(8000);
  });

  test('streams share it evenly, however they are cut', async () => {
    const clock = new JumpingClock();
    const limiter = rateLimiter(1_000_000, clock);
    const sizes = [100, 5000, 70_000, 4_194_304];
    const totals = await Promise.all(sizes.map((size) => count(limiter.limit(endless(size), signal), clock, 20_000)));
    const sum = totals.reduce((a, b) => a + b);
    expect(Math.abs(sum / 20_000_000 - 1)).toBeLessThan(0.03);
    for (const total of totals) expect(Math.abs(total / (sum / 4) - 1)).toBeLessThan(0.05);
  });

  test('one that is done, or gone, leaves its share to the others', async () => {
    const clock = new JumpingClock();
    const limiter = rateLimiter(1_000_000, clock);
    const gone = count(limiter.limit(endless(9000), signal), clock, 1000);
    const short = drain(limiter.limit(bytesOf(Buffer.alloc(100_000)), signal));
    const stays = await count(limiter.limit(endless(9000), signal), clock, 5000);
    await short;
    expect(Math.abs((stays + (await gone) + 100_000) / 5_000_000 - 1)).toBeLessThan(0.03);
  });

  test('time that nobody used is not made up for', async () => {
    const clock = new JumpingClock();
    const limited = rateLimiter(1_000_000, clock).limit(endless(1000), signal)[Symbol.asyncIterator]();
    await limited.next();
    clock.pass(60_000);
    let burst = 0;
    const start = clock.now();
    while (clock.now() === start) {
      await limited.next();
      burst += 1000;
    }
    expect(burst).toBeLessThan(150_000);
    await limited.return?.();
  });

  test('gives up at once with the reason of the signal, and lets the source go', async () => {
    const abort = new AbortController();
    let closed = false;
    const source = async function* (): ByteStream {
      try {
        yield* endless(1000);
      } finally {
        closed = true;
      }
    };
    const limited = rateLimiter(100).limit(source(), abort.signal);
    const reading = drain(limited);
    const began = performance.now();
    setTimeout(() => {
      abort.abort(new Error('enough'));
    }, 50);
    await expect(reading).rejects.toThrow('enough');
    expect(performance.now() - began).toBeLessThan(500);
    expect(closed).toBe(true);
    await expect(drain(rateLimiter(100).limit(source(), abort.signal))).rejects.toThrow('enough');
  });

  test('on the real clock', async () => {
    const clock = { now: () => performance.now() };
    const began = clock.now();
    await drain(rateLimiter(2_000_000).limit(bytesOf(Buffer.alloc(2_000_000)), signal));
    const took = clock.now() - began;
    expect(took).toBeGreaterThan(900);
    expect(took).toBeLessThan(1500);
  });
});
