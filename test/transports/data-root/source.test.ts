import { afterAll, expect, test } from '@jest/globals';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { decompress } from '../../../src/codecs/decompress.js';
import { openTree } from '../../../src/formats/archive/open.js';
import { type ImageSource, type TransferEvent } from '../../../src/ports.js';
import { bytesOf, drain, readAll } from '../../../src/primitives/bytes.js';
import { type Digest } from '../../../src/primitives/digest.js';
import { type EngineDeps, engineSource } from '../../../src/transports/engine/index.js';
import { localMachine } from '../../../src/transports/machine/local.js';
import { type FakeEngine, fakeEngine, removeTempFolders } from '../fake-client.js';
import { depsWith } from '../images.js';
import { overlay2Root, type Unpacked } from './overlay2-root.js';

afterAll(removeTempFolders);

const file = (name: string, bytes: number): { name: string; bytes: Buffer } => ({
  name,
  bytes: Buffer.alloc(bytes, name),
});

interface Scene {
  readonly engine: FakeEngine;
  readonly id: Digest;
  readonly root: string;
  readonly layers: readonly Unpacked[];
  readonly events: TransferEvent[];
  open(...names: readonly string[]): Promise<ImageSource>;
}

/** An engine whose save fails, and its data root with an image of two layers: `app:1`. */
function scene(options: Parameters<typeof fakeEngine>[0] = {}, openSave?: () => ImageSource): Scene {
  const made = overlay2Root([[file('a', 3_000_000), file('b', 10)], [file('c', 2_000_000)]]);
  const engine = fakeEngine({ dataRoot: made.root, ...options });
  engine.add(
    made.id,
    made.layers.map(({ diffId }) => diffId),
    ['app:1', 'localhost/two:1'],
    [made.id.slice(7, 19), 'app'],
  );
  const events: TransferEvent[] = [];
  const openStream = async (...[, bytes]: Parameters<EngineDeps['openStream']>): Promise<ImageSource> => {
    if (openSave === undefined) await drain(bytes);
    return openSave!();
  };
  const deps = depsWith({ openTree: (tree) => openTree(tree, decompress), openStream }, events);
  return { ...made, engine, events, open: (...names) => engineSource(engine, names, deps) };
}

const wasSaved = ({ engine }: Scene): boolean => engine.calls().some((line) => line.startsWith('save'));

test('layers are read one by one, without a save', async () => {
  const at = scene();
  const source = await at.open('app:1', at.id.slice(7, 19));
  expect((await source.images()).map(({ name }) => name)).toEqual(['docker.io/library/app:1']);
  for (const { diffId, tar } of at.layers) {
    expect(source.has(diffId)).toBe(true);
    const bytes = await readAll(source.open({ digest: diffId, size: tar.length }), 10_000_000, 'a layer');
    expect(bytes.equals(tar)).toBe(true);
  }
  expect(wasSaved(at)).toBe(false);
});

test('an image by its ID has no name', async () => {
  const at = scene();
  expect((await (await at.open(at.id.slice(7, 19))).images()).map(({ name }) => name)).toEqual([undefined]);
});

test.each<[string, (at: Scene) => void, Parameters<typeof fakeEngine>[0]]>([
  [
    'cannot be read',
    (at) => {
      rmSync(path.join(at.root, 'image'), { recursive: true });
    },
    {},
  ],
  ['is not known', () => undefined, { dataRoot: undefined }],
  ['is of another driver', () => undefined, { storageDriver: 'btrfs' }],
  ['is on another machine', () => undefined, { machine: { ...localMachine, host: 'prod-1' } }],
])('a data root that %s is passed by', async (_, change, options) => {
  const at = scene(options);
  change(at);
  await expect(at.open('app:1')).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
});

test('a name that only the engine can tell is asked of it', async () => {
  await expect(scene().open('app')).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
});

test('a file that is gone: the layer goes on out of a save, where it ended', async () => {
  let saves = 0;
  const at = scene({}, () => {
    saves++;
    return spareOf(at.layers);
  });
  const source = await at.open('app:1');
  await source.images();
  rmSync(path.join(at.layers[0]!.folder, 'b'));
  for (let time = 0; time < 2; time++) {
    for (const { diffId, tar } of at.layers) {
      const bytes = await readAll(source.open({ digest: diffId, size: tar.length }), 10_000_000, 'a layer');
      expect(bytes.equals(tar)).toBe(true);
    }
  }
  expect(saves).toBe(1);
  expect(at.events).toContainEqual({
    type: 'note',
    message: expect.stringMatching(/diff\/b: no such file or folder: asking the engine for a save instead$/),
  });
});

test('a file at the start of a layer that cannot be read: no image is without its save', async () => {
  const at = scene({}, () => spareOf(at.layers));
  rmSync(path.join(at.layers[0]!.folder, 'a'));
  const source = await at.open('app:1');
  const { diffId, tar } = at.layers[0]!;
  const bytes = await readAll(source.open({ digest: diffId, size: tar.length }), 10_000_000, 'a layer');
  expect(bytes.equals(tar)).toBe(true);
});

test('a config that is damaged: what the engine saves counts', async () => {
  const at = scene({}, () => spareOf(at.layers));
  writeFileSync(path.join(at.root, 'image/overlay2/imagedb/content/sha256', at.id.slice(7)), '{');
  expect((await at.open('app:1')).label).toBe('a save');
});

test('closing ends a save that is still being made', async () => {
  const at = scene({ save: 'exec sleep 60' }, undefined);
  rmSync(path.join(at.layers[0]!.folder, 'b'));
  const source = await at.open('app:1');
  const { diffId, tar } = at.layers[0]!;
  const reading = readAll(source.open({ digest: diffId, size: tar.length }), 10_000_000, 'a layer');
  reading.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await source.close();
  await expect(reading).rejects.toThrow('abort');
}, 10_000);

/** What a save of these layers would be opened as. */
function spareOf(layers: readonly Unpacked[]): ImageSource {
  return {
    label: 'a save',
    images: () => Promise.resolve([]),
    has: () => true,
    open: ({ digest }) => bytesOf(layers.find(({ diffId }) => diffId === digest)!.tar),
    audit: async function* () {},
    close: () => Promise.resolve(),
  };
}
