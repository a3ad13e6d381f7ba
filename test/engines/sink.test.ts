import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type ImageNode, type TreeNode } from '../../src/model/graph.js';
import { type Receipt } from '../../src/model/receipt.js';
import { type TransferEvent } from '../../src/ports.js';
import { type Digest, shortDigest } from '../../src/primitives/digest.js';
import { type Engine, engineSink, findEngine } from '../../src/transports/engine/index.js';
import {
  type Blobs,
  depsWith,
  encodeMembers,
  fresh,
  makeImage,
  makeIndex,
  opener,
  planOf,
} from '../transports/images.js';
import { client, clientOf, engineNames, idOf, must, namesWith, save, up, wipe } from './lab.js';

jest.setTimeout(120_000);
const never = new AbortController().signal;

describe.each(engineNames)('%s', (lab) => {
  const run = fresh();
  let count = 0;
  let engine: Engine;
  let blobs: Blobs;

  beforeAll(async () => {
    await up(lab);
    engine = await findEngine(clientOf(lab), never);
  }, 600_000);
  afterAll(() => wipe(lab, run));

  /** Names and layers of its own for each test. */
  const scene = (): { name: (word: string) => string; layer: (word: string) => string } => {
    blobs = new Map();
    const own = `${run}-${String(++count)}`;
    return { name: (word) => `docker.io/he/${own}-${word}:1`, layer: (word) => `${own}-${word}` };
  };
  const receive = async (
    images: readonly ImageNode[],
    opened: Digest[] = [],
    events: TransferEvent[] = [],
  ): Promise<Receipt> => {
    const sink = engineSink(engine, depsWith({}, events));
    return sink.receive(planOf(images), opener(blobs, opened), never);
  };
  const node = (name: string | undefined, root: TreeNode): ImageNode => ({ name, root });
  const layersOf = (opened: readonly Digest[], root: TreeNode): number => {
    const layers = root.kind === 'image' ? root.layers.map(({ blob }) => blob.digest) : [];
    return opened.filter((digest) => layers.includes(digest)).length;
  };
  const expectWhole = async (name: string, ...layers: readonly TreeNode[]): Promise<void> => {
    const [saved] = await save(lab, name);
    const [image] = layers;
    if (image?.kind !== 'image') throw new Error('an image was expected');
    expect(saved?.diffIds).toEqual(image.layers.map(({ diffId }) => diffId));
    expect(saved?.config).toBe(image.config.digest);
  };
  /** Of this test's own images: others may be using the engine. */
  const expectNoTemporary = async (): Promise<void> => {
    const own = [...blobs.keys()].map((digest) => `ferry-incoming/${shortDigest(digest)}:`);
    const names = await namesWith(lab, 'ferry-incoming');
    expect(names.filter((name) => own.some((part) => name.includes(part)))).toEqual([]);
  };

  test('takes an image of which it has nothing', async () => {
    const { name, layer } = scene();
    const image = makeImage(blobs, [layer('a'), layer('b')]);
    const events: TransferEvent[] = [];
    const receipt = await receive([node(name('x'), image)], [], events);
    expect(receipt.items).toEqual([
      { name: name('x'), digest: image.blob.digest, imageId: image.config.digest, state: 'proven' },
    ]);
    await expectWhole(name('x'), image);
    await expectNoTemporary();
    const sent = [...blobs.values()].reduce((sum, bytes) => sum + bytes.length, 0);
    expect(receipt.bytesMoved).toBe(sent);
    expect(events).toContainEqual({ type: 'image', name: name('x') });
  });

  test('is sent only what it lacks; then nothing; then only a name', async () => {
    const { name, layer } = scene();
    const base = makeImage(blobs, [layer('a'), layer('b')]);
    const app = makeImage(blobs, [layer('a'), layer('b'), layer('c')]);
    await receive([node(name('base'), base)]);
    const opened: Digest[] = [];
    const sink = engineSink(engine, depsWith());
    const present = await sink.present([node(name('app'), app)], never);
    expect(present).toEqual(new Set(base.layers.map(({ blob }) => blob.digest)));
    await receive([node(name('app'), app)], opened);
    expect(layersOf(opened, app)).toBe(1);
    await expectWhole(name('app'), app);

    const again = await receive([node(name('app'), app)]);
    expect(again).toMatchObject({ bytesMoved: 0, items: [{ state: 'present' }] });
    const second = await receive([node(name('second'), app)]);
    expect(second).toMatchObject({ bytesMoved: 0, items: [{ state: 'proven' }] });
    expect(await idOf(lab, name('second'))).toBe(await idOf(lab, name('app')));
    await expectNoTemporary();
  });

  test('takes the same layer twice, and under another parent', async () => {
    const { name, layer } = scene();
    const twice = makeImage(blobs, [layer('a'), layer('b'), layer('a')]);
    const other = makeImage(blobs, [layer('b'), layer('a')]);
    await receive([node(name('twice'), twice)]);
    await receive([node(name('other'), other)]);
    await expectWhole(name('twice'), twice);
    await expectWhole(name('other'), other);
    const longer = makeImage(blobs, [layer('a'), layer('b'), layer('c'), layer('a')]);
    await receive([node(name('longer'), longer)]);
    await expectWhole(name('longer'), longer);
  });

  test('gives two names for one load, and later images lean on earlier ones', async () => {
    const { name, layer } = scene();
    const base = makeImage(blobs, [layer('a'), layer('b')]);
    const app = makeImage(blobs, [layer('a'), layer('b'), layer('c')]);
    const opened: Digest[] = [];
    const receipt = await receive([node(name('one'), base), node(name('three'), app), node(name('two'), base)], opened);
    expect(receipt.items.map(({ state }) => state)).toEqual(['proven', 'proven', 'proven']);
    expect(layersOf(opened, app)).toBe(3);
    for (const word of ['one', 'two']) await expectWhole(name(word), base);
    await expectWhole(name('three'), app);
    await expectNoTemporary();
  });

  test('takes gzip layers, and leans on them', async () => {
    const { name, layer } = scene();
    const base = makeImage(blobs, [layer('a'), layer('b')], { form: 'gzip' });
    const app = makeImage(blobs, [layer('a'), layer('b'), layer('c')], { form: 'gzip' });
    await receive([node(name('base'), base), node(name('app'), app)]);
    await expectWhole(name('base'), base);
    await expectWhole(name('app'), app);
    const top = makeImage(blobs, [layer('a'), layer('b'), layer('d')], { form: 'gzip' });
    await receive([node(name('top'), top)]);
    await expectWhole(name('top'), top);
  });

  test.each(['plain', 'gzip'] as const)('has the base in the other form than the %s one sent', async (form) => {
    const { name, layer } = scene();
    const base = makeImage(blobs, [layer('a'), layer('b')], { form: form === 'gzip' ? 'plain' : 'gzip' });
    const app = makeImage(blobs, [layer('a'), layer('b'), layer('c')], { form });
    const next = makeImage(blobs, [layer('a'), layer('b'), layer('d')], { form });
    await receive([node(name('base'), base)]);
    const events: TransferEvent[] = [];
    const receipt = await receive([node(name('app'), app), node(name('next'), next)], [], events);
    expect(receipt.items.map(({ state }) => state)).toEqual(['proven', 'proven']);
    // Only the containerd store lets itself be told that it has a layer which it has in another form.
    const resent = events.filter(({ type }) => type === 'note').length;
    expect(resent).toBe(engine.family === 'containerd' && form === 'plain' ? 1 : 0);
    await expectWhole(name('app'), app);
    await expectWhole(name('next'), next);
    await expectWhole(name('base'), base);
    await expectNoTemporary();
  });

  test('takes an image without a name', async () => {
    const { layer } = scene();
    const image = makeImage(blobs, [layer('a')]);
    const receipt = await receive([node(undefined, image)]);
    expect(receipt.items).toMatchObject([{ name: undefined, state: 'proven' }]);
    const id = engine.family === 'containerd' ? image.blob.digest : image.config.digest;
    expect(await idOf(lab, id)).toBe(id);
    await expectWhole(engine.family === 'podman' ? id.slice(7) : id, image);
    await client(lab, ['rmi', id.slice(7)]);
  });

  test('takes from an index what it can run', async () => {
    const { name, layer } = scene();
    const here = makeImage(blobs, [layer('a')], { architecture: engine.platform.architecture });
    const foreign = makeImage(blobs, [layer('f')], { architecture: 's390x' });
    const index = makeIndex(blobs, [foreign, here]);
    const receipt = await receive([node(name('multi'), index)]);
    expect(receipt.items).toMatchObject([{ state: 'proven', imageId: here.config.digest, digest: index.blob.digest }]);
    expect((await save(lab, name('multi')))[0]?.diffIds).toEqual(here.layers.map(({ diffId }) => diffId));
    const id = engine.family === 'containerd' ? index.blob.digest : here.config.digest;
    expect(await idOf(lab, name('multi'))).toBe(id);
    expect(await receive([node(name('multi'), index)])).toMatchObject({ bytesMoved: 0, items: [{ state: 'present' }] });
  });

  test('keeps the old image, and its container, when a name moves', async () => {
    const { name, layer } = scene();
    const old = makeImage(blobs, [layer('a')], { label: 'old' });
    const next = makeImage(blobs, [layer('a'), layer('b')], { label: 'new' });
    await receive([node(name('app'), old)]);
    const oldId = await idOf(lab, name('app'));
    const container = await must(lab, ['create', name('app')]);
    await receive([node(name('app'), next)]);
    await expectWhole(name('app'), next);
    const image = await must(lab, ['inspect', '--type', 'container', '--format', '{{.Image}}', container]);
    expect(image.replace(/^(sha256:)?/, 'sha256:')).toBe(oldId);
    await must(lab, ['rm', container]);
    await must(lab, ['rmi', oldId!.slice('sha256:'.length)]);
    await expectNoTemporary();
  });

  test('keeps the old image when a layer is corrupt', async () => {
    const { name, layer } = scene();
    const old = makeImage(blobs, [layer('a')]);
    const whole = makeImage(blobs, [layer('a'), layer('w')]);
    const next = makeImage(blobs, [layer('a'), layer('b')], { label: 'new' });
    await receive([node(name('app'), old)]);
    blobs.get(next.layers[1]!.blob.digest)!.writeUInt8(1, 5000);
    const broken = receive([node(name('whole'), whole), node(name('app'), next)]);
    await expect(broken).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    await expectWhole(name('app'), old);
    expect(await idOf(lab, name('whole'))).toBeUndefined();
    await expectNoTemporary();
  });

  test('keeps the old image when a compressed layer is not what the config says', async () => {
    const { name, layer } = scene();
    const old = makeImage(blobs, [layer('a')]);
    await receive([node(name('app'), old)]);
    const diffIds = makeImage(new Map(), [layer('b'), layer('x')]).layers.map(({ diffId }) => diffId);
    const lying = makeImage(blobs, [layer('b'), layer('c')], { form: 'gzip', diffIds });
    await expect(receive([node(name('app'), lying)])).rejects.toMatchObject({
      code: 'BLOB_CORRUPT',
      message: expect.stringContaining('after decompressing'),
    });
    await expectWhole(name('app'), old);
    await expectNoTemporary();
  });

  test('refuses what the engine cannot unpack, in its own words', async () => {
    const { name, layer } = scene();
    const image = makeImage(blobs, [layer('a'), layer('b')]);
    // The encoder sends another layer's bytes, as a faulty one might: only the engine can notice.
    const members: typeof encodeMembers = (list, open) =>
      encodeMembers(list, (blob) => {
        if (blob.digest !== image.layers[1]!.blob.digest) return open(blob);
        return [Buffer.alloc(blob.size, 7)] as unknown as ReturnType<typeof open>;
      });
    const sink = engineSink(engine, depsWith({ members }));
    const broken = sink.receive(planOf([node(name('app'), image)]), opener(blobs), never);
    await expect(broken).rejects.toMatchObject({ code: 'ENGINE_FAILED', message: expect.stringContaining('loading') });
    expect(await idOf(lab, name('app'))).toBeUndefined();
    await expectNoTemporary();
  });

  test('leaves the old image when it is stopped in the middle', async () => {
    const { name, layer } = scene();
    const old = makeImage(blobs, [layer('a')]);
    await receive([node(name('app'), old)]);
    const next = makeImage(blobs, [layer('a'), layer('b'), layer('c')], { label: 'new', size: 2_000_000 });
    const stop = new AbortController();
    const slow = opener(blobs);
    const deps = depsWith();
    const receiving = engineSink(engine, deps).receive(
      planOf([node(name('app'), next)]),
      async function* (blob) {
        for await (const chunk of slow(blob)) {
          const half = Math.ceil(chunk.length / 2);
          yield chunk.subarray(0, half);
          if (blob.size > 1_000_000) stop.abort(new Error('enough'));
          await new Promise((resolve) => setTimeout(resolve, 20));
          yield chunk.subarray(half);
        }
      },
      stop.signal,
    );
    await expect(receiving).rejects.toThrow('enough');
    await expectWhole(name('app'), old);
    await expectNoTemporary();
  });

  test('a failure takes nothing else away: not even an image without a name that it builds on', async () => {
    const { name, layer } = scene();
    const base = makeImage(blobs, [layer('a')]);
    const app = makeImage(blobs, [layer('a'), layer('b')]);
    const corrupt = makeImage(blobs, [layer('x')]);
    await receive([node(undefined, base)]);
    blobs.get(corrupt.layers[0]!.blob.digest)!.writeUInt8(1, 5000);
    await expect(receive([node(name('app'), app), node(name('x'), corrupt)])).rejects.toThrow();
    const id = engine.family === 'containerd' ? base.blob.digest : base.config.digest;
    expect(await idOf(lab, id)).toBe(id);
    await expectNoTemporary();
    await client(lab, ['rmi', id.slice(7)]);
  });

  test('loses the temporary names that a killed run left behind', async () => {
    const { name, layer } = scene();
    const left = makeImage(blobs, [layer('left')]);
    const stale = `docker.io/ferry-incoming/${left.config.digest.slice(7, 19)}:${(Date.now() - 8 * 86_400_000).toString(36)}-00000000`;
    await receive([node(name('left'), left)]);
    await must(lab, ['tag', name('left'), stale]);
    await receive([node(name('x'), makeImage(blobs, [layer('a')]))]);
    await expectNoTemporary();
    await expectWhole(name('left'), left);
  });
});
