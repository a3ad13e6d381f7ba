import { expect, test } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import { fileSystemOf } from '../../../src/primitives/drive/file-system.js';
import { checkRoom } from '../../../src/primitives/drive/room.js';
import { faultOf } from '../../codecs/helpers.js';
import { put, useTempFolder } from '../../helpers/temp-folder.js';

const at = useTempFolder();
const TOO_MUCH = 10 ** 17;

test('what fits is no matter', async () => {
  expect(await checkRoom(at('out.tar'), { least: 1000, most: 2000 })).toBeUndefined();
  expect(await checkRoom(at('out.tar'), { least: 1000 })).toBeUndefined();
});

test('what cannot fit is refused before anything is written: where, how much, how much there is', async () => {
  const fault = await faultOf(checkRoom(at('out.tar'), { least: TOO_MUCH, inFilesOf: 1000 }));
  expect(fault).toMatchObject({ code: 'DISK_FULL', hint: expect.stringContaining('another place') });
  expect(fault?.message).toMatch(
    /out\.tar: needs at least 100\.0 PB \(100000000000000000 bytes\), but .* \(.+\) has .* free/,
  );
});

test('what may not fit is told', async () => {
  expect(await checkRoom(at('out.tar'), { least: 1, most: TOO_MUCH, inFilesOf: 1000 })).toContain('may run out');
});

test('room for the most, where that is asked for', async () => {
  const need = { least: 1, most: TOO_MUCH, inFilesOf: 1000, reserve: true };
  const fault = await faultOf(checkRoom(at('out.tar'), need));
  expect(fault).toMatchObject({ code: 'DISK_FULL', message: expect.stringContaining('needs up to 100.0 PB') });
});

test('a folder, and one that is not there yet, is asked where it will be', async () => {
  mkdirSync(at('archive'));
  for (const path of [at('archive'), at('new/archive')]) {
    expect(await faultOf(checkRoom(path, { least: TOO_MUCH, inFilesOf: 1 }))).toMatchObject({ code: 'DISK_FULL' });
    expect(await checkRoom(path, { least: 1 })).toBeUndefined();
  }
});

test('an old file of no size does not help', async () => {
  put(at('out.tar'), '');
  const fault = await faultOf(checkRoom(at('out.tar'), { least: TOO_MUCH, inFilesOf: 1 }));
  expect(fault?.hint).not.toContain('old');
});

test('a file system has a name and, usually, a number of free bytes', async () => {
  const system = await fileSystemOf(at());
  expect(system.name).not.toBe('');
  expect(system.free ?? 1).toBeGreaterThan(0);
});

test('of a folder that is not there, nothing is known', async () => {
  expect(await faultOf(fileSystemOf(at('missing')))).toMatchObject({ code: 'NOT_FOUND' });
});
