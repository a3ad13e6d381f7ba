import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { gunzipSync } from 'node:zlib';
import { type ByteStream } from '../../src/primitives/bytes.js';
import { gunzip, gzip } from '../../src/codecs/gzip.js';
import { collect, cruel, dribble, noise, prose, run, testWith } from './helpers.js';

describe('gzip', () => {
  test('any bytes come back, by our reader and by that of zlib', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), fc.integer({ min: 1, max: 9 }), async (raw, level) => {
        const file = await collect(gzip(dribble(raw, 100), level));
        expect(gunzipSync(file).equals(raw)).toBe(true);
        expect((await collect(gunzip(dribble(file, 13), 'x'))).equals(raw)).toBe(true);
      }),
    );
  });

  test('its header says nothing of time, name or system', async () => {
    for (const raw of [Buffer.alloc(0), prose(1000), noise(600_000)]) {
      const file = await collect(gzip(dribble(raw, 4096)));
      expect(file.subarray(0, 10).toString('hex')).toBe('1f8b08000000000000ff');
    }
  });

  test('the bytes are the same in whatever pieces', async () => {
    const raw = Buffer.concat([prose(100_000), noise(20_000)]);
    const whole = await collect(gzip(dribble(raw, raw.byteLength)));
    for (const size of cruel) {
      if (size > 1) expect((await collect(gzip(dribble(raw, size)))).equals(whole)).toBe(true);
    }
  });

  testWith('gzip')('stock gzip reads it', async () => {
    const raw = prose(200_000);
    expect(run('gzip', ['-dc'], await collect(gzip(dribble(raw, 5000), 9))).equals(raw)).toBe(true);
  });

  test('a fault of the input comes out, and stopping early closes it', async () => {
    const fault = new Error('no more');
    let closed = 0;
    const input = async function* (): ByteStream {
      try {
        for (let i = 0; i < 40; i++) yield await Promise.resolve(noise(100_000, i));
        throw fault;
      } finally {
        closed++;
      }
    };
    await expect(collect(gzip(input()))).rejects.toBe(fault);
    for await (const part of gzip(input())) {
      expect(part.byteLength).toBeGreaterThan(0);
      break;
    }
    expect(closed).toBe(2);
  });

  test('a slow reader holds the input back', async () => {
    let given = 0;
    const input = async function* (): ByteStream {
      for (; given < 200; given++) yield await Promise.resolve(noise(100_000, given));
    };
    const reader = gzip(input());
    await reader.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(given).toBeLessThan(40);
    await reader.return(undefined);
  });
});
