import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { bytesOf } from '../../src/primitives/bytes.js';
import { idOf, ownId } from '../../src/primitives/process-id.js';
import { partOf, publishFile, removeStaleParts, replaceFile } from '../../src/primitives/publish.js';
import { faultOf } from '../codecs/helpers.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const read = (path: string): string => readFileSync(path, 'utf8');
const text = (...parts: string[]): AsyncGenerator<Uint8Array> => bytesOf(...parts.map((part) => Buffer.from(part)));

/** A process id that was in use a moment ago and is not any more. */
const deadPid = (): number => spawnSync(process.execPath, ['-e', '']).pid;

// eslint-disable-next-line @typescript-eslint/require-await
async function* breakingOff(seen: () => void): AsyncGenerator<Uint8Array> {
  yield Buffer.from('half of');
  seen();
  throw new Error('the source broke off');
}

describe('publishFile', () => {
  test('writes a new file and says how many bytes it has', async () => {
    expect(await publishFile(at('out'), text('a', 'bc'))).toBe(3);
    expect(read(at('out'))).toBe('abc');
    expect(readdirSync(at())).toEqual(['out']);
  });

  test('replaces an old file', async () => {
    put(at('out'), 'old');
    await publishFile(at('out'), text('new'));
    expect(read(at('out'))).toBe('new');
  });

  test('leaves the old file as it is while it writes, and when the stream breaks off; the part is removed', async () => {
    put(at('out'), 'old');
    let during: string[] = [];
    const work = publishFile(
      at('out'),
      breakingOff(() => (during = [...readdirSync(at()), read(at('out'))])),
    );
    await expect(work).rejects.toThrow('the source broke off');
    expect(during).toEqual(['out', `out.${ownId}.part`, 'old']);
    expect(readdirSync(at())).toEqual(['out']);
    expect(read(at('out'))).toBe('old');
  });

  test('leaves nothing when there was nothing', async () => {
    await expect(
      publishFile(
        at('out'),
        breakingOff(() => undefined),
      ),
    ).rejects.toThrow('broke off');
    expect(readdirSync(at())).toEqual([]);
  });

  test('removes the part of a process that is gone, and no other file', async () => {
    put(at(`out.${idOf(deadPid())}.part`), 'stale');
    put(at(`other.${idOf(1)}.part`), 'pid 1 lives, and writes another file');
    put(at('out.part'), 'not ours');
    await publishFile(at('out'), text('new'));
    expect(readdirSync(at()).sort()).toEqual([`other.${idOf(1)}.part`, 'out', 'out.part']);
  });

  test('is LOCKED while a living process writes the same path', async () => {
    put(at('out'), 'old');
    put(at(`out.${idOf(process.ppid)}.part`), 'in the making');
    const fault = await faultOf(publishFile(at('out'), text('new')));
    expect(fault).toMatchObject({ code: 'LOCKED', side: 'sink' });
    expect(fault?.message).toContain(`process ${String(process.ppid)}`);
    expect(read(at('out'))).toBe('old');
  });

  test.each([
    ['a folder that is not there', 'missing/out', 'NOT_FOUND', 'missing'],
    ['a folder in the place of the file', 'folder', 'USAGE', 'it is a folder'],
    ['a file in the place of a folder', 'file/out', 'NOT_FOUND', 'no folder'],
  ])('%s is a clear error', async (_, name, code, words) => {
    mkdirSync(at('folder'));
    put(at('file'), '');
    const fault = await faultOf(publishFile(at(name), text('new')));
    expect(fault).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(readdirSync(at()).sort()).toEqual(['file', 'folder']);
  });

  test('a device is never replaced by a file', async () => {
    const made = spawnSync('mkfifo', [at('pipe')]);
    if (made.status !== 0) return;
    expect(await faultOf(publishFile(at('pipe'), text('new')))).toMatchObject({ code: 'USAGE' });
    expect(readdirSync(at())).toEqual(['pipe']);
  });

  const onTinyDisk = canMount() ? test : (test.skip as typeof test);
  onTinyDisk('a full disk is DISK_FULL; the old file stays (skipped where no tmpfs can be mounted)', async () => {
    mkdirSync(at('disk'));
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', at('disk')]);
    try {
      put(at('disk/out'), 'old');
      const fault = await faultOf(publishFile(at('disk/out'), bytesOf(...Array<Buffer>(8).fill(Buffer.alloc(65_536)))));
      expect(fault).toMatchObject({ code: 'DISK_FULL', side: 'sink' });
      expect(fault?.message).toContain('disk/out');
      expect(readdirSync(at('disk'))).toEqual(['out']);
      expect(read(at('disk/out'))).toBe('old');
    } finally {
      spawnSync('umount', [at('disk')]);
    }
  });
});

describe('replaceFile', () => {
  test('does not look at the parts of others', async () => {
    put(at(`out.${idOf(process.ppid)}.part`), 'in the making');
    expect(await replaceFile(at('out'), text('new'))).toBe(3);
    expect(readdirSync(at()).sort()).toEqual(['out', `out.${idOf(process.ppid)}.part`]);
  });
});

test.each([
  ['a.tar.001.12-0123abcd.part', { target: 'a.tar.001', writer: '12-0123abcd' }],
  ['a.1-00000000.part.2-11111111.part', { target: 'a.1-00000000.part', writer: '2-11111111' }],
  ['a.tar.part', undefined],
  ['a.12-0123ABCD.part', undefined],
  ['a.12-0123abcd.part.001', undefined],
])('of the name of a part, %s: %j', (name, expected) => {
  expect(partOf(name)).toEqual(expected);
});

describe('removeStaleParts', () => {
  test('without a name, clears the parts of all files', async () => {
    for (const name of ['a', 'b.tar']) put(at(`${name}.${idOf(deadPid())}.part`), '');
    writeFileSync(at('keep.txt'), '');
    await removeStaleParts(at());
    expect(readdirSync(at())).toEqual(['keep.txt']);
  });

  test('does not take its own process id for another', async () => {
    put(at(`out.${ownId}.part`), 'left behind by an earlier process of the same id');
    await removeStaleParts(at(), 'out');
    expect(existsSync(at(`out.${ownId}.part`))).toBe(false);
  });
});

/** A writer in another container, or on another machine that has the drive: its process number says nothing here. */
const elsewhere = `${String(process.pid)}-00000000`;

describe('a part from elsewhere', () => {
  test('is LOCKED while somebody writes to it', async () => {
    put(at(`out.${elsewhere}.part`), 'in the making');
    expect(await faultOf(publishFile(at('out'), text('new')))).toMatchObject({ code: 'LOCKED' });
    expect(read(at(`out.${elsewhere}.part`))).toBe('in the making');
  });

  test('is removed when nobody has written to it for long', async () => {
    const part = put(at(`out.${elsewhere}.part`), 'left behind');
    const hourAgo = new Date(Date.now() - 3_600_000);
    utimesSync(part, hourAgo, hourAgo);
    await publishFile(at('out'), text('new'));
    expect(readdirSync(at())).toEqual(['out']);
  });
});

test('two at once in one process: the second is LOCKED, and the first is whole', async () => {
  let second: Promise<unknown> = Promise.resolve();
  const first = publishFile(
    at('out'),
    (async function* () {
      yield Buffer.from('one ');
      second = faultOf(publishFile(at('out'), text('two')));
      await second;
      yield Buffer.from('whole');
    })(),
  );
  await first;
  expect(await second).toMatchObject({ code: 'LOCKED' });
  expect(read(at('out'))).toBe('one whole');
});

test('a link stays a link: what it leads to is replaced', async () => {
  put(at('real'), 'old');
  symlinkSync('real', at('link'));
  await publishFile(at('link'), text('new'));
  expect(read(at('real'))).toBe('new');
  expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
});

function canMount(): boolean {
  const probe = spawnSync('sh', [
    '-c',
    'd=$(mktemp -d); mount -t tmpfs -o size=64k tmpfs "$d" && umount "$d"; s=$?; rmdir "$d"; exit $s',
  ]);
  return probe.status === 0 && basename(process.execPath) !== '';
}
