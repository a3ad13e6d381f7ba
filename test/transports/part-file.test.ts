import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bytesOf } from '../../src/primitives/bytes.js';
import { runClient } from '../../src/transports/engine/client.js';
import {
  appendPart,
  openPart,
  type PartFile,
  removePart,
  removeParts,
  withPart,
} from '../../src/transports/engine/part-file.js';
import { localMachine } from '../../src/transports/machine/local.js';
import { useTempFolder } from '../helpers/temp-folder.js';

const temp = useTempFolder();
const place = { machine: localMachine, label: 'a host', signal: new AbortController().signal };
const open = (owner: string): Promise<PartFile> =>
  openPart(place, { folder: temp('parts'), name: 'part-1', owner, bytes: 1000 });
let tmpdir: string | undefined;
beforeEach(() => {
  tmpdir = process.env['TMPDIR'];
});
afterEach(() => {
  process.env['TMPDIR'] = tmpdir;
  if (tmpdir === undefined) delete process.env['TMPDIR'];
});

describe('a file for a large layer', () => {
  test('takes bytes piece by piece, and gives them before what comes behind', async () => {
    const first = await open('me');
    expect(first).toMatchObject({ size: 0, owner: 'me' });
    await appendPart(place, first, bytesOf(Buffer.from('one ')));
    const second = await open('me');
    expect(second).toMatchObject({ size: 4, path: first.path });
    await appendPart(place, second, bytesOf(Buffer.from('two ')));
    const client = { machine: localMachine, command: [...withPart(second), 'cat'] };
    const input = bytesOf(Buffer.from('three'));
    expect((await runClient({ client, args: [], input, signal: place.signal })).stdout).toBe('one two three');
    await removePart(place, second.path);
    expect(readdirSync(path.dirname(second.path))).toEqual([]);
  });

  test('a try goes on with the file itself; only one that is still written to is copied', async () => {
    const first = await open('me');
    await appendPart(place, first, bytesOf(Buffer.from('some')));
    const { ino } = statSync(first.path);
    expect(await open('me')).toMatchObject({ size: 4 });
    expect(statSync(first.path).ino).toBe(ino);
    const stubborn = spawn('sh', ['-c', 'trap "" TERM; while :; do sleep 1; done'], { stdio: 'ignore' });
    writeFileSync(`${first.path}.owner`, `me ${String(stubborn.pid)}\n`);
    await sleep(300);
    try {
      expect(await open('me')).toMatchObject({ size: 4 });
      expect(statSync(first.path).ino).not.toBe(ino);
      expect(readFileSync(first.path, 'utf8')).toBe('some');
    } finally {
      stubborn.kill('SIGKILL');
    }
  }, 30_000);

  test('what another transfer has left is taken over, what it is writing is not', async () => {
    const left = await open('another');
    await appendPart(place, left, bytesOf(Buffer.from('left')));
    expect(await open('me')).toMatchObject({ size: 4, owner: 'me' });

    let end: () => void = () => undefined;
    const writing = appendPart(
      place,
      await open('me'),
      (async function* () {
        yield Buffer.from(' more');
        await new Promise<void>((resolve) => (end = resolve));
      })(),
    );
    await sleep(300);
    await expect(open('a third one')).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining('another transfer is sending it'),
    });
    process.env['TMPDIR'] = temp();
    const kept = removeParts(place, 'parts');
    expect(await kept).toEqual([]);
    end();
    await writing;
    expect(readFileSync(left.path, 'utf8')).toBe('left more');
    expect(await removeParts(place, 'parts')).toEqual([left.path]);
    expect(existsSync(path.dirname(left.path))).toBe(false);
  }, 30_000);

  test('what says who was at a file that is gone goes as well, unless a transfer is at it', async () => {
    const { path: file } = await open('me');
    const owner = `${file}.owner`;
    process.env['TMPDIR'] = temp();
    writeFileSync(owner, `me ${String(process.pid)}\n`);
    expect(await removeParts(place, 'parts')).toEqual([]);
    expect(existsSync(owner)).toBe(true);
    const ended = spawnSync('true');
    writeFileSync(owner, `me ${String(ended.pid)}\n`);
    expect(await removeParts(place, 'parts')).toEqual([]);
    expect(existsSync(path.dirname(file))).toBe(false);
  });

  test('a folder that is a link of somebody else is not used', async () => {
    mkdirSync(temp('elsewhere'));
    writeFileSync(temp('elsewhere', 'part-2'), 'precious');
    symlinkSync(temp('elsewhere'), temp(`parts-${String(process.getuid?.())}`));
    await expect(open('me')).rejects.toMatchObject({ message: expect.stringContaining('not a folder of this user') });
    process.env['TMPDIR'] = temp();
    expect(await removeParts(place, 'parts')).toEqual([]);
    expect(readFileSync(temp('elsewhere', 'part-2'), 'utf8')).toBe('precious');
  });
});
