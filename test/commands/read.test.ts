import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { diff } from '../../src/commands/diff.js';
import { inspect } from '../../src/commands/inspect.js';
import { list } from '../../src/commands/list.js';
import { pack } from '../../src/commands/pack.js';
import { type DiffResult, type InspectResult, type ListResult, type VerifyResult } from '../../src/commands/results.js';
import { verify } from '../../src/commands/verify.js';
import { faultOf, noise } from '../codecs/helpers.js';
import { Blobs, forPlatform, named } from '../helpers/blobs.js';
import { testContext } from '../helpers/context.js';
import { saveFile } from '../helpers/files.js';
import { type Member, tarOf } from '../helpers/members.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const name = (short: string): string => `docker.io/library/${short}`;
const write = async (path: string, members: readonly Member[]): Promise<string> => put(at(path), await tarOf(members));
const listOf = (...sources: string[]): Promise<ListResult> => list({ sources }, testContext());
const verified = (...sources: string[]): Promise<VerifyResult> => verify({ sources }, testContext());
const inspected = (source: string, image?: string): Promise<InspectResult> =>
  inspect({ sources: [source], name: image }, testContext());
const compared = (a: string, b: string): Promise<DiffResult> => diff({ a, b }, testContext());

describe('list', () => {
  test('names, platforms, sizes, what is shared, totals', async () => {
    const path = await saveFile(at('a.tar'), { 'app:1': ['base', 'one'], 'tool:1': ['base', 'tool'], '': ['base'] });
    const { images, totals, faults, sources } = await listOf(path);
    expect([sources, faults]).toEqual([[path], []]);
    expect(
      images.map((image) => [image.name, image.kind, image.platforms[0]?.platform, image.platforms[0]?.layers]),
    ).toEqual([
      [name('app:1'), 'image', 'linux/amd64', 2],
      [name('tool:1'), 'image', 'linux/amd64', 2],
      [undefined, 'image', 'linux/amd64', 1],
    ]);
    const base = 2048;
    expect(images.map(({ platforms }) => platforms[0]?.sharedBytes)).toEqual([base, base, base]);
    expect(totals).toMatchObject({ images: 3, layerUses: 5, uniqueLayers: 3 });
    expect(totals.bytesUsed - totals.bytesUnique).toBe(2 * base);
  });

  test('platforms that are not included, attestations and charts', async () => {
    const blobs = new Blobs();
    const [amd, arm] = [blobs.image(), blobs.image({ layers: ['arm'], platform: { architecture: 'arm64' } })];
    const [attestation, gone] = [blobs.artifact('provenance'), blobs.artifact('provenance of what is not here')];
    const index = blobs.index([
      forPlatform(amd.root, 'linux', 'amd64'),
      forPlatform(arm.root, 'linux', 'arm64', 'v8'),
      forPlatform(attestation.root, 'unknown', 'unknown'),
      forPlatform(gone.root, 'unknown', 'unknown'),
    ]);
    blobs.drop(arm.root, arm.config, ...arm.layers, gone.root);
    const path = await write(
      'a.tar',
      blobs.layout([named(index, name('app:1')), named(blobs.artifact('chart').root, name('chart:1'))]),
    );
    const { images, faults } = await listOf(path);
    expect(faults).toEqual([]);
    expect(images).toMatchObject([
      {
        kind: 'index',
        platforms: [{ platform: 'linux/amd64' }],
        notIncluded: ['linux/arm64/v8'],
        artifacts: [{ digest: attestation.root.digest }],
      },
      { kind: 'artifact', platforms: [], artifacts: [{ type: 'application/vnd.oci.empty.v1+json' }] },
    ]);
  });

  test('damaged images are faults beside the whole ones', async () => {
    const blobs = new Blobs();
    const [good, bad] = [blobs.image({ layers: ['a'] }), blobs.image({ layers: ['b'] })];
    blobs.drop(bad.config);
    const path = await write('a.tar', blobs.layout([named(good.root, name('good:1')), named(bad.root, name('bad:1'))]));
    const { images, faults } = await listOf(path);
    expect(images).toHaveLength(1);
    expect(faults).toMatchObject([{ code: 'BLOB_MISSING', images: ['bad:1'], hint: expect.any(String) }]);
  });

  test('the same layer plain and gzipped is a pair of twins', async () => {
    const plain = await saveFile(at('a.tar'), { 'a:1': ['base'] });
    const gzip = await saveFile(at('b.tar'), { 'b:1': ['base'] }, { oci: true, gzip: true });
    expect((await listOf(plain, gzip)).twins).toHaveLength(1);
  });

  test('a docker export is NOT_AN_IMAGE; a file that is not there NOT_FOUND', async () => {
    const path = await write('export.tar', [{ name: '.dockerenv', bytes: Buffer.alloc(0) }]);
    expect(await faultOf(listOf(path))).toMatchObject({
      code: 'NOT_AN_IMAGE',
      message: expect.stringContaining('docker export'),
    });
    expect(await faultOf(listOf(at('none.tar')))).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('inspect', () => {
  const history = [
    { created: '2024-01-01T00:00:00Z', created_by: 'ADD base' },
    { created_by: 'ENV A=b', empty_layer: true, comment: 'buildkit' },
    { created_by: 'COPY one' },
  ];

  test('pairs history with layers, with sizes and who else has them', async () => {
    const blobs = new Blobs();
    const app = blobs.image({ layers: ['base', 'one', 'more'], config: { history, created: '2024-02-02T00:00:00Z' } });
    const tool = blobs.image({ layers: ['base'] });
    const path = await write('a.tar', blobs.layout([named(app.root, name('app:1')), named(tool.root, name('tool:1'))]));
    const { images } = await inspected(path, 'app');
    expect(images).toHaveLength(1);
    const [platform] = images[0]!.platforms;
    expect(platform).toMatchObject({
      created: '2024-02-02T00:00:00Z',
      imageId: app.config.digest,
      layers: 3,
      config: { os: 'linux' },
    });
    expect(platform?.history.map(({ createdBy, layer }) => [createdBy, layer?.bytes, layer?.alsoIn])).toEqual([
      ['ADD base', 4, ['tool:1']],
      ['ENV A=b', undefined, undefined],
      ['COPY one', 3, []],
      ['', 4, []],
    ]);
    expect(platform?.history[1]).toMatchObject({ comment: 'buildkit' });
  });

  test.each<[string, unknown]>([
    ['none', undefined],
    ['null', null],
    ['a text', 'x'],
    ['fewer steps than layers', [{ created_by: 'ADD' }]],
    ['more steps than layers', Array(5).fill({ created_by: 'ADD' })],
    ['entries that are none', [null, 5, 'x']],
  ])('history: %s; every layer is shown once', async (_, steps) => {
    const blobs = new Blobs();
    const { root, layers } = blobs.image({ layers: ['a', 'b'], config: { history: steps } });
    const [image] = (await inspected(await write('a.tar', blobs.layout([root])))).images;
    expect(image?.platforms[0]?.history.flatMap(({ layer }) => (layer === undefined ? [] : [layer.digest]))).toEqual(
      layers.map(({ digest }) => digest),
    );
  });

  test('all images without a name; one by digest; none of that name is NOT_FOUND', async () => {
    const path = await saveFile(at('a.tar'), { 'app:1': ['a'], '': ['b'] });
    const { images } = await inspected(path);
    expect(images).toHaveLength(2);
    expect((await inspected(path, images[1]!.digest.slice(0, 19))).images).toHaveLength(1);
    expect(await faultOf(inspected(path, 'nothing'))).toMatchObject({
      code: 'NOT_FOUND',
      message: 'no image called nothing',
      hint: expect.stringContaining('app:1'),
    });
  });
});

describe('verify', () => {
  test('a whole file has no faults, and everything was counted', async () => {
    const path = await saveFile(
      at('a.tar'),
      { 'app:1': ['base', 'one'], 'tool:1': ['base', 'tool'] },
      { oci: true, gzip: true },
    );
    const result = await verified(path);
    expect(result).toMatchObject({ sources: [path], images: 2, layers: 3, blobs: 7, faults: [] });
  });

  test('lists all faults, each with the images that it breaks', async () => {
    const blobs = new Blobs();
    const [app, tool, whole] = [['base', 'one'], ['base', 'tool'], ['whole']].map((layers) =>
      blobs.image({ layers, gzip: true }),
    );
    const missing = blobs.image({ layers: ['gone'] });
    blobs.damage(app!.layers[0]!).damage(tool!.layers[1]!).drop(missing.layers[0]!);
    const stray = blobs.put('x', 'nobody needs this');
    blobs.damage(stray);
    const entries = [app, tool, whole, missing].map((image, i) => named(image!.root, name(`n${String(i)}:1`)));
    const { faults } = await verified(
      put(at('a.tar'), Buffer.concat([await tarOf(blobs.layout(entries)), Buffer.from('tail')])),
    );
    expect(faults.map(({ code, images }) => [code, ...images].join(' ')).sort()).toEqual([
      'BAD_ARCHIVE',
      'BLOB_CORRUPT',
      'BLOB_CORRUPT n0:1 n1:1',
      'BLOB_CORRUPT n1:1',
      'BLOB_MISSING n3:1',
    ]);
    expect(faults.find(({ images }) => images.length === 2)?.message).toContain(app!.layers[0]!.digest);
  });

  test.each(['tar', 'tar.zst', 'tar.gz'] as const)('a flipped bit anywhere in a bundle (%s) is found', async (form) => {
    const source = await saveFile(at('a.tar'), { 'app:1': ['base', 'one'] });
    await pack({ sources: [source], output: at(`out.${form}`) }, testContext());
    const bytes = readFileSync(at(`out.${form}`));
    for (let i = 1; i < 12; i++) {
      const damaged = Buffer.from(bytes);
      const where = Math.floor((bytes.length * i) / 12);
      damaged[where] = (damaged[where] ?? 0) ^ 0x10;
      const path = put(at(`damaged.${form}`), damaged);
      const found = await faultOf(
        verified(path).then(({ faults }) => {
          if (faults.length > 0)
            throw Object.assign(new Error('found'), {
              [Symbol.for('image-ferry.TransferError')]: true,
              code: faults[0]!.code,
            });
        }),
      );
      // What a plain tar has between its members (padding) is no part of any image.
      if (form !== 'tar')
        expect([where, found?.code]).toEqual([
          where,
          expect.stringMatching(/BAD_ARCHIVE|BLOB_|NOT_AN_IMAGE|UNSUPPORTED_HERE|LIMIT|SOURCE_CHANGED/),
        ]);
    }
  });

  test('input that is no archive rejects', async () => {
    expect(await faultOf(verified(put(at('x'), noise(3000))))).toMatchObject({ code: 'NOT_AN_IMAGE' });
  });
});

describe('diff', () => {
  test('added, removed, changed and same images; layers by contents', async () => {
    const before = await saveFile(at('a.tar'), {
      'same:1': ['base'],
      'changed:1': ['base', 'old'],
      'removed:1': ['gone'],
    });
    const after = await saveFile(
      at('b.tar'),
      { 'same:1': ['base'], 'changed:1': ['base', 'new'], 'added:1': ['base', 'new', 'fresh'] },
      { oci: true },
    );
    const { images, layers } = await compared(before, after);
    const shown = Object.fromEntries(
      Object.entries(images).map(([kind, entries]) => [kind, entries.map((entry) => [entry.name, entry.newBytes])]),
    );
    expect(shown).toEqual({
      added: [['added:1', 4096]],
      removed: [['removed:1', 0]],
      changed: [['changed:1', 2048]],
      same: [['same:1', 0]],
    });
    expect(layers).toEqual({
      added: { count: 2, bytes: 4096 },
      removed: { count: 2, bytes: 4096 },
      same: { count: 1, bytes: 2048 },
    });
    expect(images.changed[0]?.before).not.toBe(images.changed[0]?.after);
    expect(images.added[0]).not.toHaveProperty('before');
    expect(images.removed[0]).not.toHaveProperty('after');
  });

  test('the same image in another form is the same; a platform more is added', async () => {
    const gzip = await saveFile(at('a.tar'), { 'app:1': ['x'] }, { oci: true, gzip: true });
    const plain = await saveFile(at('b.tar'), { 'app:1': ['x'] });
    expect((await compared(gzip, plain)).images).toMatchObject({
      same: [{ name: 'app:1', newBytes: 0 }],
      changed: [],
      added: [],
      removed: [],
    });
    const blobs = new Blobs();
    const [amd, arm] = [blobs.image(), blobs.image({ platform: { architecture: 'arm64' } })];
    const one = await write('one.tar', blobs.layout([named(amd.root, name('m:1'))]));
    const two = await write('two.tar', blobs.layout([named(blobs.index([amd.root, arm.root]), name('m:1'))]));
    expect((await compared(one, two)).images).toMatchObject({
      same: [{ platform: 'linux/amd64' }],
      added: [{ platform: 'linux/arm64' }],
    });
  });

  test('a damaged side is an error, and writes nothing', async () => {
    const good = await saveFile(at('a.tar'), { 'app:1': ['x'] });
    const blobs = new Blobs();
    const bad = await write('b.tar', blobs.drop(blobs.image().config).layout([blobs.image({ layers: ['q'] }).root]));
    blobs.bytes.clear();
    expect(await faultOf(compared(good, at('none.tar')))).toMatchObject({ code: 'NOT_FOUND' });
    expect((await compared(good, bad)).images.added).toHaveLength(1);
    expect(readdirSync(at()).sort()).toEqual(['a.tar', 'b.tar']);
  });
});
