import { describe, expect, test } from '@jest/globals';
import { TransferError } from '../../../src/primitives/errors.js';
import { type FileTree } from '../../../src/formats/tree/file-tree.js';
import { tarTree } from '../../../src/formats/tree/tar-tree.js';
import { memoryAccess } from '../../../src/primitives/random-access.js';
import { collect, faultOf } from '../../codecs/helpers.js';
import { endOfTar, rawFile, rawHeader } from '../../helpers/raw-tar.js';

const treeOf = (...parts: Buffer[]): Promise<FileTree> =>
  tarTree(memoryAccess('a.tar', Buffer.concat([...parts, endOfTar])));
const soft = (name: string, link: string): Buffer => rawHeader({ name, flag: '2', link });
const hard = (name: string, link: string): Buffer => rawHeader({ name, flag: '1', link });
const read = async (tree: FileTree, name: string): Promise<string> => (await collect(tree.open(name))).toString();
const later = <T>(work: () => T | Promise<T>): Promise<T> => Promise.resolve().then(work);

describe('a tar as a tree', () => {
  test('has its files by their clean names, in order', async () => {
    const tree = await treeOf(rawFile('./b', 'B'), rawFile('a//c', 'C'), rawHeader({ name: 'folder/', flag: '5' }));
    expect([...tree.names()]).toEqual(['b', 'a/c']);
    expect([tree.size('b'), tree.size('a/c'), tree.size('folder'), tree.size('none')]).toEqual([
      1,
      1,
      undefined,
      undefined,
    ]);
    expect(await read(tree, 'a/c')).toBe('C');
  });

  test('a member that is not there is BLOB_MISSING, naming it', async () => {
    const tree = await treeOf();
    expect(await faultOf(later(() => read(tree, 'manifest.json')))).toMatchObject({
      code: 'BLOB_MISSING',
      message: 'a.tar: no member manifest.json',
    });
  });

  test('closing closes the file', async () => {
    let closed = false;
    const access = memoryAccess('a.tar', endOfTar);
    await (await tarTree({ ...access, close: () => Promise.resolve(void (closed = true)) })).close();
    expect(closed).toBe(true);
  });
});

describe('repeated members', () => {
  test('the same twice is one', async () => {
    const tree = await treeOf(rawFile('a', 'x'), rawFile('./a', 'x'), soft('l', 'a'), soft('l', 'a'));
    expect([...tree.names()]).toEqual(['a', 'l']);
  });

  test.each<[string, Buffer, Buffer]>([
    ['other contents', rawFile('a', 'x'), rawFile('a', 'y')],
    ['another size', rawFile('a', 'x'), rawFile('a', 'xx')],
    ['another type', rawFile('a', ''), soft('a', 'b')],
    ['another target', soft('a', 'b'), soft('a', 'c')],
    ['another way to write the name', rawFile('a', 'x'), rawFile('./a', 'y')],
  ])('%s is refused, naming the member', async (_, first, second) => {
    expect(await faultOf(treeOf(first, second))).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: 'a.tar: member a is there twice, and differs',
    });
  });
});

describe('links', () => {
  test.each<[string, Buffer[]]>([
    ['a symlink', [rawFile('b/x', 'X'), soft('a/l', '../b/x')]],
    ['a symlink before its target', [soft('a/l', '../b/x'), rawFile('b/x', 'X')]],
    ['a symlink to a neighbour', [soft('a/l', 'x'), rawFile('a/x', 'X')]],
    ['a hard link', [rawFile('b/x', 'X'), hard('a/l', 'b/x')]],
    ['a hard link with ./', [rawFile('./b/x', 'X'), hard('./a/l', './b/x')]],
    ['a chain', [soft('a/l', 'm'), soft('a/m', '../n'), hard('n', 'o/p'), rawFile('o/p', 'X')]],
  ])('%s is followed', async (_, parts) => {
    const tree = await treeOf(...parts);
    expect(tree.size('a/l')).toBe(1);
    expect(await read(tree, 'a/l')).toBe('X');
  });

  test('a link to nothing is a file that is not there', async () => {
    const tree = await treeOf(soft('a', 'nothing'));
    expect(tree.size('a')).toBeUndefined();
    expect(await faultOf(later(() => read(tree, 'a')))).toMatchObject({ code: 'BLOB_MISSING' });
  });

  const chain = (steps: number): Buffer[] => [
    ...Array.from({ length: steps }, (_, i) => soft(`l${String(i)}`, i + 1 === steps ? 'x' : `l${String(i + 1)}`)),
    rawFile('x', 'X'),
  ];

  test.each([
    ['a link to itself', [soft('l0', 'l0')]],
    ['a loop of two', [soft('l0', 'b'), soft('b', 'l0')]],
    ['a loop of hard links', [hard('l0', 'b'), hard('b', 'l0')]],
    ['a chain of more than eight', chain(9)],
  ])('%s is refused, naming the member', async (_, parts) => {
    const tree = await treeOf(...parts);
    expect(await faultOf(later(() => tree.size('l0')))).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: 'a.tar: member l0 is a link that leads nowhere',
    });
  });

  test('a chain of eight is followed', async () => {
    expect((await treeOf(...chain(8))).size('l0')).toBe(1);
  });

  test.each([
    ['soft', '../x'],
    ['soft', '/etc/passwd'],
    ['soft', 'b/../../../x'],
    ['hard', '../x'],
    ['hard', '/etc/passwd'],
  ])('a %s link to %s is refused, naming both', async (kind, target) => {
    const tree = await treeOf(kind === 'soft' ? soft('l', target) : hard('l', target));
    const fault = await faultOf(later(() => tree.size('l')));
    expect(fault).toMatchObject({ code: 'BAD_ARCHIVE', message: expect.stringContaining(`link l to ${target}`) });
    expect(fault?.message).toContain('lies outside of the archive');
  });
});

describe('audit', () => {
  const audit = async (bytes: Buffer, change = {}): Promise<string[]> => {
    const tree = await tarTree({ ...memoryAccess('a.tar', bytes), ...change });
    const found: string[] = [];
    for await (const { code, message } of tree.audit(new Set())) found.push(`${code} ${message}`);
    return found;
  };

  test.each([0, 1024, 10_240, 3_000_000])('%i zeros at the end are no fault', async (zeros) => {
    expect(await audit(Buffer.concat([rawFile('a', 'x'), Buffer.alloc(zeros)]))).toEqual([]);
  });

  test.each([512, 1024, 2_000_000])('garbage after %i zeros is found', async (zeros) => {
    const bytes = Buffer.concat([rawFile('a', 'x'), Buffer.alloc(zeros), Buffer.from('garbage'), Buffer.alloc(99)]);
    expect(await audit(bytes)).toEqual([
      `BAD_ARCHIVE a.tar: expected nothing after the end of the archive, found data at byte ${String(1024 + zeros)}`,
    ]);
  });

  test('a second archive after the first is found', async () => {
    const one = Buffer.concat([rawFile('a', 'x'), endOfTar]);
    expect(await audit(Buffer.concat([one, one]))).toHaveLength(1);
  });

  test('what lies below adds its own faults', async () => {
    const below = {
      // eslint-disable-next-line @typescript-eslint/require-await
      auditUntouched: async function* () {
        yield new TransferError('BAD_ARCHIVE', 'frame 7');
      },
    };
    expect(await audit(endOfTar, below)).toEqual(['BAD_ARCHIVE frame 7']);
  });
});
