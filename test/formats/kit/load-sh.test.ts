import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { type KitFacts } from '../../../src/formats/kit/facts.js';
import { fingerprintOf } from '../../../src/model/fingerprint.js';
import { configBytes, type TestImage } from '../../helpers/image-archives.js';
import { addProgram, writeKit } from '../../helpers/kits.js';
import { hexSha256 } from '../../helpers/members.js';
import {
  app,
  base,
  bottom,
  containerd,
  diffIds,
  fake,
  faked,
  has,
  kit,
  load,
  name,
  old,
  podman,
  temp,
  tools,
  web,
  write,
} from './scene.js';

const short = (image: TestImage): string => hexSha256(configBytes(image)).slice(0, 12);

describe('loading', () => {
  test('a name that leads elsewhere: it is kept while the new image is looked at', async () => {
    const { lists } = await write([app, web]);
    fake({ names: old, after: has(app) + has(web) });
    const told = await load();
    expect([told.status, told.stderr]).toEqual([0, '']);
    expect(told.stdout.split('\n').slice(-4)).toEqual([
      `  app:1  ${short(app)}  name moved from ${'0'.repeat(12)} to ${short(app)}`,
      `  web:1  ${short(web)}  loaded`,
      'done: 2 of 2 images are there',
      '',
    ]);
    const kept = `docker.io/ferry-before/${fingerprintOf(lists).replaceAll(' ', '')}:0`;
    expect(faked('log')).toContain(`tag ${name('app:1')} ${kept}`);
    expect(faked('names')).toBe(has(app) + has(web));
    expect(readFileSync(temp('fake', 'loaded.1'))).toEqual(readFileSync(join(kit, 'release.tar')));
  });

  test('all there: nothing is loaded, and what a killed run left behind goes', async () => {
    const { lists } = await write([app]);
    fake({ names: has(app) + old.replace(name('app:1'), keptName(lists)) });
    const told = await load();
    expect([told.status, told.stdout]).toEqual([0, expect.stringContaining('loading: not needed')]);
    expect(told.stdout).toContain(`${short(app)}  was there already\n`);
    expect(existsSync(temp('fake', 'loads'))).toBe(false);
    expect(faked('names')).toBe(has(app));
  });

  test('an image that has a layer twice', async () => {
    const twice: TestImage = { ...app, layers: [...app.layers, bottom] };
    await write([twice]);
    fake({ after: has(twice) });
    const told = await load();
    expect([told.status, told.stderr]).toEqual([0, '']);
  });

  const keptName = (lists: KitFacts['lists']): string =>
    `docker.io/ferry-before/${fingerprintOf(lists).replaceAll(' ', '')}:0`;

  test.each([
    ['the engine fails', { status: '1', said: 'boom\n' }, /boom.*docker load failed/s],
    ['another image is there', { after: has(web, name('app:1')) }, /app:1 is not the image that the kit brings/],
    ['other layers are there', { after: has(app).replace(/,sha256:.*/, '') }, /app:1 is not the image/],
    ['Error unpacking', { said: 'Error unpacking image app:1: NotFound\n' }, /Error unpacking/],
  ])('%s: every name leads to what it led to', async (_, then, words) => {
    await write([app, web]);
    fake({ names: old, after: has(app) + has(web), ...then });
    const told = await load();
    expect([told.status, told.stderr]).toEqual([4, expect.stringMatching(words)]);
    expect(told.stderr).toContain('every name leads to what it led to before');
    expect(faked('names')).toBe(old);
  });

  test('a run after one that was killed puts back what was there before both', async () => {
    const { lists } = await write([app]);
    const kept = old.replace(name('app:1'), keptName(lists));
    fake({ names: kept, after: has(web, name('app:1')) });
    expect((await load()).status).toBe(4);
    expect(faked('names')).toBe(old);
  });

  test('an engine that is gone after the load: nothing is claimed', async () => {
    await write([app]);
    fake({ names: old, after: has(app), goes: '' });
    const told = await load();
    expect([told.status, told.stderr]).toEqual([4, expect.stringContaining('kept as docker.io/ferry-before/')]);
    expect(told.stderr).not.toContain('every name');
  });

  test('interrupted: the names are put back', async () => {
    await write([app]);
    fake({ names: old, after: has(app), slow: '' });
    const child = spawn(join(tools, 'sh'), [join(kit, 'load.sh')], {
      env: { PATH: tools, FAKE: temp('fake'), TMPDIR: temp() },
      detached: true,
      stdio: 'ignore',
    });
    const status = new Promise((resolve) => child.once('exit', resolve));
    while (!existsSync(temp('fake', 'log')) || !faked('names').includes(hexSha256(configBytes(app)))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    process.kill(-(child.pid ?? 0), 'SIGINT');
    expect(await status).toBe(130);
    expect(faked('names')).toBe(old);
  });
});

describe('engines', () => {
  test('none; none that answers', async () => {
    await write([app]);
    rmSync(temp('fake', 'version'));
    expect(await load()).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('docker does not answer: cannot'),
    });
    expect(await load('--engine', './nothing')).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('no such'),
    });
    rmSync(join(tools, 'docker'));
    expect(await load()).toMatchObject({ status: 4, stderr: expect.stringContaining('neither docker nor podman') });
  });

  test('Docker before 23 and no zstd: refused before anything else; with it, decompressed', async () => {
    await write([app], { bundle: 'release.tar.zst', format: 'tar.zst' });
    fake({ names: old, after: has(app) });
    expect(await load()).toMatchObject({ status: 7, stderr: expect.stringContaining('--format tar.gz') });
    expect(faked('log')).not.toContain('load');
    await writeKit(temp('plain'), [app]);
    const plain = temp('plain', 'release.tar');
    addProgram(tools, 'zstd', `#!/bin/sh\ncat >/dev/null\ncat '${plain}'\n`);
    expect((await load()).status).toBe(0);
    expect(readFileSync(temp('fake', 'loaded.1'))).toEqual(readFileSync(plain));
  });

  test('Podman gets no gzip: its version 4 misreads it around several images', async () => {
    await write([app, web], { bundle: 'release.tar.gz', format: 'tar.gz' });
    podman();
    fake({ after: has(app) + has(web) });
    expect((await load()).status).toBe(0);
    expect(readFileSync(temp('fake', 'loaded.1'))).toEqual(gunzipSync(readFileSync(join(kit, 'release.tar.gz'))));
  });

  test('a decompressor that fails is a load that failed', async () => {
    await write([app], { bundle: 'release.tar.zst', format: 'tar.zst' });
    addProgram(tools, 'zstd', '#!/bin/sh\ncat >/dev/null\nexit 1\n');
    fake({ names: old, after: has(app) });
    expect(await load()).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('decompressing the bundle failed'),
    });
    expect(faked('names')).toBe(old);
  });
});

describe('thin kits', () => {
  const thin = (): Promise<KitFacts> => write([app, web], { base: [base] });

  test('the base is not there: images, layers and base are named', async () => {
    await thin();
    const told = await load();
    expect(told.status).toBe(6);
    expect(told.stderr).toContain(`app:1 relies on layers that are not here: ${hexSha256(bottom).slice(0, 12)}`);
    expect(told.stderr).toMatch(/load the base [0-9a-f ]+ \(base:1\) first/);
    expect(faked('log')).not.toContain('load');
  });

  test('a graph driver that has the layer above another one lacks it', async () => {
    await thin();
    fake({ names: `x sha256:${'2'.repeat(64)} sha256:${'3'.repeat(64)},${diffIds(base)}\n` });
    expect(await load()).toMatchObject({ status: 6, stderr: expect.stringContaining('only in another order') });
  });

  test('Podman gets one archive an image, and needs space for it', async () => {
    await thin();
    podman();
    fake({ names: has(base), after: has(app) + has(web) });
    const told = await load();
    expect([told.status, told.stderr]).toEqual([0, '']);
    const members = (n: number): string[] =>
      execFileSync('tar', ['-tf', temp('fake', `loaded.${String(n)}`)], { encoding: 'utf8' })
        .trim()
        .split('\n');
    for (const n of [1, 2]) {
      // Manifest, config and the one layer that is not left out.
      expect(members(n)).toHaveLength(3 + 3);
      expect(members(n)).toEqual(expect.arrayContaining(['index.json', 'manifest.json', 'oci-layout']));
    }
    rmSync(join(tools, 'df'));
    addProgram(tools, 'df', '#!/bin/sh\necho "/dev/x 1 1 0 100% /tmp"\n');
    fake({ names: has(base) });
    expect(await load()).toMatchObject({ status: 7, stderr: expect.stringContaining('set TMPDIR') });
    rmSync(join(tools, 'tar'));
    expect(await load()).toMatchObject({ status: 7, stderr: expect.stringContaining('lacks: tar') });
  });

  test('a containerd store is asked to be strict where its client knows how', async () => {
    const { images } = await thin();
    containerd();
    const stored = [app, web].map(
      (image, i) => `${image.tags?.[0] ?? ''} ${images[i]!.root.blob.digest} ${diffIds(image)}\n`,
    );
    fake({ names: has(base), after: stored.join(''), help: '--platform string\n' });
    expect((await load()).status).toBe(0);
    expect(faked('log')).toContain('load -q --platform linux/amd64');
    containerd('1.45');
    const told = await load();
    expect([told.status, told.stdout]).toEqual([0, expect.stringContaining('was there already, not proven')]);
  });
});
