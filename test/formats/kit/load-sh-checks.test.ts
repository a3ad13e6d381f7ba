import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { fingerprintOf } from '../../../src/model/fingerprint.js';
import { addProgram, programPath, runKit, type Told, writeKit } from '../../helpers/kits.js';
import { hexSha256 } from '../../helpers/members.js';
import { app, fake, faked, has, kit, load, name, old, temp, tools, web, write } from './scene.js';

describe('checking', () => {
  test('volumes: missing and damaged ones are named, all of them', async () => {
    await write([app], { volumes: 4 });
    rmSync(join(kit, 'release.tar.002'));
    writeFileSync(join(kit, 'release.tar.004'), 'x');
    const told = await load();
    expect(told.status).toBe(3);
    expect(told.stderr).toContain('volume 2 of 4 (release.tar.002) is missing');
    expect(told.stderr).toContain('volume 4 of 4 (release.tar.004) is damaged');
    expect(existsSync(temp('fake', 'loads'))).toBe(false);
  });

  test.each([
    ['SHA256SUMS', 'SHA256SUMS is missing'],
    ['kit.txt', 'kit.txt is missing'],
    ['README.txt', 'README.txt is missing'],
  ])('without %s', async (file, words) => {
    await write([app]);
    rmSync(join(kit, file));
    expect(await load()).toMatchObject({ status: 3, stderr: expect.stringContaining(words) });
  });

  test('a bundle that the checksums do not cover', async () => {
    await write([app]);
    const sums = readFileSync(join(kit, 'SHA256SUMS'), 'utf8');
    writeFileSync(join(kit, 'SHA256SUMS'), sums.replace(/.*release\.tar\n/, ''));
    expect(await load()).toMatchObject({ status: 3, stderr: expect.stringContaining('is not in SHA256SUMS') });
  });

  test.each([
    ['kit.txt', /^image 0 /m, 'image 0.*/touch;pwned/e;s/x '],
    ['kit.txt', /^(image 0 [^ ]+ [^ ]+ )/m, '$1--format='],
    ['kit.txt', /^file .*/m, 'file ../../etc/passwd'],
    ['kit.txt', /^bundle /m, 'bundle \u001b[2J'],
    ['parts.txt', /^blobs 0 /m, 'blobs 0 --checkpoint-action=exec=true '],
  ])('a line in %s that ferry does not write, %s', async (file, found, instead) => {
    await write([app, web]);
    const text = readFileSync(join(kit, file), 'utf8').replace(found, instead);
    writeFileSync(join(kit, file), text);
    const sums = readFileSync(join(kit, 'SHA256SUMS'), 'utf8').split('\n');
    const others = sums.filter((line) => !line.endsWith(`  ${file}`)).join('\n');
    writeFileSync(join(kit, 'SHA256SUMS'), `${hexSha256(text)}  ${file}\n${others}`);
    expect(await load()).toMatchObject({ status: 3, stderr: expect.stringContaining('ferry did not write it') });
  });

  test('a temporary folder without room', async () => {
    await write([app]);
    rmSync(join(tools, 'cat'));
    const cat = programPath('cat');
    addProgram(tools, 'cat', `#!/bin/sh\ncase $1 in */load.sh) echo full >&2; exit 1 ;; esac\nexec '${cat}' "$@"\n`);
    expect(await load()).toMatchObject({ status: 7, stderr: expect.stringContaining('no space in') });
  });

  test('--check computes the fingerprint, from any folder and by any means', async () => {
    const { lists } = await write([app], { format: 'tar.gz', volumes: 2 });
    const words = `fingerprint: ${fingerprintOf(lists)}, computed from the bundle`;
    const check = (): Promise<Told> => runKit(kit, tools, ['--check'], { cwd: '/' });
    expect(await check()).toMatchObject({ status: 0, stdout: expect.stringContaining(words) });
    rmSync(join(tools, 'sha256sum'));
    const line = `echo "SHA2-256(stdin)= $('${programPath('sha256sum')}' | cut -c1-64)"`;
    addProgram(tools, 'openssl', `#!/bin/sh\n${line}\n`);
    expect(await check()).toMatchObject({ status: 0, stdout: expect.stringContaining(words) });
    rmSync(join(tools, 'openssl'));
    expect(await check()).toMatchObject({ status: 7, stderr: expect.stringContaining('can compute a sha256') });
  });

  test('a bundle whose lists are others', async () => {
    await write([app]);
    const other = temp('other');
    await writeKit(other, [web]);
    cpSync(join(other, 'release.tar'), join(kit, 'release.tar'));
    const sums = readFileSync(join(kit, 'SHA256SUMS'), 'utf8');
    const sum = hexSha256(readFileSync(join(kit, 'release.tar')));
    writeFileSync(join(kit, 'SHA256SUMS'), sums.replace(/.*release\.tar\n/, `${sum}  release.tar\n`));
    expect(await load('--check')).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('the lists in the bundle'),
    });
  });
});

describe('signatures', () => {
  const key = (file: string): string => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', temp(file)]);
    return readFileSync(temp(`${file}.pub`), 'utf8').trim();
  };
  const check = (line: string, ...args: string[]): Promise<Told> => {
    writeFileSync(temp('signers'), `${line}\n`);
    return runKit(kit, tools, ['--check', '--allowed-signers', 'signers', ...args], { cwd: temp() });
  };

  test('good, unsigned, wrong key, expired, wrong purpose, changed: each its own sentence', async () => {
    await write([app]);
    addProgram(tools, 'ssh-keygen', `#!/bin/sh\nexec '${programPath('ssh-keygen')}' "$@"\n`);
    const [own, other] = [key('own'), key('other')];
    expect(await check(`me ${own}`)).toMatchObject({ status: 3, stderr: expect.stringContaining('unsigned') });
    execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', temp('own'), '-n', 'image-ferry', join(kit, 'SHA256SUMS')], {
      stdio: 'ignore',
    });
    expect(await load('--check')).toMatchObject({ status: 0, stdout: expect.stringContaining('nobody has checked') });
    expect(await check(`me ${own}`)).toMatchObject({ status: 0, stdout: expect.stringContaining('good, by me') });
    const refusals = [
      [`me ${other}`, 'not allowed'],
      [own, 'not allowed'],
      [`me valid-before="20200101" ${own}`, 'expired'],
      [`me namespaces="git" ${own}`, 'wrong purpose'],
    ] as const;
    for (const [line, words] of refusals)
      expect(await check(line)).toMatchObject({ status: 3, stderr: expect.stringContaining(`load.sh: ${words}`) });
    const asOther = await check(`me ${own}`, '--identity', 'you');
    expect(asOther).toMatchObject({ status: 3, stderr: expect.stringMatching(/SHA256:[^ ]*, for you; /) });
    expect((await check(own)).stderr).toContain('a public key alone: put a name before it');
    const { fingerprint } = /(?<fingerprint>SHA256:[^ ]+)/.exec(
      execFileSync('ssh-keygen', ['-lf', temp('own.pub')], { encoding: 'utf8' }),
    )!.groups!;
    expect((await check(`me ${other}`)).stderr).toContain(`, ${fingerprint!}; its lines read`);
    const signature = readFileSync(join(kit, 'SHA256SUMS.sig'));
    writeFileSync(join(kit, 'SHA256SUMS.sig'), 'junk');
    expect(await check(`me ${own}`)).toMatchObject({ status: 3, stderr: expect.stringContaining('cannot be read') });
    writeFileSync(join(kit, 'SHA256SUMS.sig'), signature);
    // Both the list and what it lists, as someone would who wants it to pass.
    writeFileSync(join(kit, 'SHA256SUMS'), `${readFileSync(join(kit, 'SHA256SUMS'), 'utf8')}\n`.replace('\n\n', '\n'));
    expect((await check(`me ${own}`)).status).toBe(0);
    writeFileSync(join(kit, 'README.txt'), 'changed');
    const sums = readFileSync(join(kit, 'SHA256SUMS'), 'utf8');
    writeFileSync(join(kit, 'SHA256SUMS'), sums.replace(/.*README/, `${hexSha256('changed')}  README`));
    expect(await check(`me ${own}`)).toMatchObject({ status: 3, stderr: expect.stringContaining('load.sh: changed') });
  });
});

describe('words', () => {
  test('--only takes short names, full ones and patterns; others are no names', async () => {
    await write([app, web]);
    fake({ after: has(web) });
    for (const only of ['web:1', 'web', name('web:1'), name('web'), 'w*']) {
      fake({ names: old });
      expect(await load('--only', only)).toMatchObject({ status: 0, stdout: expect.stringContaining('done: 1 of 2') });
      expect(faked('names')).toBe(has(web) + old);
    }
    expect(await load('--only', 'x')).toMatchObject({
      status: 5,
      stderr: expect.stringContaining('--only x: no such'),
    });
  });

  test('usage', async () => {
    await write([app]);
    expect(await load('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('Usage: sh load.sh') });
    expect(await load('--what')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--what: no such option'),
    });
    expect(await load('--only')).toMatchObject({ status: 2, stderr: expect.stringContaining('a value is missing') });
    expect(await load('--allowed-signers', 'nowhere')).toMatchObject({
      status: 7,
      stderr: expect.stringContaining('ssh-keygen'),
    });
  });
});
