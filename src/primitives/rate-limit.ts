import { setTimeout } from 'node:timers/promises';
import { type ByteStream } from './bytes.js';

export interface RateLimiter {
  /**
   * `bytes`, no faster than the limit, which all streams of this limiter share evenly. Chunks come in parts, which are
   * views of them.
   * @throws the reason of `signal`, at once while it waits for its turn
   */
  limit(bytes: ByteStream, signal: AbortSignal): ByteStream;
}

/** Time, for tests to replace. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number;
  /** @throws when `signal` is aborted */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** Milliseconds' worth of bytes that go at a time. The first ones do not wait: few enough not to count. */
const TURN = 1000 / 32;
const LEAST_BYTES = 4096;
/** Milliseconds that may be made up for after a timer, or a stream, that was late. */
const GRACE = 1000 / 16;

const realClock: Clock = {
  now: () => performance.now(),
  sleep: async (milliseconds, signal) => {
    await setTimeout(milliseconds, undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  },
};

/**
 * A limit of bytes a second on all streams that go through it together; undefined: none, at no cost. Each stream takes
 * turns of equal size, so that all get the same share however they are cut.
 * @param bytesPerSecond more than 0
 */
export function rateLimiter(bytesPerSecond: number | undefined, clock: Clock = realClock): RateLimiter {
  if (bytesPerSecond === undefined) return { limit: (bytes) => bytes };
  const perMillisecond = bytesPerSecond / 1000;
  const turn = Math.max(LEAST_BYTES, Math.floor(perMillisecond * TURN));
  /** When the next turn begins. */
  let free: number | undefined;

  /** Waits for the turn after all that were asked for before. */
  const wait = async (signal: AbortSignal): Promise<void> => {
    const now = clock.now();
    const start = Math.max(free ?? now, now - GRACE);
    free = start + turn / perMillisecond;
    if (start > now) await clock.sleep(start - now, signal);
  };

  async function* limit(bytes: ByteStream, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    let left = 0;
    try {
      for await (const chunk of bytes) {
        for (let at = 0; at < chunk.byteLength;) {
          signal.throwIfAborted();
          if (left === 0) {
            await wait(signal);
            left = turn;
          }
          const part = chunk.subarray(at, at + left);
          at += part.byteLength;
          left -= part.byteLength;
          yield part;
        }
      }
    } finally {
      if (free !== undefined) free -= left / perMillisecond;
    }
  }
  return { limit };
}
