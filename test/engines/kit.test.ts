import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Blobs, forPlatform, named } from '../helpers/blobs.js';
import { configBytes, ociLayout, type TestImage } from '../helpers/image-archives.js';
import {
  addProgram,
  type KitShape,
  programPath,
  runKit,
  smallTools,
  type Told,
  toolbox,
  writeKit,
} from '../helpers/kits.js';
import { hexSha256, layerTar, tarOf } from '../helpers/members.js';
import { client, clientOf, type EngineName, engineNames, idOf, namesWith, save, up, wipe } from './lab.js';

jest.setTimeout(300_000);

/** Part of every name here, so that nothing else in an engine is touched. */
const mark = `kit${String(process.pid)}`;
const name = (text: string): string => `docker.io/${mark}/${text}`;

let folder: string;
let base: TestImage;
let app: TestImage;
let web: TestImage;
let kits = 0;

const shells = ['dash', 'busybox'] as const;
type Shell = (typeof shells)[number];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'ferry kit-'));
  const bottom = await layerTar({ 'etc/base': `${mark} base` });
  base = { tags: [name('base:1')], layers: [bottom] };
  app = { tags: [name('app:1')], layers: [bottom, await layerTar({ 'app/main': `${mark} app` })] };
  web = { tags: [name('web:1')], layers: [bottom, await layerTar({ 'web/main': `${mark} web` })] };
  for (const engine of engineNames) {
    await up(engine);
    for (const shell of shells) {
      const tools = toolbox(toolsOf(engine, shell), shell === 'dash' ? dashTools : smallTools, busybox(shell));
      const own = clientOf(engine);
      const script = `#!/bin/sh\nPATH='${process.env['PATH'] ?? ''}' exec '${own}' "$@"\n`;
      addProgram(tools, path.basename(own), script);
    }
  }
}, 1_200_000);

afterAll(async () => {
  for (const engine of engineNames) await wipe(engine, mark);
  rmSync(folder, { recursive: true, force: true });
});

const dashTools = [...smallTools.filter((tool) => tool !== 'sh'), 'dash'];
const busybox = (shell: Shell): string | undefined => (shell === 'busybox' ? programPath('busybox') : undefined);
/** A PATH with the engine's client and little else: no zstd. */
const toolsOf = (engine: EngineName, shell: Shell): string => path.join(folder, `${engine} ${shell}`);
const read = (kit: string, file: string): Buffer => readFileSync(path.join(kit, file));

async function kitOf(images: readonly TestImage[] | Buffer, shape: KitShape = {}): Promise<string> {
  const kit = path.join(folder, `kit ${String(++kits)}`);
  await writeKit(kit, images, shape);
  return kit;
}

function load(engine: EngineName, kit: string, shell: Shell = 'dash', ...args: readonly string[]): Promise<Told> {
  return runKit(kit, toolsOf(engine, shell), args, { cwd: '/', shell: shell === 'dash' ? 'dash' : 'sh' });
}

/** The engine's own save has exactly these images. */
async function expectThere(engine: EngineName, images: readonly TestImage[]): Promise<void> {
  for (const image of images) {
    const [saved] = await save(engine, image.tags?.[0] ?? '');
    expect(saved?.diffIds).toEqual(image.layers.map((layer) => `sha256:${hexSha256(layer)}`));
    expect(saved?.config).toBe(`sha256:${hexSha256(configBytes(image))}`);
  }
}

const cases = engineNames.flatMap((engine) => shells.map((shell) => [engine, shell] as const));

describe.each(cases)('load.sh with %s under %s', (engine, shell) => {
  test('a full kit in volumes, to which nothing is written; then once more', async () => {
    const kit = await kitOf([base, app, web], { volumes: 3 });
    const { mtimeMs } = statSync(kit);
    const told = await load(engine, kit, shell);
    expect([told.status, told.stderr]).toEqual([0, '']);
    expect(statSync(kit).mtimeMs).toBe(mtimeMs);
    await expectThere(engine, [base, app, web]);
    const again = await load(engine, kit, shell);
    expect(again.status).toBe(0);
    expect(again.stdout).toContain('done: 3 of 3 images are there');
    expect(await namesWith(engine, 'ferry-before')).toEqual([]);
    await wipe(engine, mark);
  });

  test('a thin kit of several images, without the base and with it', async () => {
    const thin = await kitOf([app, web], { base: [base] });
    const refused = await load(engine, thin, shell);
    expect([refused.status, refused.stderr]).toEqual([6, expect.stringMatching(/base:1.*nothing was changed/s)]);
    expect(await namesWith(engine, mark)).toEqual([]);
    expect((await load(engine, await kitOf([base]), shell)).status).toBe(0);
    const told = await load(engine, thin, shell);
    expect([told.status, told.stderr]).toEqual([0, '']);
    await expectThere(engine, [app, web]);
    await wipe(engine, mark);
  });
});

describe.each(engineNames)('load.sh with %s', (engine) => {
  test('a volume that is damaged, or missing', async () => {
    const kit = await kitOf([base, app], { volumes: 3 });
    const second = path.join(kit, 'release.tar.002');
    const bytes = readFileSync(second);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    writeFileSync(second, bytes);
    const damaged = await load(engine, kit);
    rmSync(second);
    const missing = await load(engine, kit, 'busybox');
    expect([damaged.status, missing.status]).toEqual([3, 3]);
    expect(damaged.stderr).toContain('volume 2 of 3 (release.tar.002) is damaged');
    expect(missing.stderr).toContain('volume 2 of 3 (release.tar.002) is missing');
    expect(await namesWith(engine, mark)).toEqual([]);
  });

  test('one of several images; zstd as far as the engine reads it', async () => {
    const gzip = await load(
      engine,
      await kitOf([base, app, web], { format: 'tar.gz' }),
      'busybox',
      '--only',
      '*/web:1',
    );
    expect([gzip.status, gzip.stderr]).toEqual([0, '']);
    expect(await namesWith(engine, mark)).toHaveLength(1);
    await expectThere(engine, [web]);
    await wipe(engine, mark);
    const kit = await kitOf([base, app], { format: 'tar.zst' });
    const zstd = await load(engine, kit);
    if (engine === 'docker20') {
      expect([zstd.status, zstd.stderr]).toEqual([7, expect.stringContaining('reads no zstd')]);
      expect(await namesWith(engine, mark)).toEqual([]);
      expect((await load(engine, await kitOf([base, app], { format: 'tar.gz' }))).status).toBe(0);
    } else expect([zstd.status, zstd.stderr]).toEqual([0, '']);
    await expectThere(engine, [base, app]);
    await wipe(engine, mark);
  });

  test('what does not load leaves every name where it was', async () => {
    const old: TestImage = { ...app, layers: [...base.layers, await layerTar({ 'app/main': `${mark} before` })] };
    expect((await load(engine, await kitOf([old]))).status).toBe(0);
    const before = await idOf(engine, app.tags?.[0] ?? '');
    const kit = await kitOf([app, web]);
    spoilLayer(kit);
    const told = await load(engine, kit, 'busybox');
    expect([told.status, told.stderr]).toEqual([4, expect.stringContaining('what it led to before')]);
    expect(await idOf(engine, app.tags?.[0] ?? '')).toBe(before);
    expect(await namesWith(engine, mark)).toHaveLength(1);
    expect(await namesWith(engine, 'ferry-before')).toEqual([]);
    await expectThere(engine, [old]);
    await wipe(engine, mark);
  });
});

describe.each(engineNames)('load.sh with %s', (engine) => {
  test('an image without a name, one of several platforms, and what is no image', async () => {
    const blobs = new Blobs();
    const amd64 = blobs.image({ layers: [...web.layers] });
    const arm64 = blobs.image({ layers: [...app.layers], platform: { architecture: 'arm64', variant: 'v8' } });
    const index = blobs.index([
      forPlatform(amd64.root, 'linux', 'amd64'),
      forPlatform(arm64.root, 'linux', 'arm64', 'v8'),
    ]);
    const noName = blobs.image({ layers: [...app.layers], config: { author: mark } });
    const entries = [named(index, name('multi:1')), noName.root, named(blobs.artifact(mark).root, name('chart:1'))];
    const kit = await kitOf(await tarOf(blobs.layout(entries)));
    const told = await load(engine, kit, 'busybox');
    expect([told.status, told.stderr]).toEqual([0, '']);
    expect(told.stdout).toContain('done: 2 of 2 images are there');
    const [saved] = await save(engine, name('multi:1'));
    expect(saved?.config).toBe(amd64.config.digest);
    const id = engine === 'docker28c' ? noName.root.digest : noName.config.digest;
    await client(engine, ['rmi', id.slice('sha256:'.length)]);
    await wipe(engine, mark);
  });
});

test('a containerd store that has the base in another form: refused, and every name is as it was', async () => {
  const engine = 'docker28c';
  // Layers of its own: the store may still have those of the other tests.
  const below: TestImage = { tags: [name('form:1')], layers: [await layerTar({ form: mark })] };
  const above: TestImage = { ...app, layers: [...below.layers, ...web.layers] };
  expect((await load(engine, await kitOf(await tarOf(ociLayout([below], { gzip: true }))))).status).toBe(0);
  const told = await load(engine, await kitOf([above], { base: [below] }));
  expect([told.status, told.stderr]).toEqual([6, expect.stringContaining('load the full bundle')]);
  expect(await namesWith(engine, mark)).toEqual([expect.stringContaining('form:1')]);
  await wipe(engine, mark);
});

/** Damage that the checksums agree with: the contents of app's own layer. */
function spoilLayer(kit: string): void {
  const tar = read(kit, 'release.tar');
  const at = tar.indexOf(`${mark} app`);
  tar.write('X', at);
  writeFileSync(path.join(kit, 'release.tar'), tar);
  const sums = read(kit, 'SHA256SUMS')
    .toString()
    .split('\n')
    .filter((line) => !line.endsWith('  release.tar'));
  writeFileSync(path.join(kit, 'SHA256SUMS'), sums.join('\n'));
  appendFileSync(path.join(kit, 'SHA256SUMS'), `${hexSha256(tar)}  release.tar\n`);
}
