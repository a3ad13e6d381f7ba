import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type ListResult, type LoadResult, type PackResult } from '../../src/index.js';
import { configBytes, dockerArchive, type TestImage } from '../helpers/image-archives.js';
import { hexSha256, layerTar, tarOf } from '../helpers/members.js';
import { ferry, ferryJson, program } from './cli.js';
import { client, type EngineName, engineNames, envOf, labDir, must, save, up, wipe } from './lab.js';

jest.setTimeout(600_000);

/** Part of every name here, so that nothing else in an engine is touched. */
const mark = `fe${String(process.pid)}`;
const name = (text: string): string => `docker.io/${mark}/${text}`;

let folder: string;
let images: readonly TestImage[];
const file = (text: string): string => path.join(folder, text);

/** Shapes that need care: a layer twice, an empty layer, many layers, several names, text that must be escaped. */
async function oddImages(): Promise<TestImage[]> {
  const empty = Buffer.alloc(1024);
  const base = await layerTar({ 'etc/base': `${mark} base` });
  const app = await layerTar({ 'app/main': `${mark} app`, 'app/empty': '' });
  const many = await Promise.all(
    Array.from({ length: 60 }, (_, i) => layerTar({ [`many/${String(i)}`]: mark + String(i) })),
  );
  return [
    { tags: [name('base:1')], layers: [base] },
    { tags: [name('app:1'), name('app:latest')], layers: [base, app] },
    { tags: [name('dup:1')], layers: [base, empty, app, base, empty] },
    { tags: [name('none:1')], layers: [empty] },
    { tags: [name('many:1')], layers: many },
    {
      tags: [`registry.example:5000/${mark}/a/b/c__d:1.0_rc.1-x`],
      layers: [app, base],
      config: { config: { Labels: { t: '"ü" <日本>' } } },
    },
  ];
}

const namesOf = (): string[] => images.flatMap(({ tags }) => [...(tags ?? [])]);

/** Asks the engine's own save for every image: layers as found in it, not as its config says. */
async function expectAll(engine: EngineName): Promise<void> {
  for (const image of images) {
    const [saved] = await save(engine, image.tags?.[0] ?? '');
    expect(saved?.diffIds).toEqual(image.layers.map((layer) => `sha256:${hexSha256(layer)}`));
    expect(saved?.config).toBe(`sha256:${hexSha256(configBytes(image))}`);
  }
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'ferry-engines-'));
  images = await oddImages();
  await writeFile(file('made.tar'), await tarOf(dockerArchive(images)));
  for (const engine of engineNames) {
    await up(engine);
    await must(engine, ['load', '-q', '-i', file('made.tar')]);
    const several = engine.startsWith('podman') ? ['-m'] : [];
    await must(engine, ['save', ...several, '-o', file(`${engine}.tar`), ...namesOf()]);
    await wipe(engine, mark);
  }
}, 1_200_000);

afterAll(async () => {
  for (const engine of engineNames) await wipe(engine, mark);
  await rm(folder, { recursive: true, force: true });
});

const saves = (): string[] => engineNames.map((engine) => file(`${engine}.tar`));
const pack = (out: string, ...sources: readonly string[]): Promise<PackResult> =>
  ferryJson<PackResult>(undefined, 'pack', ...sources, '-o', file(out));

test.each(engineNames)('what %s saves is listed and verified', async (engine) => {
  const listed = await ferryJson<ListResult>(undefined, 'list', file(`${engine}.tar`));
  expect(listed.images.map((image) => image.name).sort()).toEqual(namesOf().sort());
  expect((await ferry(undefined, 'verify', file(`${engine}.tar`))).status).toBe(0);
});

test('saves of one image by Docker 20, 26 and 28 give one bundle', async () => {
  const digests = new Set<string | undefined>();
  for (const engine of ['docker20', 'docker26', 'docker28'] as const) {
    digests.add((await pack(`${engine}.b.tar`, file(`${engine}.tar`))).receipt?.tarDigest);
  }
  expect(digests.size).toBe(1);
});

test('saves of all engines together are no conflict, and their order does not matter', async () => {
  const one = await pack('all.tar', ...saves());
  const other = await pack('all2.tar', ...saves().reverse());
  expect(other.receipt?.tarDigest).toBe(one.receipt?.tarDigest);
  expect(one.images).toHaveLength(namesOf().length);
});

describe.each(engineNames)('into %s', (engine) => {
  test('ferry load, each image proven; then again, nothing moves', async () => {
    await pack('load.tar.zst', ...saves());
    const first = await ferryJson<LoadResult>(
      engine,
      'load',
      file('load.tar.zst'),
      '--engine',
      engine.startsWith('podman') ? 'podman' : 'docker',
    );
    expect(new Set(first.receipt?.items.map(({ state }) => state))).toEqual(new Set(['proven']));
    await expectAll(engine);
    const again = await ferryJson<LoadResult>(
      engine,
      'load',
      file('load.tar.zst'),
      '--engine',
      engine.startsWith('podman') ? 'podman' : 'docker',
    );
    expect(new Set(again.receipt?.items.map(({ state }) => state))).toEqual(new Set(['present']));
    expect(again.receipt?.bytesMoved).toBe(0);
    await wipe(engine, mark);
  });

  test("the engine's own load, without ferry", async () => {
    await pack('stock.tar.zst', ...saves());
    // Docker 20.10 reads no zstd.
    const command =
      engine === 'docker20'
        ? 'zstd -dc "$1" | docker load -q'
        : `${engine.startsWith('podman') ? 'podman' : 'docker'} load -q <"$1"`;
    const ran = await program(
      'bash',
      ['-c', `set -o pipefail; ${command}`, 'sh', file('stock.tar.zst')],
      envOf(engine),
    );
    expect(ran).toMatchObject({ status: 0 });
    await expectAll(engine);
    await wipe(engine, mark);
  });

  test('images of the engine are a source', async () => {
    await must(engine, ['load', '-q', '-i', file('made.tar')]);
    const result = await ferryJson<PackResult>(
      engine,
      'pack',
      ...namesOf(),
      '-o',
      file(`from-${engine}.tar`),
      '--engine',
      engine.startsWith('podman') ? 'podman' : 'docker',
    );
    expect(result.images.map((image) => image.name).sort()).toEqual(namesOf().sort());
    expect((await ferry(undefined, 'verify', file(`from-${engine}.tar`))).status).toBe(0);
    await wipe(engine, mark);
  });
});

describe('other tools read a bundle of several images', () => {
  test('skopeo, by name, from oci-archive: manifest digests are kept', async () => {
    const { images: packed } = await pack('tools.tar', file('docker28.tar'));
    for (const image of packed) {
      const ran = await program('skopeo', [
        'inspect',
        '--format',
        '{{.Digest}}',
        `oci-archive:${file('tools.tar')}:${image.name ?? ''}`,
      ]);
      // skopeo 1.9 takes no name with a port or "__" for an OCI layout.
      if (/:\d+\/|__/.test(image.name ?? '')) continue;
      expect(ran).toMatchObject({ status: 0, stdout: `${image.digest}\n` });
    }
  });

  test('skopeo, by name, from docker-archive: configs and layers', async () => {
    await pack('tools.tar', file('docker28.tar'));
    for (const image of images) {
      const ran = await program('skopeo', [
        'inspect',
        '--config',
        '--raw',
        `docker-archive:${file('tools.tar')}:${image.tags?.[0] ?? ''}`,
      ]);
      expect(ran.status).toBe(0);
      expect((JSON.parse(ran.stdout) as { rootfs: { diff_ids: string[] } }).rootfs.diff_ids).toEqual(
        image.layers.map((layer) => `sha256:${hexSha256(layer)}`),
      );
    }
  });

  test('crane validates a bundle of one image', async () => {
    await ferryJson(undefined, 'pack', file('docker28.tar'), '--only', name('dup:1'), '-o', file('one.tar'));
    // crane comes with the suite of docker28, and sees the temporary folder as that daemon does.
    const pid = (await program('cat', [path.join(labDir, 'docker28', 'pid')])).stdout.trim();
    const ran = await program('nsenter', [
      '-t',
      pid,
      '-m',
      '-r',
      '--',
      'crane',
      'validate',
      '--tarball',
      file('one.tar'),
    ]);
    expect(ran.stdout + ran.stderr).toContain('PASS');
    expect(ran.status).toBe(0);
  });

  test('zstd and tar', async () => {
    await pack('tools.tar.zst', file('docker28.tar'));
    expect((await program('zstd', ['-t', file('tools.tar.zst')])).status).toBe(0);
    const listing = await program('bash', ['-c', 'zstd -dc "$1" | tar -t', 'sh', file('tools.tar.zst')]);
    expect(listing.stdout.trim().split('\n').slice(-3)).toEqual(['index.json', 'manifest.json', 'oci-layout']);
  });
});

test('containerd imports a bundle with its own client', async () => {
  await pack('ctr.tar.zst', ...saves());
  const { status, stderr } = await program(
    path.resolve(import.meta.dirname, '../lab/engines'),
    ['up', 'containerd2'],
    process.env,
  );
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  const ctr = path.join(labDir, 'containerd2', 'bin', 'ctr');
  expect(await program(ctr, ['images', 'import', file('ctr.tar.zst')])).toMatchObject({ status: 0 });
  const check = await program(ctr, ['images', 'check']);
  for (const reference of namesOf())
    expect(check.stdout).toMatch(new RegExp(`${reference.replace(/[.]/g, '\\.')}.* complete `));
  await program(ctr, ['images', 'rm', ...namesOf()]);
});

test('a name that is not there is said before anything is written', async () => {
  const ran = await ferry('docker28', 'pack', name('nothing:1'), name('nowhere:2'), '-o', file('never.tar'));
  expect(ran.status).toBe(5);
  expect(ran.stderr).toContain(name('nothing:1'));
  expect(ran.stderr).toContain(name('nowhere:2'));
  expect((await client('docker28', ['version'])).status).toBe(0);
});
