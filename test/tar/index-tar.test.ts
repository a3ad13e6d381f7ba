import { describe, expect, jest, test } from '@jest/globals';
import { limits } from '../../src/primitives/limits.js';
import { memoryAccess, type RandomAccess } from '../../src/primitives/random-access.js';
import { cleanName, indexTar, padded, type TarEntry } from '../../src/tar/index-tar.js';
import { faultOf } from '../codecs/helpers.js';
import { blocks, endOfTar, pax, rawFile, rawHeader } from '../helpers/raw-tar.js';

const tar = (...parts: Buffer[]): RandomAccess => memoryAccess('a.tar', Buffer.concat(parts));
const index = async (...parts: Buffer[]): Promise<readonly TarEntry[]> => (await indexTar(tar(...parts))).entries;
const gnuLong = (flag: 'L' | 'K', name: string): Buffer => rawFile('././@LongLink', `${name}\0`, { flag });
const long = `${'folder/'.repeat(40)}layer.tar`;

describe('members', () => {
  test('files lie where the index says', async () => {
    const access = tar(
      rawFile('a', 'first'),
      rawFile('b', 'x'.repeat(600)),
      rawFile('c', ''),
      rawFile('d', 'last'),
      endOfTar,
    );
    const { entries, end } = await indexTar(access);
    const found = await Promise.all(
      entries.map(async ({ name, offset, size }) => [name, (await access.read(offset, size)).toString().slice(0, 5)]),
    );
    expect(found).toEqual([
      ['a', 'first'],
      ['b', 'xxxxx'],
      ['c', ''],
      ['d', 'last'],
    ]);
    expect(end).toBe(access.size - endOfTar.length);
  });

  test('folders, devices and members of unknown types are left out, their contents skipped', async () => {
    const entries = await index(
      rawHeader({ name: 'folder/', flag: '5' }),
      rawHeader({ name: 'null', flag: '3' }),
      rawHeader({ name: 'sda', flag: '4' }),
      rawHeader({ name: 'pipe', flag: '6' }),
      rawFile('volume', 'a label', { flag: 'V' }),
      rawFile('file', 'x'),
      endOfTar,
    );
    expect(entries.map(({ name }) => name)).toEqual(['file']);
  });

  test('links carry their target and have no content, whatever size their header states', async () => {
    const entries = await index(
      rawHeader({ name: 'soft', flag: '2', link: '../x', size: 4096 }),
      rawHeader({ name: 'hard', flag: '1', link: 'x', size: 4096 }),
      rawFile('x', 'y'),
      endOfTar,
    );
    expect(entries).toMatchObject([
      { name: 'soft', type: 'symlink', linkName: '../x', size: 0 },
      { name: 'hard', type: 'hardlink', linkName: 'x', size: 0 },
      { name: 'x', type: 'file', linkName: '', size: 1 },
    ]);
  });

  test.each([
    ['no end-of-archive', Buffer.alloc(0)],
    ['one block of zeros', Buffer.alloc(512)],
    ['many blocks of zeros', Buffer.alloc(10_240)],
  ])('an archive with %s is whole', async (_, end) => {
    expect(await index(rawFile('a', 'x'), end)).toHaveLength(1);
  });

  test('what follows a block of zeros is not looked at', async () => {
    expect(await index(rawFile('a', 'x'), Buffer.alloc(512), rawFile('b', 'y'))).toHaveLength(1);
  });

  test('the last content needs no padding', async () => {
    expect(await index(rawFile('a', 'abc').subarray(0, 515))).toMatchObject([{ name: 'a', size: 3 }]);
  });

  test.each([[[]], [[Buffer.alloc(1024)]]])('an archive without members is empty', async (parts) => {
    expect(await index(...parts)).toEqual([]);
  });
});

describe('extension headers', () => {
  test.each<[string, Buffer[], Partial<TarEntry>]>([
    ['PAX path', [pax({ path: long }), rawFile('short', 'x')], { name: long, size: 1 }],
    ['PAX linkpath', [pax({ linkpath: long }), rawHeader({ name: 'l', flag: '2' })], { linkName: long }],
    ['PAX size', [pax({ size: '3' }), rawHeader({ name: 'f' }), blocks('abc')], { name: 'f', size: 3 }],
    ['PAX keys of no interest', [pax({ mtime: '1.5', 'SCHILY.xattr.a': 'b=c' }), rawFile('f', 'x')], { name: 'f' }],
    ['PAX name in UTF-8', [pax({ path: 'größe/日本' }), rawFile('f', 'x')], { name: 'größe/日本' }],
    ['GNU long name', [gnuLong('L', long), rawFile('short', 'x')], { name: long }],
    ['GNU long link', [gnuLong('K', long), rawHeader({ name: 'l', flag: '2' })], { name: 'l', linkName: long }],
    [
      'GNU long name and link',
      [gnuLong('K', 'to'), gnuLong('L', long), rawHeader({ name: 'l', flag: '2' })],
      { name: long, linkName: 'to' },
    ],
    ['a name without its NUL', [rawFile('././@LongLink', long, { flag: 'L' }), rawFile('s', 'x')], { name: long }],
    ['a global header', [pax({ comment: 'a commit', path: 'all-of-them' }, 'g'), rawFile('f', 'x')], { name: 'f' }],
  ])('%s', async (_, parts, entry) => {
    expect(await index(...parts, endOfTar)).toMatchObject([entry]);
  });

  test('hold for one member only', async () => {
    const entries = await index(pax({ path: 'renamed' }), rawFile('a', ''), rawFile('b', ''), endOfTar);
    expect(entries.map(({ name }) => name)).toEqual(['renamed', 'b']);
  });

  test.each([
    ['no length', 'path=x\n'],
    ['a length over the end', '99 path=x\n'],
    ['a length of zero', '0 path=x\n'],
    ['a length that cuts the record', '5 path=x\n'],
    ['no line end', '9 path=xy'],
    ['an absurd length', `${'9'.repeat(30)} path=x\n`],
    ['a negative length', '-9 path=x\n'],
  ])('a PAX record with %s is refused', async (_, record) => {
    const fault = await faultOf(index(rawFile('PaxHeaders/x', record, { flag: 'x' }), rawFile('f', ''), endOfTar));
    expect(fault).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: expect.stringContaining('a.tar: extension header at byte 0'),
    });
  });

  test.each(['-1', '1e3', '0x10', '', ' 5', '9007199254740993', '99999999999999999999999999'])(
    'a PAX size of "%s" is refused',
    async (size) => {
      const fault = await faultOf(index(pax({ size }), rawFile('f', ''), endOfTar));
      expect(fault).toMatchObject({
        code: 'BAD_ARCHIVE',
        message: expect.stringContaining('expected a size in bytes'),
      });
    },
  );

  test('a name with a NUL in it is refused: readers would disagree on it', async () => {
    expect(await faultOf(index(pax({ path: 'manifest.json\0.txt' }), rawFile('f', '')))).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: expect.stringContaining('manifest.json\\x00.txt'),
    });
  });
});

describe('budgets', () => {
  test.each<[string, Buffer]>([
    ['PAX path', pax({ path: 'n'.repeat(limits.nameBytes + 1) })],
    ['PAX linkpath', pax({ linkpath: 'n'.repeat(limits.nameBytes + 1) })],
    ['GNU name', gnuLong('L', 'n'.repeat(limits.nameBytes + 1))],
  ])('a %s over the budget is LIMIT', async (_, extension) => {
    const fault = await faultOf(index(extension, rawFile('f', ''), endOfTar));
    expect(fault).toMatchObject({ code: 'LIMIT', hint: expect.stringContaining(String(limits.nameBytes)) });
  });

  test('a name of the whole budget is read', async () => {
    expect(await index(pax({ path: 'n'.repeat(limits.nameBytes) }), rawFile('f', ''))).toHaveLength(1);
  });

  test('an extension header over the budget is LIMIT, and is not read', async () => {
    const reads: number[] = [];
    const access = tar(rawHeader({ name: 'x', flag: 'x', size: limits.tarMetadataBytes + 1 }), endOfTar);
    const spied = { ...access, read: (at: number, length: number) => (reads.push(length), access.read(at, length)) };
    expect(await faultOf(indexTar(spied))).toMatchObject({ code: 'LIMIT' });
    expect(reads).toEqual([512]);
  });

  test('a member more than the budget is LIMIT', async () => {
    jest.unstable_mockModule('../../src/primitives/limits.js', () => ({ limits: { ...limits, tarEntries: 10 } }));
    jest.resetModules();
    const { indexTar: indexWithLowLimit } = await import('../../src/tar/index-tar.js');
    const members = (count: number): RandomAccess => tar(...Array<Buffer>(count).fill(rawHeader({ name: 'x' })));
    expect((await indexWithLowLimit(members(10))).entries).toHaveLength(10);
    expect(await faultOf(indexWithLowLimit(members(11)))).toMatchObject({
      code: 'LIMIT',
      message: 'a.tar: more than 10 members',
    });
  });
});

describe('damage', () => {
  test.each<[string, Buffer[], string]>([
    [
      'a content that is cut short',
      [rawFile('layer.tar', 'x'.repeat(2000)).subarray(0, 1000)],
      'member layer.tar should end at byte 2512, but the archive ends at byte 1000',
    ],
    [
      'a size beyond the end',
      [rawHeader({ name: 'layer.tar', size: 99_999 }), endOfTar],
      'member layer.tar should end at',
    ],
    [
      'a header that is cut short',
      [rawFile('a', 'x'), rawHeader({ name: 'b' }).subarray(0, 300)],
      'a header should end at byte 1536, but the archive ends at byte 1324',
    ],
    ['an extension that is cut short', [pax({ path: long }).subarray(0, 600)], 'an extension header should end at'],
    ['an extension without its member', [pax({ path: long })], 'the member of the last extension header'],
    [
      'an extension before the end of the archive',
      [pax({ path: long }), endOfTar],
      'the member of the last extension header',
    ],
    ['no header where one should be', [rawFile('a', 'x'), Buffer.alloc(512, 'garbage')], 'at byte 1024: '],
    ['a sparse file of GNU tar', [rawHeader({ name: 'big.img', flag: 'S' })], 'big.img is a sparse file'],
    [
      'a sparse file in PAX form',
      [pax({ 'GNU.sparse.major': '1', 'GNU.sparse.name': 'big.img' }), rawFile('big.img', 'map')],
      'big.img is a sparse file',
    ],
    ['a volume of a set', [rawHeader({ name: 'rest', flag: 'M' })], 'rest is a sparse file or part of a volume set'],
  ])('%s is refused', async (_, parts, words) => {
    const fault = await faultOf(index(...parts));
    expect(fault).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: expect.stringContaining(words),
      hint: expect.any(String),
    });
    expect(fault?.message).toContain('a.tar');
  });

  test.each(['/etc/passwd', '../x', 'a/../../x', 'a/..', '..', 'a/../b', '//x', './../x'])(
    'a member called %s is refused',
    async (name) => {
      for (const flag of ['0', '2', '5']) {
        const fault = await faultOf(index(rawHeader({ name, flag }), endOfTar));
        expect(fault).toMatchObject({
          code: 'BAD_ARCHIVE',
          message: `a.tar: member ${name} lies outside of the archive`,
        });
      }
    },
  );

  test('so is one whose long name says so', async () => {
    const fault = await faultOf(
      index(pax({ path: '../../root/.ssh/authorized_keys' }), rawFile('harmless', ''), endOfTar),
    );
    expect(fault?.message).toContain('member ../../root/.ssh/authorized_keys');
  });
});

test.each([
  ['a/b', 'a/b'],
  ['./a/b', 'a/b'],
  ['.//a//b/', 'a/b'],
  ['a/./b/.', 'a/b'],
  ['./', ''],
  ['..a/b..', '..a/b..'],
  ['...', '...'],
])('the clean form of %s is %s', (raw, clean) => {
  expect(cleanName(raw, 'a.tar')).toBe(clean);
});

test.each([
  [0, 0],
  [1, 512],
  [512, 512],
  [513, 1024],
  [2 ** 40, 2 ** 40],
])('%i bytes take %i', (size, space) => {
  expect(padded(size)).toBe(space);
});
