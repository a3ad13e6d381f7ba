import { describe, expect, test } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { shareReading } from '../../src/engine/sharing.js';
import { type OpenBlob } from '../../src/ports.js';
import { drain } from '../../src/primitives/bytes.js';
import { type Digest } from '../../src/primitives/digest.js';
import { all, blobOf, iterate, sourceOf, take } from './sharing-helpers.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('shareReading', () => {
  test('cuts anew, the last chunk shorter', async () => {
    const blob = blobOf(95);
    const shared = shareReading(sourceOf([blob], 13).open, { chunkBytes: 10 });
    const sizes: number[] = [];
    for await (const chunk of shared.reader().open(blob)) sizes.push(chunk.byteLength);
    expect(sizes).toEqual([10, 10, 10, 10, 10, 10, 10, 10, 10, 5]);
    expect(shared.kept()).toBe(0);
  });

  test.each([0, 1, 9, 10, 11, 20])('a blob of %i bytes', async (size) => {
    const blob = blobOf(size);
    for (const piece of [1, 10, 64]) {
      const shared = shareReading(sourceOf([blob], piece).open, { chunkBytes: 10 });
      const [a, b] = [shared.reader(), shared.reader()];
      const got = await Promise.all([all(a.open(blob)), all(b.open(blob))]);
      expect(got).toEqual([blob.bytes, blob.bytes]);
      expect([shared.passes(), shared.kept()]).toEqual([1, 0]);
    }
  });

  test('gives the same objects to all, from one reading', async () => {
    const blob = blobOf(100);
    const { open, state } = sourceOf([blob]);
    const shared = shareReading(open, { chunkBytes: 10 });
    const got = await Promise.all(
      Array.from({ length: 10 }, () => shared.reader()).map((reader) => take(iterate(reader.open(blob)), 99)),
    );
    expect(Buffer.concat(got[0] ?? [])).toEqual(blob.bytes);
    for (const chunks of got) expect(chunks.every((chunk, i) => chunk === got[0]?.[i])).toBe(true);
    expect([shared.passes(), state.read, state.running, shared.kept()]).toEqual([1, 100, 0, 0]);
  });

  test('a reader that is behind finds its chunks in the window', async () => {
    const blob = blobOf(100);
    const shared = shareReading(sourceOf([blob]).open, { chunkBytes: 10, windowBytes: 100 });
    const [fast, slow] = [shared.reader(), shared.reader()];
    const behind = iterate(slow.open(blob));
    const first = await take(behind, 1);
    const front = await take(iterate(fast.open(blob)), 99);
    expect(shared.kept()).toBe(90);
    expect([...first, ...(await take(behind, 99))]).toEqual(front);
    expect([shared.passes(), shared.kept()]).toEqual([1, 0]);
  });

  test('a reader that comes late joins while the first chunk is kept', async () => {
    const [one, two] = [blobOf(50, 1), blobOf(60, 2)];
    const shared = shareReading(sourceOf([one, two]).open, { chunkBytes: 10, windowBytes: 100 });
    const [early, late] = [shared.reader(), shared.reader()];
    await drain(early.open(one));
    expect(await all(late.open(one))).toEqual(one.bytes);
    expect([shared.passes(), shared.kept()]).toEqual([1, 0]);
    await drain(early.open(one));
    expect([shared.passes(), shared.kept()]).toEqual([2, 0]);
  });

  test('a reader that comes too late starts over', async () => {
    const [one, two] = [blobOf(50, 1), blobOf(60, 2)];
    const shared = shareReading(sourceOf([one, two]).open, { chunkBytes: 10, windowBytes: 100 });
    const [early, late] = [shared.reader(), shared.reader()];
    await drain(early.open(one));
    await drain(early.open(two));
    expect(shared.kept()).toBe(60);
    expect(await all(late.open(one))).toEqual(one.bytes);
    expect(await all(late.open(two))).toEqual(two.bytes);
    expect([shared.passes(), shared.kept()]).toEqual([3, 0]);
  });

  test('a dead reader holds nothing up, and no more than the window', async () => {
    const blob = blobOf(1000);
    const { open, state } = sourceOf([blob]);
    const shared = shareReading(open, { chunkBytes: 10, windowBytes: 80 });
    const [fast, dead, slow] = [shared.reader(), shared.reader(), shared.reader()];
    const stuck = iterate(dead.open(blob));
    await take(stuck, 2);
    const lagging = iterate(slow.open(blob));
    let most = 0;
    const front: Uint8Array[] = [];
    const behind: Uint8Array[] = [];
    for await (const chunk of fast.open(blob)) {
      front.push(chunk);
      most = Math.max(most, shared.kept());
      if (front.length % 4 === 0) behind.push(...(await take(lagging, 1)));
    }
    expect(Buffer.concat(front)).toEqual(blob.bytes);
    behind.push(...(await take(lagging, 999)));
    expect(Buffer.concat(behind)).toEqual(blob.bytes);
    expect(most).toBeLessThanOrEqual(80);
    expect(shared.passes()).toBeLessThanOrEqual(3);
    dead.close();
    expect([state.running, shared.kept()]).toEqual([0, 0]);
    await expect(stuck.next()).rejects.toThrow('closed');
  });

  test('two that are far behind share a pass of their own', async () => {
    const blob = blobOf(1000);
    const shared = shareReading(sourceOf([blob]).open, { chunkBytes: 10, windowBytes: 80 });
    const readers = [shared.reader(), shared.reader()];
    const lagging = readers.map((reader) => iterate(reader.open(blob)));
    for (const one of lagging) await take(one, 3);
    await drain(shared.reader().open(blob));
    const rest = await Promise.all(lagging.map((one) => take(one, 999)));
    expect(Buffer.concat(rest[0] ?? [])).toEqual(blob.bytes.subarray(30));
    expect(rest[1]?.every((chunk, i) => chunk === rest[0]?.[i])).toBe(true);
    expect([shared.passes(), shared.kept()]).toEqual([2, 0]);
  });

  test('works without any window', async () => {
    const blob = blobOf(200);
    const shared = shareReading(sourceOf([blob]).open, { chunkBytes: 10, windowBytes: 0 });
    const readers = [shared.reader(), shared.reader(), shared.reader()];
    const got = await Promise.all(readers.map((reader) => all(reader.open(blob))));
    expect(got).toEqual([blob.bytes, blob.bytes, blob.bytes]);
    expect(shared.kept()).toBe(0);
  });

  test('a reader that stops early ends the reading only when it was the last', async () => {
    const blob = blobOf(100);
    const { open, state } = sourceOf([blob]);
    const shared = shareReading(open, { chunkBytes: 10 });
    const [a, b] = [iterate(shared.reader().open(blob)), iterate(shared.reader().open(blob))];
    await take(a, 5);
    await take(b, 1);
    await a.return?.();
    expect(state.running).toBe(1);
    await take(b, 1);
    await b.return?.();
    expect([state.running, shared.kept(), shared.passes()]).toEqual([0, 0, 1]);
  });

  test('what is broken is told to every reader, and its end to none', async () => {
    const good = blobOf(100);
    const blob = { ...good, bytes: Buffer.from(good.bytes) };
    blob.bytes[99] = 0;
    const shared = shareReading(sourceOf([blob]).open, { chunkBytes: 10 });
    const [a, b, late] = [shared.reader(), shared.reader(), shared.reader()].map((reader) =>
      iterate(reader.open(blob)),
    );
    if (a === undefined || b === undefined || late === undefined) throw new Error('no readers');
    await take(b, 1);
    expect(await take(a, 9)).toHaveLength(9);
    await expect(a.next()).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    expect(await take(b, 8)).toHaveLength(8);
    await expect(b.next()).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    expect(await take(late, 9)).toHaveLength(9);
    await expect(late.next()).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    expect([shared.passes(), shared.kept()]).toEqual([2, 0]);
  });

  test('an own pass is verified as well', async () => {
    const blob = blobOf(1000);
    const whole = sourceOf([blob]).open;
    const broken = sourceOf([{ ...blob, bytes: Buffer.concat([blob.bytes.subarray(1), Buffer.from('x')]) }]).open;
    let opened = 0;
    const shared = shareReading((wanted) => (opened++ === 0 ? whole : broken)(wanted), {
      chunkBytes: 10,
      windowBytes: 50,
    });
    const [slow, fast] = [shared.reader(), shared.reader()];
    const lagging = iterate(slow.open(blob));
    await take(lagging, 1);
    await drain(fast.open(blob));
    await expect(take(lagging, 999)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
  });

  test('closing ends what is open, also while it waits', async () => {
    const blob = blobOf(100);
    const shared = shareReading(sourceOf([blob]).open, { chunkBytes: 10 });
    const reader = shared.reader();
    const open = iterate(reader.open(blob));
    await take(open, 1);
    const waiting = open.next();
    shared.close();
    shared.close();
    await expect(waiting).rejects.toThrow('ended');
    await expect(all(reader.open(blob))).rejects.toThrow('closed');
    expect(shared.kept()).toBe(0);
  });

  test('any pace and order gives everyone its blobs', async () => {
    const blobs = [0, 5, 30, 155, 300].map((size, i) => blobOf(size, i));
    const plan = fc.record({
      order: fc.shuffledSubarray(blobs.map((_, i) => i)),
      pace: fc.integer({ min: 1, max: 9 }),
      stopsAfter: fc.option(fc.integer({ min: 0, max: 20 })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(plan, { minLength: 1, maxLength: 5 }), fc.nat(200), async (plans, windowBytes) => {
        const { open, state } = sourceOf(blobs, 11);
        const shared = shareReading(open, { chunkBytes: 10, windowBytes });
        const runs = plans.map(async ({ order, pace, stopsAfter }) => {
          const reader = shared.reader();
          let left = stopsAfter ?? Infinity;
          for (const blob of order.map((i) => blobs[i] ?? blobOf(0))) {
            const parts: Uint8Array[] = [];
            for await (const chunk of reader.open(blob)) {
              parts.push(chunk);
              expect(shared.kept()).toBeLessThanOrEqual(windowBytes);
              for (let i = 0; i < pace; i++) await Promise.resolve();
              if (--left < 0) break;
            }
            if (left < 0) break;
            expect(Buffer.concat(parts)).toEqual(blob.bytes);
          }
          reader.close();
        });
        await Promise.all(runs);
        expect([state.running, shared.kept()]).toEqual([0, 0]);
      }),
    );
  });

  test('10,000 chunks beside a dead reader leave nothing behind', async () => {
    const digest = `sha256:${'0'.repeat(64)}` as Digest;
    const chunkBytes = 4096;
    const open: OpenBlob = async function* ({ size }) {
      for (let i = 0; i < size; i += 1024) {
        if (i % 65536 === 0) await setImmediate();
        yield Buffer.alloc(1024);
      }
    };
    const shared = shareReading(open, { chunkBytes, windowBytes: 16 * chunkBytes });
    const blob = { digest, size: 10_000 * chunkBytes };
    const dead = shared.reader();
    await take(iterate(dead.open(blob)), 1);
    const seen: WeakRef<Uint8Array>[] = [];
    for await (const chunk of shared.reader().open(blob)) seen.push(new WeakRef(chunk));
    await setImmediate();
    collectGarbage();
    expect(seen).toHaveLength(10_000);
    expect(seen.filter((ref) => ref.deref() !== undefined).length).toBeLessThanOrEqual(18);
    dead.close();
    await setImmediate();
    collectGarbage();
    expect(seen.filter((ref) => ref.deref() !== undefined).length).toBeLessThanOrEqual(1);
    expect(shared.kept()).toBe(0);
  });
});
