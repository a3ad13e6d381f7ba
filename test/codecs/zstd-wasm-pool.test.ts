import { describe, expect, test } from '@jest/globals';
import { FrameCache } from '../../src/codecs/frame-cache.js';
import { frameSizeFor, zstdCodec } from '../../src/codecs/zstd.js';
import { wasmPool } from '../../src/codecs/zstd-wasm-pool.js';
import { noise, prose } from './helpers.js';

describe('wasmPool', () => {
  test('a thread that ran out of its heap is replaced, and its job alone fails', async () => {
    const pool = wasmPool(2);
    const raw = prose(100_000);
    // Level 19 needs more than the heap has.
    const jobs = [
      pool.compress(raw, 3),
      pool.compress(noise(1_000_000), 19),
      pool.compress(raw, 3),
      pool.compress(raw, 3),
    ];
    const results = await Promise.allSettled(jobs);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    const [first, , third] = await Promise.all(jobs.map((job) => job.catch(() => undefined)));
    expect(Buffer.from(first!).equals(Buffer.from(third!))).toBe(true);
    await pool.close();
  });

  test('damage fails one job, and the thread goes on', async () => {
    const pool = wasmPool(1);
    const raw = prose(90_000);
    const frame = await pool.compress(raw, 3);
    const bad = Uint8Array.from(frame);
    bad[5000] = (bad[5000] ?? 0) ^ 0xff;
    bad.fill(0xff, 6000, 6100);
    await expect(pool.decompress(bad, raw.byteLength)).rejects.toThrow();
    expect(Buffer.from(await pool.decompress(frame, raw.byteLength)).equals(raw)).toBe(true);
    await pool.close();
  });

  test('closing is idempotent, and a job after it starts anew', async () => {
    const pool = wasmPool(2);
    await pool.close();
    expect((await pool.compress(prose(10), 1)).byteLength).toBeGreaterThan(0);
    await pool.close();
    await pool.close();
  });

  test('full frames of mixed sizes at the highest levels do not wear the heap out', async () => {
    const codec = await zstdCodec('wasm');
    for (const level of [5, 9]) {
      const size = frameSizeFor(level);
      for (let i = 0; i < 12; i++) {
        const raw = i % 2 === 0 ? noise(size - i * 100_001, i) : prose(size - i * 7);
        const frame = await codec.compressFrame(raw, level);
        expect((await codec.decompressFrame(frame, raw.byteLength)).equals(raw)).toBe(true);
      }
    }
    await codec.close();
  });

  test('closing ends what is under way, and leaves nothing pending', async () => {
    const pool = wasmPool(1);
    const jobs = Promise.allSettled([pool.compress(noise(2_000_000), 9), pool.compress(prose(10), 1)]);
    await pool.close();
    expect((await jobs).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});

describe('FrameCache', () => {
  const MiB = 1024 * 1024;
  const content = (): Promise<Buffer> => Promise.resolve(Buffer.alloc(0));

  test('keeps what was used last, within 16 MiB', () => {
    const cache = new FrameCache();
    for (let i = 0; i < 4; i++) void cache.put(i, 4 * MiB, content());
    expect(cache.get(0)).toBeDefined();
    void cache.put(4, 4 * MiB, content());
    expect([0, 1, 2, 3, 4].map((i) => cache.get(i) !== undefined)).toEqual([true, false, true, true, true]);
  });

  test('keeps one frame whatever its size', () => {
    const cache = new FrameCache();
    void cache.put(1, 4 * MiB, content());
    void cache.put(2, 100 * MiB, content());
    expect([cache.get(1), cache.get(2) !== undefined]).toEqual([undefined, true]);
    void cache.put(3, MiB, content());
    expect([cache.get(2), cache.get(3) !== undefined]).toEqual([undefined, true]);
  });

  test('keeps no fault', async () => {
    const cache = new FrameCache();
    await expect(cache.put(1, MiB, Promise.reject(new Error('bad')))).rejects.toThrow('bad');
    expect(cache.get(1)).toBeUndefined();
  });
});
