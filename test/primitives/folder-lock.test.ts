import { describe, expect, test } from '@jest/globals';
import { execFile, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withFolderLock } from '../../src/primitives/folder-lock.js';
import { idOf, ownId } from '../../src/primitives/process-id.js';
import { compile } from '../cli/program.js';
import { faultOf } from '../codecs/helpers.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const deadPid = (): number => spawnSync(process.execPath, ['-e', '']).pid;

describe('withFolderLock', () => {
  test('holds a lock with its process id while it works, and gives the result', async () => {
    const held = await withFolderLock(at(), () => Promise.resolve(readFileSync(at('.ferry.lock'), 'utf8')));
    expect(held).toBe(`${ownId}\n`);
    expect(readdirSync(at())).toEqual([]);
  });

  test('lets go when the work fails', async () => {
    await expect(withFolderLock(at(), () => Promise.reject(new Error('work failed')))).rejects.toThrow('work failed');
    expect(readdirSync(at())).toEqual([]);
  });

  test.each([
    ['of a process that is gone', () => idOf(deadPid())],
    ['with nothing in it', () => ''],
    ['with no number in it', () => 'somebody'],
    ['of an earlier process with the same id', () => ownId],
  ])('takes over a lock %s', async (_, contents) => {
    put(at('.ferry.lock'), contents());
    expect(await withFolderLock(at(), () => Promise.resolve('done'))).toBe('done');
  });

  test('is refused while a living process holds it, naming it and the file, and leaves the lock', async () => {
    put(at('.ferry.lock'), `${idOf(process.ppid)}\n`);
    let worked = false;
    const fault = await faultOf(withFolderLock(at(), () => Promise.resolve((worked = true))));
    expect(fault).toMatchObject({ code: 'LOCKED', side: 'sink' });
    expect(fault?.message).toContain(`.ferry.lock: process ${String(process.ppid)}`);
    expect(worked).toBe(false);
    expect(readdirSync(at())).toEqual(['.ferry.lock']);
  });

  test('is refused to a second one in the same process, and to one elsewhere', async () => {
    const inside = withFolderLock(at(), () => faultOf(withFolderLock(at(), () => Promise.resolve())));
    expect(await inside).toMatchObject({ code: 'LOCKED' });
    put(at('.ferry.lock'), '1-00000000\n');
    expect(await faultOf(withFolderLock(at(), () => Promise.resolve()))).toMatchObject({ code: 'LOCKED' });
  });

  test('a stale lock goes to one of many that want it at once', async () => {
    put(at('.ferry.lock'), idOf(deadPid()));
    const program = `
      const { withFolderLock } = await import(process.argv[2] + '/primitives/folder-lock.js');
      const done = await withFolderLock(process.argv[1], () => new Promise((r) => setTimeout(r, 1500, 'worked')))
        .catch((error) => error.code);
      process.stdout.write(done);`;
    compile(fileURLToPath(new URL('../../src/primitives', import.meta.url)), at('dist/primitives'));
    put(at('dist/package.json'), '{"type":"module"}');
    const run = promisify(execFile);
    const tries = Array.from({ length: 5 }, () =>
      run(process.execPath, ['--input-type=module', '-e', program, at(), at('dist')]),
    );
    const results = (await Promise.all(tries)).map(({ stdout }) => stdout).sort();
    expect(results).toEqual(['LOCKED', 'LOCKED', 'LOCKED', 'LOCKED', 'worked']);
    expect(readdirSync(at()).sort()).toEqual(['dist']);
  });

  test('a lock that another has got meanwhile is not removed', async () => {
    await withFolderLock(at(), () => Promise.resolve(put(at('.ferry.lock'), idOf(process.ppid))));
    expect(readFileSync(at('.ferry.lock'), 'utf8')).toBe(idOf(process.ppid));
  });

  test('a folder that is not there is NOT_FOUND', async () => {
    expect(await faultOf(withFolderLock(at('missing'), () => Promise.resolve()))).toMatchObject({ code: 'NOT_FOUND' });
  });
});
