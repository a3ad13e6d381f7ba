import { describe, expect, test } from '@jest/globals';
import { bytesOf, measure, readAll } from '../../src/primitives/bytes.js';
import { digestOf } from '../../src/primitives/digest.js';
import { collect, faultOf } from '../codecs/helpers.js';
import { dribble } from '../helpers/dribble.js';

const text = Buffer.from('0123456789');

describe('byte streams', () => {
  test('bytesOf gives its chunks, without the empty ones', async () => {
    const chunks: string[] = [];
    for await (const chunk of bytesOf(Buffer.from('a'), Buffer.alloc(0), Buffer.from('b')))
      chunks.push(Buffer.from(chunk).toString());
    expect(chunks).toEqual(['a', 'b']);
    expect(await collect(bytesOf())).toHaveLength(0);
  });

  test('readAll reads up to the budget', async () => {
    expect(await readAll(dribble(text, 3), 10, 'x')).toEqual(text);
  });

  test('readAll refuses a byte more, naming the thing and the budget, and closes the stream', async () => {
    let closed = false;
    const stream = (async function* () {
      try {
        yield* dribble(text, 3);
      } finally {
        closed = true;
      }
    })();
    const fault = await faultOf(readAll(stream, 8, 'config of app'));
    expect(fault).toMatchObject({
      code: 'LIMIT',
      message: expect.stringContaining('config of app: larger than the 8'),
    });
    expect(closed).toBe(true);
  });

  test('measure gives size and digest', async () => {
    expect(await measure(dribble(text, 4))).toEqual({ size: 10, digest: digestOf(text) });
    expect(await measure(bytesOf())).toEqual({ size: 0, digest: digestOf('') });
  });
});
