import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { digestOf } from '../../../src/primitives/digest.js';
import { readBack } from '../../../src/primitives/drive/read-back.js';
import { faultOf } from '../../codecs/helpers.js';
import { put, useTempFolder } from '../../helpers/temp-folder.js';

const at = useTempFolder();
const KiB = 1024;
const MiB = KiB * KiB;

describe('readBack', () => {
  test.each([0, 1, 511, 512, 4095, 64 * KiB - 1, 64 * KiB, MiB - 1, MiB, MiB + 1, 3 * MiB, 3 * MiB + 4097])(
    'reads all of %i bytes',
    async (size) => {
      const bytes = randomBytes(size);
      const seen: number[] = [];
      const result = await readBack(put(at('a'), bytes), digestOf(bytes), { onBytes: (count) => seen.push(count) });
      expect(result).toMatchObject({ size, cacheMayHaveAnswered: expect.any(Boolean) });
      expect(seen.reduce((sum, count) => sum + count, 0)).toBe(size);
    },
  );

  test('other bytes: names the file, both digests and what to do', async () => {
    const fault = await faultOf(readBack(put(at('a'), 'found'), digestOf('expected')));
    expect(fault).toMatchObject({ code: 'IO', hint: expect.stringContaining('another drive') });
    for (const word of [at('a'), digestOf('found'), digestOf('expected')]) expect(fault?.message).toContain(word);
  });

  test('a file that is not there', async () => {
    expect(await faultOf(readBack(at('missing'), digestOf('')))).toMatchObject({ code: 'NOT_FOUND' });
  });

  test('messages call it by its label', async () => {
    const label = 'the name that it is to get';
    mkdirSync(at('folder'));
    for (const path of [put(at('a'), 'found'), at('missing'), at('folder')]) {
      const fault = await faultOf(readBack(path, digestOf('expected'), { label }));
      expect(fault?.message).toContain(`${label}: `);
      expect(fault?.message).not.toContain(at());
    }
  });

  test('stops when it is told to', async () => {
    const bytes = randomBytes(2 * MiB);
    await expect(
      readBack(put(at('a'), bytes), digestOf(bytes), { signal: AbortSignal.abort(new Error('stop')) }),
    ).rejects.toThrow('stop');
  });
});
