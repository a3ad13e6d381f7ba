import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { encodeFacts, madeBy } from '../../../src/formats/volumes/checksum-file.js';
import { checksumName, volumeName } from '../../../src/formats/volumes/names.js';
import { writeVolumes } from '../../../src/formats/volumes/write.js';
import { digestOf } from '../../../src/primitives/digest.js';
import { TransferError } from '../../../src/primitives/errors.js';
import { faultOf, noise } from '../../codecs/helpers.js';
import { testContext } from '../../helpers/context.js';
import { dribble } from '../../helpers/dribble.js';
import { put, useTempFolder } from '../../helpers/temp-folder.js';
import { cat, factsAt, maker, split } from './helpers.js';

const at = useTempFolder();
const target = (): string => at('a.tar.zst');

describe('writeVolumes', () => {
  test('the volumes joined are the whole, for every size around the borders', async () => {
    for (const size of [0, 1, 99, 100, 101, 200, 201, 399, 400, 401]) {
      for (const chunk of [7, 100, 5000]) {
        const folder = at(`${String(size)}-${String(chunk)}`);
        mkdirSync(folder);
        const bytes = noise(size);
        const written = await split(join(folder, 'a.tar.zst'), bytes, 100, { chunk });
        const count = Math.max(1, Math.ceil(size / 100));
        expect(cat(join(folder, 'a.tar.zst'))).toEqual(bytes);
        const numbers = Array.from({ length: count }, (_, i) => i + 1);
        expect(written.map(({ name }) => name)).toEqual(numbers.map((number) => volumeName('a.tar.zst', number)));
        for (const { name, size: length, sha256 } of written) {
          const contents = readFileSync(join(folder, name));
          expect([name, contents.length, digestOf(contents)]).toEqual([name, length, sha256]);
        }
        expect(readdirSync(folder)).toHaveLength(2 * count);
        const facts = factsAt(join(folder, `a.tar.zst-${String(count).padStart(3, '0')}.json`));
        expect(facts).toMatchObject({
          number: count,
          count,
          offset: (count - 1) * 100,
          sha256: written.at(-1)?.sha256,
        });
        expect(facts.offset + facts.size).toBe(size);
        if (count > 1) expect(factsAt(join(folder, 'a.tar.zst-001.json'))).not.toHaveProperty('count');
      }
    }
  });

  test('cat takes all 999 volumes in order; one more is refused', async () => {
    const bytes = noise(999);
    const made = madeBy(maker, 1);
    const head = digestOf('');
    mkdirSync(at('b'));
    for (let number = 1; number <= 999; number++) {
      const volume = bytes.subarray(number - 1, number);
      put(at(volumeName('a.tar.zst', number)), volume);
      const facts = { number, offset: number - 1, size: 1, sha256: digestOf(volume), head, made };
      put(at('b', checksumName('a.tar.zst', number)), encodeFacts(facts));
    }
    expect(spawnSync('sh', ['-c', 'cat a.tar.zst.*'], { cwd: at() }).stdout).toEqual(bytes);
    const onMedia = { resume: true, nextMedium: () => Promise.reject(new Error('no medium is needed')) };
    const fault = await faultOf(split(at('b/a.tar.zst'), Buffer.concat([bytes, bytes]), 1, onMedia));
    expect(fault).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('more than 999 volumes of 1 bytes'),
    });
    expect(fault?.hint).toContain('larger size');
  });

  test('the same made twice is the same, checksum files included', async () => {
    mkdirSync(at('b'));
    const bytes = noise(1234);
    await split(target(), bytes, 500);
    await split(at('b/a.tar.zst'), bytes, 500, { chunk: 3 });
    for (const name of readdirSync(at('b'))) expect(readFileSync(at('b', name))).toEqual(readFileSync(at(name)));
  });

  test('a checksum file can be checked with grep and sha256sum', async () => {
    await split(target(), noise(150), 100);
    const { stdout } = spawnSync(
      'sh',
      ['-c', `grep -v '"checksum": ' a.tar.zst-001.json | sha256sum; sha256sum a.tar.zst.001`],
      { cwd: at(), encoding: 'utf8' },
    );
    const { checksum, sha256 } = JSON.parse(readFileSync(at('a.tar.zst-001.json'), 'utf8')) as Record<string, string>;
    expect(stdout).toBe(`${String(checksum)}  -\n${String(sha256)}  a.tar.zst.001\n`);
  });

  test('each is whole, with its checksum file, before the next begins; what is read back is told its digest', async () => {
    const seen: string[] = [];
    const bytes = noise(250);
    const written = await split(target(), bytes, 100, {
      beforeVolume: (folder, placed) => {
        seen.push(`room ${String(folder === at())} ${String(placed)} ${readdirSync(at()).join(' ')}`);
        return Promise.resolve();
      },
      readBack: (path, expected, label) => {
        expect(digestOf(readFileSync(path))).toBe(expected);
        seen.push(`back ${basename(label)}${path === label ? '' : ' (a part)'}`);
        return Promise.resolve();
      },
    });
    expect(written).toHaveLength(3);
    expect(seen).toEqual([
      'room true 0 ',
      'back a.tar.zst.001',
      'back a.tar.zst-001.json (a part)',
      'room true 100 a.tar.zst-001.json a.tar.zst.001',
      'back a.tar.zst.002',
      'back a.tar.zst-002.json (a part)',
      'room true 200 a.tar.zst-001.json a.tar.zst-002.json a.tar.zst.001 a.tar.zst.002',
      'back a.tar.zst.003',
      'back a.tar.zst-003.json (a part)',
    ]);
  });

  test('a volume that does not read back goes, those before it stay; a full disk says how to go on', async () => {
    const bad = (path: string): Promise<void> =>
      path.endsWith('.002') ? Promise.reject(new TransferError('IO', `${path}: other bytes`)) : Promise.resolve();
    expect(await faultOf(split(target(), noise(250), 100, { readBack: bad }))).toMatchObject({ code: 'IO' });
    expect(readdirSync(at())).toEqual(['a.tar.zst-001.json', 'a.tar.zst.001']);
    mkdirSync(at('a.tar.zst.003'));
    const fault = await faultOf(split(target(), noise(250), 100, { resume: true }));
    expect(fault).toMatchObject({ code: 'USAGE', message: expect.stringContaining('it is a folder') });
    expect(fault?.hint).toContain('Volumes 1 and 2 are whole: the same call with --resume goes on from there.');
  });

  test('a checksum file that does not read back gets no name, and its volume is written anew', async () => {
    const bad = (_path: string, _expected: unknown, label: string): Promise<void> =>
      label === at('a.tar.zst-002.json')
        ? Promise.reject(new TransferError('IO', `${label}: other bytes`))
        : Promise.resolve();
    const fault = await faultOf(split(target(), noise(250), 100, { readBack: bad }));
    expect(fault?.message).toBe(`${at('a.tar.zst-002.json')}: other bytes`);
    expect(readdirSync(at())).toEqual(['a.tar.zst-001.json', 'a.tar.zst.001', 'a.tar.zst.002']);
    const context = testContext();
    await split(target(), noise(250), 100, { resume: true, emit: context.emit });
    expect(context.notes()).toEqual([expect.stringMatching(/^volume 2 .* writing it anew$/)]);
    expect(cat(target())).toEqual(noise(250));
  });

  test('an earlier run is noticed before the first byte', async () => {
    await split(target(), noise(250), 100, { made: { ...maker, ferry: '0.3.0' } });
    let begun = false;
    const bytes = (async function* () {
      begun = true;
      yield* dribble(noise(10), 5);
    })();
    const { emit, signal } = testContext();
    const fault = await faultOf(
      writeVolumes(target(), bytes, { volumeBytes: 100, made: maker, resume: false, emit, signal }),
    );
    expect(begun).toBe(false);
    expect(fault).toMatchObject({ code: 'USAGE' });
    expect(fault?.message).toMatch(
      /volumes of an earlier run are there: a\.tar\.zst\.001 to a\.tar\.zst\.003 \(set [0-9a-f]{16}, by ferry 0\.3\.0, level 3\)/,
    );
    expect(fault?.hint).toContain('--resume');
    rmSync(at('a.tar.zst.001'));
    expect(await faultOf(split(target(), noise(10), 100))).toMatchObject({ code: 'USAGE' });
  });

  test('a folder that is not there is a clear error', async () => {
    expect(await faultOf(split(at('no/a.tar'), noise(10), 100))).toMatchObject({ code: 'NOT_FOUND' });
  });
});
