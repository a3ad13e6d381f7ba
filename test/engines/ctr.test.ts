import { describe, expect, test } from '@jest/globals';
import { type ManifestNode, type TreeNode } from '../../src/model/graph.js';
import { digestOf } from '../../src/primitives/digest.js';
import { ctrCheck } from '../../src/transports/engine/ctr.js';
import { omittable } from '../../src/transports/engine/holdings.js';
import { inspect } from '../../src/transports/engine/inventory.js';
import { surveyEngine } from '../../src/transports/engine/survey.js';
import { never, useCtrLab } from './ctr-lab.js';

const lab = useCtrLab();

test('an engine by its client', () => {
  expect(lab.engine).toMatchObject({ family: 'ctr', storageDriver: 'overlayfs', platform: { os: 'linux' } });
  expect([lab.engine.version, lab.engine.apiVersion]).toEqual(Array(2).fill(expect.stringMatching(/^\d+\.\d+\.\d+/)));
});

describe('a load', () => {
  test.each(['plain', 'gzip'] as const)('of %s layers, of which it has nothing, is proven', async (form) => {
    const image = lab.image('aba', { form });
    expect(await lab.prove(await lab.put(image))).toBeUndefined();
    await lab.expectWhole('app', image);
    expect((await inspect(lab.engine, [lab.name('app')], never)).images).toMatchObject([
      { id: image.blob.digest, diffIds: image.layers.map(({ diffId }) => diffId), names: [lab.name('app')] },
    ]);
  });

  test.each([
    ['plain', 'gzip'],
    ['gzip', 'plain'],
  ] as const)('leaves out the %s layers that are there, and not %s ones', async (form, otherForm) => {
    const base = lab.image('ab', { form });
    const app = lab.image('bca', { form });
    await lab.put(base, 'base');
    const group = lab.groupOf(app);
    const have = await surveyEngine(lab.engine, [group], never);
    const omit = omittable('ctr', group, have);
    expect(omit).toEqual(new Set(base.layers.map(({ blob }) => blob.digest)));
    expect(omittable('ctr', lab.groupOf(lab.image('ab', { form: otherForm }), 'other'), have)).toEqual(new Set());
    expect(await lab.load(group, omit)).toBe(0);
    expect(await lab.prove(group)).toBeUndefined();
    await lab.expectWhole('app', app);
    expect((await surveyEngine(lab.engine, [group], never)).ids).toEqual(new Set([group.id]));
  });

  test('that leaves out what is there in another form only ends with 0, and is not proven', async () => {
    const plain = lab.image('ab');
    await lab.put(lab.image('ab', { form: 'gzip' }), 'gz');
    const group = lab.groupOf(plain);
    expect(await lab.load(group, new Set(plain.layers.map(({ blob }) => blob.digest)))).toBe(0);
    await expect(lab.prove(group)).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining(`the layer: expected ${plain.layers[0]!.blob.digest}, found none`),
    });
    expect(await lab.load(group)).toBe(0);
    expect(await lab.prove(group)).toBeUndefined();
    await lab.expectWhole('app', plain);
  });

  test('that leaves out what is not there fails', async () => {
    const image = lab.image('ab');
    const group = lab.groupOf(image);
    expect(await lab.load(group, new Set([image.layers[0]!.blob.digest]))).toBe(1);
    await expect(lab.prove(group)).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
  });

  test('that breaks off in a layer leaves what has the name as it was', async () => {
    const old = lab.image('a');
    await lab.put(old);
    expect(await lab.load(lab.groupOf(lab.image('abc', { label: 'new' })), new Set(), 30_000)).toBe(1);
    expect(await lab.targetOf('app')).toBe(old.blob.digest);
    await lab.expectWhole('app', old);
  });

  test('whose layer is not what the config says fails, and is seen not to be unpacked', async () => {
    const group = lab.groupOf(lab.image('a', { diffIds: [digestOf('something else')] }));
    expect(await lab.load(group)).toBe(1);
    expect(await ctrCheck(lab.engine, lab.name('app'), never)).toEqual({
      target: group.id,
      complete: true,
      unpacked: false,
    });
    await expect(lab.prove(group)).rejects.toMatchObject({
      message: expect.stringContaining('its layers: expected unpacked, found not unpacked'),
    });
    expect((await surveyEngine(lab.engine, [group], never)).ids.size).toBe(0);
  });
});

describe('an index', () => {
  const pair = (): readonly [ManifestNode, ManifestNode] => [
    lab.image('f', { architecture: 's390x' }),
    lab.image('a', { architecture: lab.engine.platform.architecture }),
  ];

  test('is kept with all its platforms', async () => {
    const [foreign, here] = pair();
    const index = lab.index(foreign, here);
    const group = await lab.put(index);
    expect(group).toMatchObject({ id: index.blob.digest, node: index, image: here });
    expect(await lab.prove(group)).toBeUndefined();
    await lab.collection();
    await lab.expectContent(group);
    expect((await inspect(lab.engine, [lab.name('app')], never)).images[0]?.diffIds).toEqual([here.layers[0]!.diffId]);
    await lab.expectWhole('app', here);
  });

  test('of which one platform is not there is loaded for the host', async () => {
    const [foreign, here] = pair();
    const index = lab.index(foreign, here);
    if (index.kind !== 'index') throw new Error('an index was expected');
    const sparse: TreeNode = { ...index, children: [here], absent: [foreign.blob] };
    expect(await lab.prove(await lab.put(sparse))).toBeUndefined();
    expect(await lab.targetOf('app')).toBe(index.blob.digest);
    await lab.expectWhole('app', here);
  });

  test('without the host is loaded as its first image', async () => {
    const [foreign] = pair();
    const group = await lab.put(lab.index(foreign));
    expect(group).toMatchObject({ id: foreign.blob.digest, note: expect.stringContaining('it is for linux/s390x') });
    expect(await lab.prove(group)).toBeUndefined();
  });
});
