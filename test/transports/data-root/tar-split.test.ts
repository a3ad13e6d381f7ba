import { afterAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { readAll } from '../../../src/primitives/bytes.js';
import { tarBytes, tarSize } from '../../../src/transports/data-root/tar-split.js';
import { removeTempFolders } from '../fake-client.js';
import { type LayerFile, type Unpacked, unpack } from './overlay2-root.js';

afterAll(removeTempFolders);

const MiB = 1 << 20;
const text = (name: string | Buffer, contents = String(name)): LayerFile => ({ name, bytes: Buffer.from(contents) });
const whole = (layer: Unpacked): Promise<Buffer> => readAll(tarBytes(layer), 100 * MiB, 'a layer');

describe('a layer out of its folder', () => {
  test.each<[string, readonly LayerFile[]]>([
    ['no file', []],
    ['small files, an empty one', [text('a'), text('etc/b'), text('empty', '')]],
    ['names with dots and slashes', [text('./etc/passwd'), text('etc/./x'), text('a/../b')]],
    ['a name that is no UTF-8', [text(Buffer.from([0x66, 0xfc, 0xff]), 'contents')]],
    [
      'files at and around the size of a chunk',
      [MiB - 1, MiB, 3 * MiB + 1].map((size) => ({ name: `f${String(size)}`, bytes: Buffer.alloc(size, 'ab') })),
    ],
    [
      'more files than fit into a chunk',
      Array.from({ length: 300 }, (_, at) => ({ name: `d/${String(at)}`, bytes: Buffer.alloc(10_001, at) })),
    ],
  ])('%s', async (_, files) => {
    const layer = unpack(files);
    expect((await whole(layer)).equals(layer.tar)).toBe(true);
    expect(await tarSize(layer)).toBe(layer.tar.length);
  });

  test('comes in chunks of 1 MiB after its first header, however small its files are', async () => {
    const files = Array.from({ length: 300 }, (_, at) => ({ name: String(at), bytes: Buffer.alloc(10_001) }));
    const sizes: number[] = [];
    for await (const chunk of tarBytes(unpack(files))) sizes.push(chunk.byteLength);
    expect(sizes.slice(1, -1).every((size) => size === MiB)).toBe(true);
  });
});

describe('what was changed', () => {
  const layer = (): Unpacked => unpack([text('a', 'first'), text('lib/b', 'second')]);
  const cases: readonly [string, (layer: Unpacked) => void, string][] = [
    [
      'a file is gone',
      ({ folder }) => {
        rmSync(path.join(folder, 'lib/b'));
      },
      'NOT_FOUND',
    ],
    [
      'a file has grown',
      ({ folder }) => {
        appendFileSync(path.join(folder, 'a'), 'x');
      },
      'SOURCE_CHANGED',
    ],
    [
      'a file is a folder',
      ({ folder }) => {
        rmSync(path.join(folder, 'a'));
        mkdirSync(path.join(folder, 'a'));
      },
      'SOURCE_CHANGED',
    ],
    [
      'a file is a FIFO',
      ({ folder }) => {
        rmSync(path.join(folder, 'a'));
        execFileSync('mkfifo', [path.join(folder, 'a')]);
      },
      'SOURCE_CHANGED',
    ],
    [
      'headers are cut off',
      ({ split }) => {
        truncateSync(split, 50);
      },
      'IO',
    ],
    [
      'headers are something else',
      ({ split }) => {
        writeFileSync(split, gzipSync('{"type":3}\n'));
      },
      'BAD_ARCHIVE',
    ],
    [
      'headers are no JSON',
      ({ split }) => {
        writeFileSync(split, gzipSync('hello\n'));
      },
      'BAD_ARCHIVE',
    ],
    [
      'headers name a negative size',
      ({ split }) => {
        writeFileSync(split, gzipSync('{"type":1,"name":"a","size":-5}\n'));
      },
      'BAD_ARCHIVE',
    ],
  ];
  test.each(cases)('%s', async (_, change, code) => {
    const unpacked = layer();
    change(unpacked);
    await expect(whole(unpacked)).rejects.toMatchObject({ code });
  });

  test('links do not lead out of the folder, and inside it they do', async () => {
    const unpacked = layer();
    const secret = unpack([text('b', 'secret')]).folder;
    renameSync(path.join(unpacked.folder, 'lib'), path.join(unpacked.folder, 'usr-lib'));
    symlinkSync('usr-lib', path.join(unpacked.folder, 'lib'));
    expect((await whole(unpacked)).equals(unpacked.tar)).toBe(true);
    rmSync(path.join(unpacked.folder, 'lib'));
    symlinkSync(secret, path.join(unpacked.folder, 'lib'));
    await expect(whole(unpacked)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
    rmSync(path.join(unpacked.folder, 'a'));
    symlinkSync('usr-lib/b', path.join(unpacked.folder, 'a'));
    await expect(whole(unpacked)).rejects.toMatchObject({ side: 'source' });
  });
});
