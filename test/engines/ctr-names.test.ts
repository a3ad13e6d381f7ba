import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type ImageNode, type ManifestNode, type TreeNode } from '../../src/model/graph.js';
import { type Receipt } from '../../src/model/receipt.js';
import { type Digest } from '../../src/primitives/digest.js';
import { engineDeps } from '../../src/commands/open.js';
import { contentOf, isUnpacked } from '../../src/transports/engine/ctr-content.js';
import { ctrImages } from '../../src/transports/engine/ctr.js';
import { blobsOf, groupLoads, type LoadGroup } from '../../src/transports/engine/groups.js';
import { engineSink, engineSource, inventory } from '../../src/transports/engine/index.js';
import { inspect } from '../../src/transports/engine/inventory.js';
import { anchor, checkNames, tag, untag } from '../../src/transports/engine/names.js';
import { surveyEngine } from '../../src/transports/engine/survey.js';
import { testContext } from '../helpers/context.js';
import { depsWith, makeImage, opener, planOf } from '../transports/images.js';
import { CtrLab } from './ctr-lab.js';

jest.setTimeout(120_000);
const never = new AbortController().signal;
const lab = new CtrLab();

beforeAll(() => lab.up(), 600_000);
beforeEach(() => {
  lab.next();
});
afterAll(() => lab.wipe());

const node = (name: string | undefined, root: TreeNode): ImageNode => ({ name, root });
const digestsOf = (group: LoadGroup): readonly Digest[] => blobsOf(group).map(({ blob }) => blob.digest);

async function expectWhole(ref: string, image: ManifestNode): Promise<void> {
  expect(await lab.exported(ref)).toEqual({
    names: [ref.replace('docker.io/', '')],
    config: image.config.digest,
    diffIds: image.layers.map(({ diffId }) => diffId),
  });
}

describe('names', () => {
  test('a temporary name, a tag over another image, and the temporary name gone: nothing of it is collected', async () => {
    const old = makeImage(lab.blobs, [lab.own('a')]);
    const next = makeImage(lab.blobs, [lab.own('b'), lab.own('c')]);
    await lab.load(lab.groupOf(old));
    const group = lab.groupOf(next, 'incoming');
    await lab.load(group);
    await tag(lab.engine, lab.name('incoming'), lab.name('app'), never);
    expect(await untag(lab.engine, [lab.name('incoming'), lab.name('none')], never)).toBeUndefined();
    await lab.collected(old.layers[0]!.blob.digest);
    await checkNames(lab.engine, [[lab.name('app'), next.blob.digest]], never);
    const content = await contentOf(lab.engine, never);
    for (const digest of digestsOf(group)) expect(content.has(digest)).toBe(true);
    expect(isUnpacked(content, next)).toBe(true);
    await expectWhole(lab.name('app'), next);
    await expect(checkNames(lab.engine, [[lab.name('incoming'), next.blob.digest]], never)).rejects.toMatchObject({
      message: expect.stringContaining('found none'),
    });
  });

  test('an anchor keeps an image whose only name moves, so that it can move back', async () => {
    const old = makeImage(lab.blobs, [lab.own('a')]);
    const next = makeImage(lab.blobs, [lab.own('b')]);
    await lab.load(lab.groupOf(old));
    await lab.load(lab.groupOf(next, 'next'));
    const { names } = await surveyEngine(lab.engine, [], never);
    const temporary = new Set<string>();
    const anchors = await anchor(lab.engine, names, new Set([old.blob.digest]), temporary, never);
    expect([...anchors]).toEqual([[old.blob.digest, expect.stringContaining('docker.io/ferry-incoming/')]]);
    expect(temporary).toEqual(new Set(anchors.values()));
    await tag(lab.engine, lab.name('next'), lab.name('app'), never);
    await tag(lab.engine, anchors.get(old.blob.digest)!, lab.name('app'), never);
    expect(await untag(lab.engine, [...anchors.values()], never)).toBeUndefined();
    await expectWhole(lab.name('app'), old);
  });

  test('an inventory has every full name, and an image is found by short name and by ID', async () => {
    const image = makeImage(lab.blobs, [lab.own('a')]);
    await lab.load(lab.groupOf(image));
    await tag(lab.engine, lab.name('app'), lab.name('second'), never);
    await tag(lab.engine, lab.name('app'), lab.own('short'), never);
    const listed = (await inventory(lab.engine, never)).find(({ id }) => id === image.blob.digest);
    expect(listed).toMatchObject({ names: [lab.name('app'), lab.name('second')] });
    expect(listed?.size).toBeGreaterThan(20_000);
    const refs = [lab.name('app').replace('docker.io/', ''), image.blob.digest.slice(7, 19), lab.name('none')];
    const { images, words } = await inspect(lab.engine, refs, never);
    expect(images.map(({ id }) => id)).toEqual([image.blob.digest, image.blob.digest]);
    expect(words).toBe(`no such image: ${lab.name('none')}`);
    await untag(lab.engine, [lab.own('short')], never);
  });

  test('an image without one is left, with the reason', () => {
    const [named, unnamed] = [makeImage(lab.blobs, [lab.own('a')]), makeImage(lab.blobs, [lab.own('b')])];
    const { groups, members } = groupLoads(
      [node(undefined, unnamed), node(lab.name('a'), named), node(undefined, named)],
      lab.engine,
    );
    expect(groups).toMatchObject([{ names: [lab.name('a')] }]);
    expect(members.map(({ group }) => group)).toEqual([
      'containerd keeps no image without a name',
      groups[0],
      groups[0],
    ]);
  });
});

describe('by way of the sink', () => {
  const receive = (images: readonly ImageNode[], opened: Digest[] = []): Promise<Receipt> =>
    engineSink(lab.engine, depsWith()).receive(planOf(images), opener(lab.blobs, opened), never);

  test('only what is lacking is sent; then nothing', async () => {
    const base = makeImage(lab.blobs, [lab.own('a'), lab.own('b')]);
    const app = makeImage(lab.blobs, [lab.own('a'), lab.own('b'), lab.own('c')]);
    expect(await receive([node(lab.name('base'), base)])).toMatchObject({ items: [{ state: 'proven' }] });
    const opened: Digest[] = [];
    expect(await receive([node(lab.name('app'), app)], opened)).toMatchObject({ items: [{ state: 'proven' }] });
    const layers = new Set(app.layers.map(({ blob }) => blob.digest));
    expect(opened.filter((digest) => layers.has(digest))).toEqual([app.layers[2]!.blob.digest]);
    await expectWhole(lab.name('app'), app);
    expect(await receive([node(lab.name('app'), app)])).toMatchObject({ bytesMoved: 0, items: [{ state: 'present' }] });
    const left = (await ctrImages(lab.engine, never)).filter((image) => image.name.includes('ferry-incoming'));
    expect(left.filter(({ target }) => target === app.blob.digest || target === base.blob.digest)).toEqual([]);
  });

  test('a corrupt layer leaves the name where it was', async () => {
    const old = makeImage(lab.blobs, [lab.own('a')]);
    const next = makeImage(lab.blobs, [lab.own('a'), lab.own('b')]);
    await receive([node(lab.name('app'), old)]);
    lab.blobs.get(next.layers[1]!.blob.digest)!.writeUInt8(1, 5000);
    await expect(receive([node(lab.name('app'), next)])).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    expect(await lab.targetOf(lab.name('app'))).toBe(old.blob.digest);
    await expectWhole(lab.name('app'), old);
  });
});

test('a source: a save of several, by short name, read as any archive', async () => {
  const [one, two] = [makeImage(lab.blobs, [lab.own('a')]), makeImage(lab.blobs, [lab.own('b')], { form: 'gzip' })];
  await lab.load(lab.groupOf(one, 'one'));
  await lab.load(lab.groupOf(two, 'two'));
  const short = lab.name('one').replace('docker.io/', '');
  const source = await engineSource(lab.engine, [short, lab.name('two')], engineDeps(testContext()));
  const images = await source.images();
  expect(new Set(images.map(({ name, root }) => `${String(name)} ${root.digest}`))).toEqual(
    new Set([`${lab.name('one')} ${one.blob.digest}`, `${lab.name('two')} ${two.blob.digest}`]),
  );
  for (const { layers } of [one, two]) expect(source.has(layers[0]!.blob.digest)).toBe(true);
  await source.close();
  const missing = engineSource(lab.engine, [short, lab.name('none')], engineDeps(testContext()));
  await expect(missing).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining(lab.name('none')),
  });
});
