import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type ManifestNode, type TreeNode } from '../../src/model/graph.js';
import { type Digest, digestOf } from '../../src/primitives/digest.js';
import { contentOf } from '../../src/transports/engine/ctr-content.js';
import { ctrCheck } from '../../src/transports/engine/ctr.js';
import { blobsOf, type LoadGroup } from '../../src/transports/engine/groups.js';
import { omittable } from '../../src/transports/engine/holdings.js';
import { inspect } from '../../src/transports/engine/inventory.js';
import { prove } from '../../src/transports/engine/proof.js';
import { surveyEngine } from '../../src/transports/engine/survey.js';
import { makeImage, makeIndex } from '../transports/images.js';
import { CtrLab } from './ctr-lab.js';

jest.setTimeout(120_000);
const never = new AbortController().signal;
const lab = new CtrLab();

beforeAll(() => lab.up(), 600_000);
beforeEach(() => {
  lab.next();
});
afterAll(() => lab.wipe());

const digestsOf = (group: LoadGroup): readonly Digest[] => blobsOf(group).map(({ blob }) => blob.digest);

async function expectWhole(ref: string, image: ManifestNode): Promise<void> {
  expect(await lab.exported(ref)).toEqual({
    names: [ref.replace('docker.io/', '')],
    config: image.config.digest,
    diffIds: image.layers.map(({ diffId }) => diffId),
  });
}

test('an engine by its client', () => {
  expect(lab.engine).toMatchObject({ family: 'ctr', storageDriver: 'overlayfs', platform: { os: 'linux' } });
  expect([lab.engine.version, lab.engine.apiVersion]).toEqual(Array(2).fill(expect.stringMatching(/^\d+\.\d+\.\d+/)));
});

describe('a load', () => {
  test.each(['plain', 'gzip'] as const)('of %s layers, of which it has nothing, is proven', async (form) => {
    const image = makeImage(lab.blobs, [lab.own('a'), lab.own('b'), lab.own('a')], { form });
    const group = lab.groupOf(image);
    expect(await lab.load(group)).toBe(0);
    expect(await prove(lab.engine, group, lab.name('app'), never)).toBeUndefined();
    await expectWhole(lab.name('app'), image);
    expect((await inspect(lab.engine, [lab.name('app')], never)).images).toMatchObject([
      { id: image.blob.digest, diffIds: image.layers.map(({ diffId }) => diffId), names: [lab.name('app')] },
    ]);
  });

  test.each(['plain', 'gzip'] as const)(
    'leaves out the %s layers that are there, and only in that form',
    async (form) => {
      const base = makeImage(lab.blobs, [lab.own('a'), lab.own('b')], { form });
      const app = makeImage(lab.blobs, [lab.own('b'), lab.own('c'), lab.own('a')], { form });
      const other = makeImage(lab.blobs, [lab.own('a'), lab.own('b')], { form: form === 'gzip' ? 'plain' : 'gzip' });
      expect(await lab.load(lab.groupOf(base, 'base'))).toBe(0);
      const group = lab.groupOf(app);
      const have = await surveyEngine(lab.engine, [group], never);
      const omit = omittable('ctr', group, have);
      expect(omit).toEqual(new Set(base.layers.map(({ blob }) => blob.digest)));
      expect(omittable('ctr', lab.groupOf(other, 'other'), have)).toEqual(new Set());
      expect(await lab.load(group, omit)).toBe(0);
      expect(await prove(lab.engine, group, lab.name('app'), never)).toBeUndefined();
      await expectWhole(lab.name('app'), app);
      expect((await surveyEngine(lab.engine, [group], never)).ids).toEqual(new Set([group.id]));
    },
  );

  test('that leaves out what is there in another form only ends with 0, and is not proven', async () => {
    const gzipped = makeImage(lab.blobs, [lab.own('a'), lab.own('b')], { form: 'gzip' });
    const plain = makeImage(lab.blobs, [lab.own('a'), lab.own('b')]);
    expect(await lab.load(lab.groupOf(gzipped, 'gz'))).toBe(0);
    const group = lab.groupOf(plain);
    expect(await lab.load(group, new Set(plain.layers.map(({ blob }) => blob.digest)))).toBe(0);
    await expect(prove(lab.engine, group, lab.name('app'), never)).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining(`the layer: expected ${plain.layers[0]!.blob.digest}, found none`),
    });
    expect(await lab.load(group)).toBe(0);
    expect(await prove(lab.engine, group, lab.name('app'), never)).toBeUndefined();
    await expectWhole(lab.name('app'), plain);
  });

  test('that leaves out what is not there fails', async () => {
    const image = makeImage(lab.blobs, [lab.own('a'), lab.own('b')]);
    const group = lab.groupOf(image);
    expect(await lab.load(group, new Set([image.layers[0]!.blob.digest]))).toBe(1);
    await expect(prove(lab.engine, group, lab.name('app'), never)).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
  });

  test('that breaks off in a layer leaves what has the name as it was', async () => {
    const old = makeImage(lab.blobs, [lab.own('a')]);
    expect(await lab.load(lab.groupOf(old))).toBe(0);
    const next = makeImage(lab.blobs, [lab.own('a'), lab.own('b'), lab.own('c')], { label: 'new' });
    expect(await lab.load(lab.groupOf(next), new Set(), 30_000)).toBe(1);
    expect(await lab.targetOf(lab.name('app'))).toBe(old.blob.digest);
    await expectWhole(lab.name('app'), old);
  });

  test('whose layer is not what the config says fails, and is seen not to be unpacked', async () => {
    const diffIds = [digestOf('something else')];
    const group = lab.groupOf(makeImage(lab.blobs, [lab.own('a')], { diffIds }));
    expect(await lab.load(group)).toBe(1);
    expect(await ctrCheck(lab.engine, lab.name('app'), never)).toEqual({
      target: group.id,
      complete: true,
      unpacked: false,
    });
    await expect(prove(lab.engine, group, lab.name('app'), never)).rejects.toMatchObject({
      message: expect.stringContaining('its layers: expected unpacked, found not unpacked'),
    });
    expect((await surveyEngine(lab.engine, [group], never)).ids.size).toBe(0);
  });
});

describe('an index', () => {
  const pair = (): readonly [ManifestNode, ManifestNode] => [
    makeImage(lab.blobs, [lab.own('f')], { architecture: 's390x' }),
    makeImage(lab.blobs, [lab.own('a')], { architecture: lab.engine.platform.architecture }),
  ];

  test('is kept with all its platforms', async () => {
    const [foreign, here] = pair();
    const index = makeIndex(lab.blobs, [foreign, here]);
    const group = lab.groupOf(index);
    expect(group).toMatchObject({ id: index.blob.digest, node: index, image: here });
    expect(await lab.load(group)).toBe(0);
    expect(await prove(lab.engine, group, lab.name('app'), never)).toBeUndefined();
    await lab.collection();
    const content = await contentOf(lab.engine, never);
    for (const digest of digestsOf(group)) expect(content.has(digest)).toBe(true);
    expect((await inspect(lab.engine, [lab.name('app')], never)).images[0]?.diffIds).toEqual([here.layers[0]!.diffId]);
    await expectWhole(lab.name('app'), here);
  });

  test('of which one platform is not there is loaded for the host', async () => {
    const [foreign, here] = pair();
    const index = makeIndex(lab.blobs, [foreign, here]);
    if (index.kind !== 'index') throw new Error('an index was expected');
    const sparse: TreeNode = { ...index, children: [here], absent: [foreign.blob] };
    const group = lab.groupOf(sparse);
    expect(await lab.load(group)).toBe(0);
    expect(await prove(lab.engine, group, lab.name('app'), never)).toBeUndefined();
    expect(await lab.targetOf(lab.name('app'))).toBe(index.blob.digest);
    await expectWhole(lab.name('app'), here);
  });

  test('without the host is loaded as its first image', async () => {
    const [foreign] = pair();
    const group = lab.groupOf(makeIndex(lab.blobs, [foreign]));
    expect(group).toMatchObject({ id: foreign.blob.digest, note: expect.stringContaining('it is for linux/s390x') });
    expect(await lab.load(group)).toBe(0);
    expect(await prove(lab.engine, group, lab.name('app'), never)).toBeUndefined();
  });
});
