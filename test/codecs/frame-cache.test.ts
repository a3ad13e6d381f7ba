import { describe, expect, test } from '@jest/globals';
import { FrameCache } from '../../src/codecs/frame-cache.js';

const MiB = 1024 * 1024;
const content = (text: string): Promise<Buffer> => Promise.resolve(Buffer.from(text));

describe('the cache of frames', () => {
  test('a frame that is put again counts once', async () => {
    const cache = new FrameCache();
    for (let i = 0; i < 100; i++) void cache.put(1, MiB, content(String(i)));
    for (let frame = 2; frame <= 16; frame++) void cache.put(frame, MiB, content('x'));
    expect((await cache.get(1))?.toString()).toBe('99');
    void cache.put(17, MiB, content('x'));
    expect([cache.get(2), cache.get(1) === undefined]).toEqual([undefined, false]);
  });

  test('a fault is not kept', async () => {
    const cache = new FrameCache();
    await expect(cache.put(1, MiB, Promise.reject(new Error('damaged')))).rejects.toThrow('damaged');
    expect(cache.get(1)).toBeUndefined();
  });

  test('a late fault leaves what was put in its place since', async () => {
    const cache = new FrameCache();
    let fail = (): void => undefined;
    const late = new Promise<Buffer>((_, reject) => {
      fail = () => {
        reject(new Error('late'));
      };
    });
    void cache.put(1, MiB, late);
    void cache.put(1, MiB, content('good'));
    fail();
    await expect(late).rejects.toThrow('late');
    expect((await cache.get(1))?.toString()).toBe('good');
  });
});
