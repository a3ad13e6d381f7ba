import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { digestOf } from '../../src/primitives/digest.js';
import { verified } from '../../src/primitives/verified.js';
import { collect, faultOf } from '../codecs/helpers.js';
import { dribble } from '../helpers/dribble.js';

const bytes = Buffer.from('the quick brown fox');
const expected = { digest: digestOf(bytes), size: bytes.length };

/** What a receiver has got when the stream ends, well or badly. */
async function received(stream: AsyncIterable<Uint8Array>): Promise<{ got: string; code: string | undefined }> {
  const got: Uint8Array[] = [];
  const fault = await faultOf(
    (async () => {
      for await (const chunk of stream) got.push(chunk);
    })(),
  );
  return { got: Buffer.concat(got).toString(), code: fault?.code };
}

describe('verified', () => {
  test.each([1, 7, 512])('passes right bytes unchanged, fed %i at a time', async (n) => {
    expect(await collect(verified(dribble(bytes, n), expected, 'x'))).toEqual(bytes);
  });

  test('an empty blob is right when it is empty', async () => {
    const empty = { digest: digestOf(''), size: 0 };
    expect(await collect(verified(dribble(Buffer.alloc(0), 1), empty, 'x'))).toHaveLength(0);
    expect((await received(verified(dribble(bytes, 4), empty, 'x'))).code).toBe('BLOB_CORRUPT');
  });

  test.each([
    ['short', bytes.subarray(0, -1), 'found 18 bytes'],
    ['empty', bytes.subarray(0, 0), 'found 0 bytes'],
    ['long', Buffer.concat([bytes, Buffer.from('!')]), 'more than 19 bytes'],
    ['wrong', Buffer.from('the quick brown fux'), `found ${digestOf('the quick brown fux')}`],
  ])('%s bytes are BLOB_CORRUPT, naming place, expected and found', async (_, wrong, found) => {
    const fault = await faultOf(collect(verified(dribble(wrong, 5), expected, 'a.tar: layer')));
    expect(fault).toMatchObject({ code: 'BLOB_CORRUPT', side: 'source' });
    expect(fault?.message).toContain('a.tar: layer: expected');
    expect(fault?.message).toContain(expected.digest);
    expect(fault?.message).toContain(found);
  });

  test('the last chunk is withheld from a receiver of wrong bytes', async () => {
    const { got, code } = await received(verified(dribble(Buffer.from('the quick brown fux'), 5), expected, 'x'));
    expect({ got, code }).toEqual({ got: 'the quick brown', code: 'BLOB_CORRUPT' });
  });

  test('a byte too much ends it at once, without reading on', async () => {
    let asked = 0;
    // eslint-disable-next-line @typescript-eslint/require-await
    const endless = (async function* () {
      for (;;) yield Buffer.alloc(++asked && 10);
    })();
    expect((await received(verified(endless, expected, 'x'))).code).toBe('BLOB_CORRUPT');
    expect(asked).toBe(2);
  });

  test('what the stream throws comes through as it is', async () => {
    const boom = new Error('boom');
    // eslint-disable-next-line @typescript-eslint/require-await
    const broken = (async function* () {
      yield bytes.subarray(0, 3);
      throw boom;
    })();
    await expect(collect(verified(broken, expected, 'x'))).rejects.toBe(boom);
  });

  test('any change to any bytes, in any chunks, never reaches the receiver as a whole', async () => {
    const change = fc.tuple(
      fc.nat(bytes.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.integer({ min: 1, max: 20 }),
    );
    await fc.assert(
      fc.asyncProperty(change, async ([at, flip, chunk]) => {
        const wrong = Buffer.from(bytes);
        wrong[at] = (wrong[at] ?? 0) ^ flip;
        const { got, code } = await received(verified(dribble(wrong, chunk), expected, 'x'));
        expect(code).toBe('BLOB_CORRUPT');
        expect(got.length).toBeLessThan(bytes.length);
      }),
    );
  });
});
