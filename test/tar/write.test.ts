import { describe, expect, test } from '@jest/globals';
import { extract } from 'tar-stream';
import { memoryAccess } from '../../src/primitives/random-access.js';
import { indexTar } from '../../src/tar/index-tar.js';
import { endOfArchive, fileHeader, padding } from '../../src/tar/write.js';
import { run, testWith } from '../codecs/helpers.js';

const name = `blobs/sha256/${'0123456789abcdef'.repeat(4)}`;
const GiB = 2 ** 30;

/** The fields of a header block, NULs as dots. */
const fields = (block: Buffer): Record<string, string> => {
  const at = (start: number, end: number): string => block.toString('latin1', start, end).replace(/\0/g, '.');
  return {
    name: at(0, 100).replace(/\.+$/, ''),
    mode: at(100, 108),
    uid: at(108, 116),
    gid: at(116, 124),
    size: at(124, 136),
    mtime: at(136, 148),
    checksum: at(148, 156),
    flag: at(156, 157),
    link: at(157, 257).replace(/\.+$/, ''),
    magic: at(257, 265),
    owners: at(265, 329).replace(/\.+$/, ''),
    devices: at(329, 345),
    rest: at(345, 512).replace(/\.+$/, ''),
  };
};

describe('fileHeader', () => {
  test('is one ustar block, the same for ever', async () => {
    const header = await fileHeader(name, 1234);
    expect(header).toHaveLength(512);
    expect(fields(header)).toEqual({
      name,
      mode: '000444 .',
      uid: '000000 .',
      gid: '000000 .',
      size: '00000002322 ',
      mtime: '00000000000 ',
      checksum: '022105 .',
      flag: '0',
      link: '',
      magic: 'ustar.00',
      owners: '',
      devices: '000000 .000000 .',
      rest: '',
    });
  });

  test.each([0, 1, 511, 8 * GiB - 1])('a size of %i needs no extension, and is read back', async (size) => {
    const header = await fileHeader(name, size);
    expect(header).toHaveLength(512);
    const access = { ...memoryAccess('a.tar', header), size: 512 + size };
    const { entries } = await indexTar({ ...access, size: size === 0 ? 512 : access.size });
    expect(entries).toMatchObject([{ name, offset: 512, size }]);
  });

  test.each([8 * GiB, 8 * GiB + 1, 123 * GiB, 2 ** 50])(
    'a size of %i is stated in PAX, for our index and for tar-stream',
    async (size) => {
      const header = await fileHeader(name, size);
      expect(header).toHaveLength(3 * 512);
      expect(header.toString('latin1', 156, 157)).toBe('x');
      const end = Buffer.alloc(1024);
      const access = memoryAccess('a.tar', header);
      const whole = {
        ...access,
        size: header.length + size,
        read: (at: number, length: number) =>
          at < header.length ? access.read(at, length) : Promise.resolve(end.subarray(0, length)),
      };
      expect((await indexTar(whole)).entries).toMatchObject([{ name, offset: 1536, size }]);
      expect(await readByTarStream(header)).toEqual({ name, size });
    },
  );

  testWith('tar')('GNU tar lists what is written', async () => {
    const contents = Buffer.from('contents');
    const archive = Buffer.concat([
      await fileHeader(name, contents.length),
      contents,
      padding(contents.length),
      endOfArchive,
    ]);
    const listed = run('tar', ['-tv', '--utc', '--numeric-owner', '-f', '-'], archive).toString();
    expect(listed.replace(/ +/g, ' ')).toBe(`-r--r--r-- 0/0 8 1970-01-01 00:00 ${name}\n`);
  });
});

function readByTarStream(header: Buffer): Promise<{ name: string; size: number | undefined }> {
  return new Promise((resolve, reject) => {
    const reader = extract();
    reader.on('entry', (entry) => {
      resolve({ name: entry.name, size: entry.size });
    });
    reader.on('error', reject);
    reader.write(header);
  });
}

test.each([
  [0, 0],
  [1, 511],
  [511, 1],
  [512, 0],
  [513, 511],
])('after %i bytes come %i zeros', (size, zeros) => {
  expect(padding(size)).toEqual(Buffer.alloc(zeros));
});

test('an archive ends with two blocks of zeros', () => {
  expect(endOfArchive).toEqual(Buffer.alloc(1024));
});
