import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { memoryAccess } from '../../src/primitives/random-access.js';
import { indexTar, padded, type TarEntry } from '../../src/tar/index-tar.js';
import { faultOf } from '../codecs/helpers.js';
import { file, tarOf } from '../helpers/members.js';
import { endOfTar, pax, rawFile, rawHeader } from '../helpers/raw-tar.js';

const part = fc.stringMatching(/^[a-zA-Z0-9_äß日][a-zA-Z0-9_.äß日-]{0,60}$/);
const name = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'));
const members = fc.array(fc.record({ name, size: fc.nat(2000) }), { maxLength: 8 });

/** What an index says, or the code of the error; anything but a TransferError fails the test. */
async function outcome(bytes: Buffer): Promise<readonly TarEntry[] | string> {
  let entries: readonly TarEntry[] = [];
  const fault = await faultOf(indexTar(memoryAccess('a.tar', bytes)).then((index) => (entries = index.entries)));
  return fault?.code ?? entries;
}

describe('for any list of members that tar-stream writes', () => {
  test('the index has the same names, sizes and contents', async () => {
    await fc.assert(
      fc.asyncProperty(members, async (list) => {
        const contents = list.map(({ size }, i) => Buffer.alloc(size, 97 + i));
        const bytes = await tarOf(list.map((member, i) => file(member.name, contents[i] ?? '')));
        const { entries, end } = await indexTar(memoryAccess('a.tar', bytes));
        expect(entries.map((entry) => entry.name)).toEqual(list.map((member) => member.name));
        expect(entries.map(({ offset, size }) => bytes.subarray(offset, offset + size))).toEqual(contents);
        expect(end).toBe(bytes.length - 1024);
      }),
      { numRuns: 60 },
    );
  });
});

describe('damage', () => {
  const whole = Buffer.concat([
    rawFile('a', 'contents'),
    pax({ path: 'folder/long', size: '700' }),
    rawFile('b', 'x'.repeat(700)),
    rawHeader({ name: 'soft', flag: '2', link: 'a' }),
    rawFile('././@LongLink', 'another/long/name\0', { flag: 'L' }),
    rawFile('c', 'last'),
    endOfTar,
  ]);

  test('cut anywhere: an error, or the members before the cut when it lies exactly between two', async () => {
    const all = (await outcome(whole)) as readonly TarEntry[];
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), async (length) => {
        const found = await outcome(whole.subarray(0, length));
        if (typeof found === 'string') expect(found).toBe('BAD_ARCHIVE');
        else {
          expect(all.slice(0, found.length)).toEqual(found);
          // Nothing in a tar says how many members it has: one cut exactly between two of them looks whole.
          const last = found.at(-1) ?? { offset: 0, size: 0 };
          expect(length).toBeGreaterThanOrEqual(last.offset + last.size);
          if (found.length < all.length) expect(length).toBeLessThanOrEqual(last.offset + padded(last.size));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('any flipped byte of a header: an error, or the same members', async () => {
    const all = await outcome(whole);
    const headers = [0, 1024, 2048, 3584, 4096, 5120];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...headers),
        fc.nat(511),
        fc.integer({ min: 1, max: 255 }),
        async (start, at, flip) => {
          const damaged = Buffer.from(whole);
          damaged[start + at] = (damaged[start + at] ?? 0) ^ flip;
          const found = await outcome(damaged);
          if (typeof found === 'string') expect(found).toMatch(/^(BAD_ARCHIVE|LIMIT)$/);
          else expect(found).toEqual(all);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('any bytes in a place of a header, with a right checksum: never another exception, never a hang', async () => {
    const bytes = fc.uint8Array({ minLength: 345, maxLength: 500 });
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom(...'01234567xgLKSMDV\0'.match(/./gs)!), async (random, flag) => {
        const header = rawHeader({
          name: Buffer.from(random).toString('latin1', 0, 90),
          flag,
          sizeField: Buffer.from(random.subarray(124, 136)),
        });
        const found = await outcome(Buffer.concat([rawFile('a', 'x'), header, Buffer.from(random), endOfTar]));
        expect(typeof found === 'string' ? found : 'entries').toMatch(/^(BAD_ARCHIVE|LIMIT|entries)$/);
      }),
      { numRuns: 300 },
    );
  });

  test('any bytes at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2048 }), async (random) => {
        const found = await outcome(Buffer.from(random));
        expect(typeof found === 'string' ? found : 'entries').toMatch(/^(BAD_ARCHIVE|LIMIT|entries)$/);
      }),
    );
  });
});
