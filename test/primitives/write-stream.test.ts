import { describe, expect, test } from '@jest/globals';
import { PassThrough, Writable } from 'node:stream';
import { writeStream } from '../../src/primitives/write-stream.js';
import { collect, noise } from '../codecs/helpers.js';
import { dribble } from '../helpers/dribble.js';

describe('writeStream', () => {
  test('writes everything, says how many bytes, and leaves the stream open', async () => {
    const bytes = noise(300_000);
    const target = new PassThrough({ highWaterMark: 1000 });
    const listeners = target.listenerCount('error');
    const [size, got] = await Promise.all([
      writeStream(target, dribble(bytes, 7000)).finally(() => target.end('!')),
      collect(target),
    ]);
    expect(size).toBe(bytes.length);
    expect(got.equals(Buffer.concat([bytes, Buffer.from('!')]))).toBe(true);
    expect(target.listenerCount('error')).toBeLessThanOrEqual(listeners + 1);
  });

  test('goes no faster than the stream takes it', async () => {
    let pulled = 0;
    // eslint-disable-next-line @typescript-eslint/require-await
    const source = (async function* () {
      for (; pulled < 100; pulled++) yield Buffer.alloc(1000);
    })();
    const release: (() => void)[] = [];
    const target = new Writable({ highWaterMark: 2500, write: (_chunk, _encoding, done) => void release.push(done) });
    const work = writeStream(target, source);
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    expect(pulled).toBeLessThan(4);
    target.destroy(new Error('enough'));
    await expect(work).rejects.toThrow('enough');
    release.forEach((done) => {
      done();
    });
  });

  test.each([1, 20])('rejects with the error of a reader that went away after %i chunks', async (after) => {
    let taken = 0;
    const target = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => {
        done(++taken > after ? Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }) : null);
      },
    });
    await expect(writeStream(target, dribble(noise(100), 1))).rejects.toMatchObject({ code: 'EPIPE' });
  });
});
