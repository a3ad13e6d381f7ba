import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { folderTree } from '../../../src/formats/tree/folder-tree.js';
import { collect, faultOf } from '../../codecs/helpers.js';
import { put, useTempFolder } from '../../helpers/temp-folder.js';

const at = useTempFolder();
const layout = (): string => {
  mkdirSync(at('layout/blobs/sha256'), { recursive: true });
  put(at('layout/index.json'), '{}');
  put(at('layout/blobs/sha256/aa'), 'blob');
  return at('layout');
};

describe('a folder as a tree', () => {
  test('has files by their names', async () => {
    const tree = folderTree(layout());
    expect([
      tree.size('index.json'),
      tree.size('blobs/sha256/aa'),
      tree.size('blobs'),
      tree.size('none'),
      tree.size('index.json/x'),
    ]).toEqual([2, 4, undefined, undefined, undefined]);
    expect((await collect(tree.open('blobs/sha256/aa'))).toString()).toBe('blob');
    expect([...tree.names()]).toEqual(['blobs', 'index.json', 'blobs/sha256/aa']);
    await tree.close();
  });

  test('one without blobs has none', () => {
    expect([...folderTree(at()).names()]).toEqual([]);
  });

  test('a file that is not there, or that went away, is an error', async () => {
    const tree = folderTree(layout());
    expect(await faultOf(collect(tree.open('none')))).toMatchObject({
      code: 'BLOB_MISSING',
      message: `${at('layout')}: no file none`,
    });
    expect(tree.size('blobs/sha256/aa')).toBe(4);
    rmSync(at('layout/blobs/sha256/aa'));
    expect(await faultOf(collect(tree.open('blobs/sha256/aa')))).toMatchObject({ code: 'NOT_FOUND' });
  });

  test('links inside the folder are followed; the folder itself may be a link', async () => {
    symlinkSync('aa', `${layout()}/blobs/sha256/bb`);
    symlinkSync('layout', at('link'));
    expect((await collect(folderTree(at('link')).open('blobs/sha256/bb'))).toString()).toBe('blob');
  });

  test.each([
    ['relative', '../../../secret'],
    ['to a folder with the same beginning', '../../../layout-2/secret'],
    ['absolute', '/etc/hostname'],
  ])('a link that leaves it is refused (%s)', (_, target) => {
    layout();
    mkdirSync(at('layout-2'));
    put(at('secret'), 'secret');
    put(at('layout-2/secret'), 'secret');
    symlinkSync(target, at('layout/blobs/sha256/bb'));
    expect(() => folderTree(at('layout')).size('blobs/sha256/bb')).toThrow(
      expect.objectContaining({
        code: 'BAD_ARCHIVE',
        message: expect.stringContaining('blobs/sha256/bb is a link that leads out of the folder'),
      }),
    );
  });

  test('so is a linked folder on the way', () => {
    mkdirSync(at('elsewhere'));
    put(at('elsewhere/aa'), 'secret');
    mkdirSync(at('l/blobs'), { recursive: true });
    symlinkSync(at('elsewhere'), at('l/blobs/sha256'));
    expect(() => folderTree(at('l')).size('blobs/sha256/aa')).toThrow(expect.objectContaining({ code: 'BAD_ARCHIVE' }));
  });

  test('the names of one file have one real name', () => {
    symlinkSync('aa', `${layout()}/blobs/sha256/bb`);
    const tree = folderTree(at('layout'));
    expect(['aa', 'bb', 'cc'].map((name) => tree.realName(`blobs/sha256/${name}`))).toEqual([
      'blobs/sha256/aa',
      'blobs/sha256/aa',
      'blobs/sha256/cc',
    ]);
  });

  test('a loop of links is a file that is not there', () => {
    symlinkSync('loop', at('loop'));
    expect(folderTree(at()).size('loop')).toBeUndefined();
  });

  test('a pipe in place of a blob is not opened', async () => {
    if (spawnSync('mkfifo', [`${layout()}/blobs/sha256/bb`]).status !== 0) return;
    const tree = folderTree(at('layout'));
    expect(tree.size('blobs/sha256/bb')).toBeUndefined();
    expect(await faultOf(collect(tree.open('blobs/sha256/bb')))).toMatchObject({ code: 'BLOB_MISSING' });
  });
});
