import { describe, expect, test } from '@jest/globals';
import { readdirSync, rmSync } from 'node:fs';
import { findVolumes } from '../../../src/formats/volumes/find.js';
import { faultOf, noise } from '../../codecs/helpers.js';
import { put, useTempFolder } from '../../helpers/temp-folder.js';
import { split } from './helpers.js';

const at = useTempFolder();
const bytes = noise(450);
const first = (): string => at('a.tar.zst.001');
const make = (): ReturnType<typeof split> => split(at('a.tar.zst'), bytes, 100);
const volume = (number: number): string => at(`a.tar.zst.00${String(number)}`);
const withoutChecksums = (): void => {
  for (const name of readdirSync(at())) if (name.endsWith('.json')) rmSync(at(name));
};

describe('findVolumes', () => {
  test('takes any volume of a set, the folder, and one that is missing', async () => {
    await make();
    const files = { folder: at(), base: 'a.tar.zst' };
    expect(await findVolumes(first())).toEqual({ ...files, label: first() });
    expect(await findVolumes(volume(3))).toEqual({ ...files, label: volume(3) });
    expect(await findVolumes(at())).toEqual({ ...files, label: at() });
    rmSync(first());
    expect(await findVolumes(first())).toMatchObject(files);
    withoutChecksums();
    expect(await findVolumes(volume(2))).toBeUndefined();
  });

  test('leaves other files and image layouts alone', async () => {
    put(at('app.tar'), '');
    put(at('notes.123'), '');
    for (const path of [at('app.tar'), at('notes.123'), at('none.123'), at('none'), at()])
      expect(await findVolumes(path)).toBeUndefined();
    await make();
    put(at('oci-layout'), '');
    expect(await findVolumes(at())).toBeUndefined();
    expect(await findVolumes(first())).toBeDefined();
  });

  test('several sets in a folder are named', async () => {
    await make();
    await split(at('b.tar'), bytes, 300);
    const fault = await faultOf(findVolumes(at()));
    expect(fault).toMatchObject({
      code: 'USAGE',
      message: `${at()}: 2 sets of volumes are in it: a.tar.zst.001, b.tar.001`,
    });
    expect(fault?.hint).toBe(`Name one of them: ${first()}`);
  });
});
