import { describe, expect, test } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import { list } from '../../../src/commands/list.js';
import { faultOf } from '../../codecs/helpers.js';
import { testContext } from '../../helpers/context.js';
import { put, useTempFolder } from '../../helpers/temp-folder.js';

const at = useTempFolder();
const listed = (path: string): ReturnType<typeof faultOf> => faultOf(list({ sources: [path] }, testContext()));

describe('a folder that is no image is NOT_AN_IMAGE, with what is in it', () => {
  test.each([['usr'], ['bin']])('a root file system (etc, %s)', async (other) => {
    for (const name of ['etc', other, 'var']) mkdirSync(at(name));
    put(at('.dockerenv'), '');
    expect(await listed(at())).toMatchObject({
      code: 'NOT_AN_IMAGE',
      message: `${at()}: it holds the folders of a file system (etc, usr, bin), no image`,
      hint: expect.stringContaining('docker import -'),
    });
  });

  test('any other: its first names, files and folders', async () => {
    for (const name of ['c', 'a']) mkdirSync(at(name));
    put(at('b'), '');
    put(at('d'), '');
    expect(await listed(at())).toMatchObject({
      message: `${at()}: expected index.json, manifest.json or repositories in it, found a, b, c, …`,
    });
  });
});
