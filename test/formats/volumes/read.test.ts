import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { BOUNDARY, seekableZstd } from '../../../src/codecs/seekable.js';
import { zstdCodec } from '../../../src/codecs/zstd.js';
import { encodeFacts, parseFacts } from '../../../src/formats/volumes/checksum-file.js';
import { placeOf } from '../../../src/primitives/random-access.js';
import { digestOf } from '../../../src/primitives/digest.js';
import { collect, faultOf, noise } from '../../codecs/helpers.js';
import { put, useTempFolder } from '../../helpers/temp-folder.js';
import { maker, openSet, split } from './helpers.js';

const at = useTempFolder();
const bytes = noise(450);
const first = (): string => at('a.tar.zst.001');
const make = (contents: Buffer = bytes): ReturnType<typeof split> => split(at('a.tar.zst'), contents, 100);
const withoutChecksums = (): void => {
  for (let number = 1; number < 10; number++) rmSync(at(`a.tar.zst-00${String(number)}.json`), { force: true });
};
const volume = (number: number): string => at(`a.tar.zst.00${String(number)}`);
const checksum = (number: number): string => at(`a.tar.zst-00${String(number)}.json`);
const swap = (a: string, b: string): void => {
  renameSync(a, at('aside'));
  renameSync(b, a);
  renameSync(at('aside'), b);
};

async function auditOf(path: string): Promise<string[]> {
  const set = await openSet(path);
  const messages: string[] = [];
  for await (const { message } of set.auditUntouched()) messages.push(message);
  await set.close();
  return messages;
}

describe('openVolumes', () => {
  test.each(['with checksum files', 'without'])('reads any range as if they were joined, %s', async (how) => {
    await make();
    if (how === 'without') withoutChecksums();
    const set = await openSet(first());
    expect(set.size).toBe(450);
    await fc.assert(
      fc.asyncProperty(fc.nat(450), fc.nat(450), async (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        expect(await set.read(from, to - from)).toEqual(bytes.subarray(from, to));
        expect(await collect(set.stream(from, to - from))).toEqual(bytes.subarray(from, to));
      }),
    );
    expect(await faultOf(set.read(400, 51))).toMatchObject({ code: 'SOURCE_CHANGED' });
    await set.close();
  });

  test('keeps 16 of many volumes open, whatever is read at the same time', async () => {
    const many = noise(2500);
    await split(at('a.tar'), many, 100);
    const set = await openSet(at());
    const starts = Array.from({ length: 300 }, (_, i) => (i * 1237) % 2200);
    const parts = await Promise.all(starts.map((from) => set.read(from, 300)));
    parts.forEach((part, i) => {
      expect(part).toEqual(many.subarray(starts[i], (starts[i] ?? 0) + 300));
    });
    await set.close();
  });

  test('one volume, and sizes of whole volumes', async () => {
    for (const size of [1, 100, 200]) {
      await split(at(`${String(size)}.tar`), bytes.subarray(0, size), 100);
      const set = await openSet(at(`${String(size)}.tar.001`));
      expect(await set.read(0, size)).toEqual(bytes.subarray(0, size));
      await set.close();
    }
  });

  test('says which volume bytes are in', async () => {
    await make();
    const set = await openSet(at());
    expect(placeOf(set, 150, 10)).toBe(`${volume(2)} (volume 2 of 5)`);
    expect(placeOf(set, 150, 51)).toBe(`${volume(2)} and ${volume(3)} (volumes 2 and 3 of 5)`);
    expect(placeOf(set, 150, 200)).toBe(`${volume(2)} to ${volume(4)} (volumes 2 to 4 of 5)`);
    await set.close();
  });

  test.each<[string, () => void, RegExp]>([
    [
      'a missing volume',
      () => {
        rmSync(volume(2));
      },
      /: volume 2 of 5 is missing \(a\.tar\.zst\.002\)$/,
    ],
    [
      'with its checksum file',
      () => {
        rmSync(volume(2));
        rmSync(checksum(2));
      },
      /: volume 2 of 5 is missing/,
    ],
    [
      'several',
      () => {
        for (const number of [1, 3, 4]) {
          rmSync(volume(number));
          rmSync(checksum(number));
        }
      },
      /: volumes 1, 3 and 4 of 5 are missing \(a\.tar\.zst\.001, a\.tar\.zst\.003 and a\.tar\.zst\.004\)$/,
    ],
    [
      'the last',
      () => {
        rmSync(volume(5));
      },
      /: volume 5 of 5 is missing/,
    ],
    [
      'the last with its checksum file',
      () => {
        rmSync(volume(5));
        rmSync(checksum(5));
      },
      /: the last volume is missing: a\.tar\.zst\.004 is not the last, its checksum file says, and there is none after it$/,
    ],
    [
      'one cut short',
      () => put(volume(3), bytes.subarray(200, 280)),
      /: volume 3 \(a\.tar\.zst\.003\) has 80 bytes, expected 100$/,
    ],
    [
      'one too long',
      () => {
        appendFileSync(volume(5), '.');
      },
      /: volume 5 \(a\.tar\.zst\.005\) has 51 bytes, expected 50$/,
    ],
    ['one too many', () => put(volume(6), '.'), /: volume 6 \(a\.tar\.zst\.006\) is beyond the last of 5$/],
    [
      'files swapped',
      () => {
        swap(volume(1), volume(2));
      },
      /volume 1 \(.*001\) begins as volume 2: files were swapped or renamed; volume 2 \(.*002\) begins as volume 1: files/,
    ],
    [
      'files swapped with their checksum files',
      () => {
        swap(volume(1), volume(2));
        swap(checksum(1), checksum(2));
      },
      /: a\.tar\.zst-001\.json is the checksum file of volume 2: files were swapped or renamed; a\.tar\.zst-002\.json is the checksum file of volume 1/,
    ],
    [
      'a changed checksum file',
      () => put(checksum(4), readFileSync(checksum(4), 'utf8').replace('"size": 100', '"size": 90')),
      /a\.tar\.zst-004\.json: the checksum file was changed or damaged: expected the checksum [0-9a-f]{64} over its other lines, found [0-9a-f]{64}$/,
    ],
    ['an empty checksum file', () => put(checksum(4), ''), /a\.tar\.zst-004\.json: expected JSON, but it is empty$/],
    [
      'another file in its place',
      () => put(checksum(4), '{"schema":"other"}'),
      /-004\.json: expected an object of the schema image-ferry\.volume\/1, found "other"$/,
    ],
    [
      'a foreign one of its size',
      () => put(volume(2), noise(100, 5)),
      /: volume 2 \(.*002\) does not begin as its checksum file says: it is foreign or damaged$/,
    ],
    [
      'two things at once',
      () => {
        rmSync(volume(2));
        put(volume(3), '.');
      },
      /: volume 2 of 5 is missing \(a\.tar\.zst\.002\); volume 3 \(a\.tar\.zst\.003\) has 1 bytes, expected 100$/,
    ],
  ])('%s is named by its number', async (_, harm, words) => {
    await make();
    harm();
    for (const path of [volume(4), at()]) {
      const fault = await faultOf(openSet(path));
      expect(fault).toMatchObject({ code: 'BAD_ARCHIVE', message: expect.stringMatching(words) });
      expect(fault?.hint).toBeTruthy();
    }
  });

  test('a foreign volume with its checksum file is named, with what is other about it', async () => {
    await make();
    mkdirSync(at('b'));
    await split(at('b/a.tar.zst'), noise(450, 2), 100, { made: { ...maker, level: 19 } });
    for (const name of ['a.tar.zst.002', 'a.tar.zst-002.json']) copyFileSync(at('b', name), at(name));
    expect((await faultOf(openSet(at())))?.message).toBe(
      `${at()}: volume 2 (a.tar.zst.002) is foreign, of another set: level 19 (not 3)`,
    );
  });

  test.each<[string, () => void, RegExp]>([
    [
      'gaps',
      () => {
        rmSync(volume(2));
      },
      /: volume 2 is missing \(a\.tar\.zst\.002\)/,
    ],
    [
      'a size unlike the others',
      () => put(volume(3), '.'),
      /: volume 3 \(a\.tar\.zst\.003\) has 1 bytes, expected 100$/,
    ],
    [
      'a last one that is too large',
      () => put(volume(5), noise(101)),
      /: volume 5 \(a\.tar\.zst\.005\) has 101 bytes, expected 100 at most$/,
    ],
  ])('without checksum files, %s', async (_, harm, words) => {
    await make();
    withoutChecksums();
    harm();
    expect((await faultOf(openSet(first())))?.message).toMatch(words);
  });

  test('without checksum files, the seek table tells whether the last volume is there', async () => {
    const codec = await zstdCodec();
    const pieces = async function* (): AsyncGenerator<Uint8Array | typeof BOUNDARY> {
      yield BOUNDARY;
      yield await Promise.resolve(noise(470));
    };
    const compressed = await collect(seekableZstd(pieces(), { level: 3, codec }));
    await make(compressed);
    withoutChecksums();
    await (await openSet(first())).close();
    rmSync(volume(Math.ceil(compressed.length / 100)));
    const fault = await faultOf(openSet(first()));
    expect(fault?.message).toMatch(
      /: the last volume is missing: .*00\d does not end with the seek table of a bundle$/,
    );
    expect(fault?.hint).toContain('Put the volumes from a.tar.zst.00');
  });
});

describe('the audit', () => {
  test('finds nothing in whole volumes, and hashes each', async () => {
    await make();
    expect(await auditOf(first())).toEqual([]);
    for (const number of [1, 3, 5]) {
      const contents = Buffer.from(readFileSync(volume(number)));
      contents[contents.length - 1] = (contents.at(-1) ?? 0) ^ 1;
      put(volume(number), contents);
    }
    // Not in what is compared beforehand: of small volumes that is everything.
    for (const number of [1, 2, 3, 4, 5]) {
      const facts = parseFacts(readFileSync(checksum(number)), 'c');
      put(checksum(number), encodeFacts({ ...facts, head: digestOf(readFileSync(volume(number))) }));
    }
    const found = await auditOf(at());
    expect(found.map((message) => message.replace(/: expected.*/, ''))).toEqual(
      [1, 3, 5].map((number) => `volume ${String(number)} of 5 (${volume(number)}) is damaged`),
    );
  });

  test('says when a volume changes under it', async () => {
    await make();
    const set = await openSet(first());
    utimesSync(volume(2), 1, 1);
    rmSync(volume(4));
    const messages: string[] = [];
    for await (const { code, message } of set.auditUntouched()) messages.push(`${code} ${message}`);
    expect(messages).toEqual([
      expect.stringMatching(/^SOURCE_CHANGED .*002: .*it was changed$/),
      expect.stringMatching(/^SOURCE_CHANGED .*004: .*it is gone$/),
    ]);
    await set.close();
  });
});

test('a changed volume is SOURCE_CHANGED when it is read', async () => {
  await make();
  const set = await openSet(first());
  await set.close();
  put(volume(2), noise(100, 3));
  utimesSync(volume(2), 1, 1);
  expect(await faultOf(set.read(120, 10))).toMatchObject({
    code: 'SOURCE_CHANGED',
    message: expect.stringContaining('.002'),
  });
});
