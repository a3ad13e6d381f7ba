import { afterAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ManifestNode } from '../../src/model/graph.js';
import { type Inventory, type InventoryImage } from '../../src/model/inventory.js';
import { type Digest, digestOf } from '../../src/primitives/digest.js';
import { chainIds } from '../../src/transports/engine/holdings.js';
import { engineStock } from '../../src/transports/engine/stock.js';
import { localMachine } from '../../src/transports/machine/local.js';
import { fakeEngine, type FakeOptions, program, removeTempFolders, tempFolder } from './fake-client.js';
import { makeImage } from './images.js';

afterAll(removeTempFolders);
const never = new AbortController().signal;
const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')];
const named = ({ images }: Inventory, name: string): InventoryImage | undefined =>
  images.find(({ names }) => names.includes(name));

const without = <T>(record: Record<string, T>, key: string | undefined): Record<string, T> =>
  Object.fromEntries(Object.entries(record).filter(([each]) => each !== key));

describe('Docker with a graph driver', () => {
  test('images with full names; layers and no blobs', async () => {
    const engine = fakeEngine();
    engine.add(a, [b, c], ['app:1', 'registry.example/app:1', '<none>:<none>']);
    engine.add(b, [b], []);
    const found = await engineStock(engine, never);
    expect(found.place).toEqual({
      kind: 'engine',
      engine: 'docker 28.5.2 (overlay2)',
      store: 'graphdriver',
      version: '28.5.2',
      platform: 'linux/amd64',
    });
    expect(found.images).toEqual([
      { names: [], id: b, manifests: [], diffIds: [b] },
      { names: ['docker.io/library/app:1', 'registry.example/app:1'], id: a, manifests: [], diffIds: [b, c] },
    ]);
    expect(found.blobs).toEqual([]);
  });

  test('what passes through is not there to stay', async () => {
    const engine = fakeEngine();
    engine.add(a, [a], ['ferry-incoming/0123456789ab:mabc1234-01234567', 'app:1']);
    engine.add(b, [b], ['ferry-incoming/0123456789ab:mabc1234-01234567']);
    engine.add(c, [c], ['ferry-checkpoint/0123456789ab:mabc1234-0123456789ab']);
    const { images } = await engineStock(engine, never);
    expect(images).toEqual([{ names: ['docker.io/library/app:1'], id: a, manifests: [], diffIds: [a] }]);
  });

  test('what was told already is not asked again', async () => {
    const engine = fakeEngine();
    await engineStock(engine, never, [{ id: a, diffIds: [], names: [], size: 1 }]);
    expect(engine.calls()).toEqual([]);
  });
});

/** Labels as containerd has them, of an image that is unpacked. */
const labelsOf = ({ blob, config, layers }: ManifestNode): Record<string, Record<string, string>> => ({
  [blob.digest]: Object.fromEntries([
    ['containerd.io/distribution.source.docker.io', 'library/app'],
    ['containerd.io/gc.ref.content.config', config.digest],
    ...layers.map((layer, at) => [`containerd.io/gc.ref.content.l.${String(at)}`, layer.blob.digest]),
  ]) as Record<string, string>,
  [config.digest]: {
    'containerd.io/gc.ref.snapshot.overlayfs': chainIds(layers.map(({ diffId }) => diffId)).at(-1) ?? '',
  },
  ...Object.fromEntries(layers.map((layer) => [layer.blob.digest, { 'containerd.io/uncompressed': layer.diffId }])),
});

describe('Docker with the containerd image store', () => {
  const image = makeImage(new Map(), ['x', 'y'], { form: 'gzip' });
  const other = makeImage(new Map(), ['z'], { form: 'gzip' });
  const gzipped = image.layers.map(({ blob }) => blob.digest);
  const content = { ...labelsOf(image), ...labelsOf(other) };
  const available = (id: string, ...manifests: readonly (readonly [string, boolean])[]): object => ({
    Id: id,
    Manifests: manifests.map(([ID, Available]) => ({ ID, Available })),
  });

  const stock = (answers: object, options: FakeOptions = {}): Promise<Inventory> => {
    const file = path.join(tempFolder(), 'answers.json');
    writeFileSync(file, JSON.stringify(answers));
    const dial = `exec '${process.execPath}' '${path.resolve(import.meta.dirname, 'moby-dial.mjs')}' '${file}'`;
    const engine = fakeEngine({ family: 'containerd', dial, ...options });
    const diffIds = image.layers.map(({ diffId }) => diffId);
    engine.add(image.blob.digest, diffIds, ['app:1']);
    return engineStock(engine, never);
  };

  test('blobs of its images, by its content store; manifests that are whole', async () => {
    const found = await stock({ images: [available(image.blob.digest, [image.blob.digest, true])], content });
    expect(found.blobs).toEqual([...gzipped].sort());
    expect(named(found, 'docker.io/library/app:1')).toMatchObject({ manifests: [image.blob.digest] });
  });

  test('an index counts only when all below it is there', async () => {
    const index = {
      [a]: { 'containerd.io/gc.ref.content.m.0': image.blob.digest, 'containerd.io/gc.ref.content.m.1': b },
    };
    const file = { images: [available(image.blob.digest, [c, true], [b, false])], content: { ...index, ...content } };
    expect(named(await stock(file), 'docker.io/library/app:1')?.manifests).toEqual([c]);
    const whole = { ...file, images: [available(image.blob.digest, [c, true], [b, true])] };
    expect(named(await stock(whole), 'docker.io/library/app:1')?.manifests).toEqual([image.blob.digest, b, c].sort());
  });

  test('a blob that is not there is not in it', async () => {
    const rest = without(content, gzipped[0]);
    expect((await stock({ content: rest })).blobs).toEqual([gzipped[1]]);
  });

  test('thousands of blobs', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 5000 }, (_, at) => [digestOf(String(at)), { key: 'v'.repeat(100) }]),
    );
    expect((await stock({ content: { ...many, ...content } })).blobs).toEqual([...gzipped].sort());
  });

  test.each<[string, object]>([
    ['no content store is offered', {}],
    ['it refuses', { content, grpcStatus: '12' }],
    ['a message is cut', { raw: '000000ffff00' }],
    ['a message is compressed', { raw: '010000000100' }],
    ['it says nonsense', { raw: '0000000003ffffff' }],
    ['a text is longer than its message', { raw: '00000000020a7f' }],
  ])('blobs are not known when %s', async (_, answers) => {
    expect(await stock(answers)).toMatchObject({
      blobs: [],
      images: [{ diffIds: image.layers.map(({ diffId }) => diffId) }],
    });
  });

  test('an older API does not tell of manifests', async () => {
    const found = await stock(
      { images: [available(image.blob.digest, [image.blob.digest, true])], content },
      { apiVersion: '1.47' },
    );
    expect(named(found, 'docker.io/library/app:1')).toMatchObject({ manifests: [] });
    expect(found.blobs).toEqual([...gzipped].sort());
  });

  test('an API that fails is an error', async () => {
    await expect(stock({ status: 500, content })).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
  });
});

describe('containerd by ctr', () => {
  const image = makeImage(new Map(), ['x', 'y'], { form: 'gzip' });
  const config = { rootfs: { diff_ids: image.layers.map(({ diffId }) => diffId) }, os: 'linux', architecture: 'amd64' };

  const stock = (content: Record<string, Record<string, string>>): Promise<Inventory> => {
    const folder = tempFolder();
    const rows = Object.entries(content).map(
      ([digest, labels]) =>
        `${digest}\t1kB\t1 day\t${Object.entries(labels)
          .map((pair) => pair.join('='))
          .join(',')}`,
    );
    writeFileSync(path.join(folder, 'content'), `DIGEST\tSIZE\tAGE\tLABELS\n${rows.join('\n')}\n`);
    writeFileSync(path.join(folder, 'config'), JSON.stringify(config));
    const file = program(`case "$*" in
      'images ls') echo 'docker.io/library/app:1 t ${image.blob.digest} 1.0 KiB linux/amd64 -' ;;
      'content ls') cat ${folder}/content ;;
      'content get ${image.config.digest}') cat ${folder}/config ;;
      *) exit 1 ;;
    esac`);
    return engineStock(
      { ...fakeEngine(), machine: localMachine, command: [file], family: 'ctr', version: '2.1.9' },
      never,
    );
  };
  const blobs = image.layers.map(({ blob }) => blob.digest).sort();
  const diffIds = image.layers.map(({ diffId }) => diffId);

  test('layers, blobs and the manifest that is whole', async () => {
    const found = await stock(labelsOf(image));
    expect(found).toMatchObject({ place: { store: 'containerd', engine: 'containerd 2.1.9' }, blobs });
    expect(found.images).toMatchObject([{ id: image.blob.digest, manifests: [image.blob.digest], diffIds }]);
  });

  test('a layer without its label is known from the config', async () => {
    const found = await stock({ ...labelsOf(image), [blobs[0]!]: {} });
    expect(found.images).toMatchObject([{ manifests: [image.blob.digest], diffIds }]);
    expect(found.blobs).toEqual(blobs);
  });

  test('a layer that is not there', async () => {
    const rest = without(labelsOf(image), blobs[0]);
    const found = await stock(rest);
    expect(found.images).toMatchObject([{ manifests: [], diffIds }]);
    expect(found.blobs).toEqual([blobs[1]]);
  });

  test('what is not unpacked is not known', async () => {
    const found = await stock({ ...labelsOf(image), [image.config.digest]: {} });
    expect(found.images).toMatchObject([{ manifests: [], diffIds: [] }]);
  });
});

describe('podman', () => {
  const record = (diffId: Digest, blob: Digest | undefined, more: object = {}): object => ({
    id: diffId.slice(7),
    'diff-digest': diffId,
    'compressed-diff-digest': blob,
    ...more,
  });

  const stock = async (list: string | undefined): Promise<Inventory> => {
    const dataRoot = tempFolder();
    mkdirSync(path.join(dataRoot, 'overlay-layers'));
    if (list !== undefined) writeFileSync(path.join(dataRoot, 'overlay-layers/layers.json'), list);
    const engine = fakeEngine({ family: 'podman', version: '5.0.0', storageDriver: 'overlay', dataRoot });
    engine.add(a, [a, b, c], ['docker.io/library/app:1']);
    return engineStock(engine, never);
  };

  test('the blobs that its layers came as', async () => {
    const list = [
      record(a, digestOf('a gz')),
      record(b, b),
      record(c, digestOf('c gz'), { flags: { incomplete: true } }),
      record(digestOf('other'), digestOf('other gz')),
      record(c, undefined),
      7,
    ];
    const found = await stock(JSON.stringify(list));
    expect(found).toMatchObject({ place: { store: 'podman', engine: 'podman 5.0.0' } });
    expect(found.blobs).toEqual([digestOf('a gz'), b].sort());
    expect(found.images).toMatchObject([{ manifests: [], diffIds: [a, b, c] }]);
  });

  test.each([undefined, 'no JSON', '{}'])('with %j for a list they are not known', async (list) => {
    expect((await stock(list)).blobs).toEqual([]);
  });
});

test('nerdctl tells of names alone', async () => {
  const line = JSON.stringify({ Name: 'docker.io/library/app:1', Digest: a, BlobSize: '1KiB' });
  const file = program(`echo '${line}'`);
  const found = await engineStock({ ...fakeEngine(), command: [file], family: 'nerdctl', version: '2.0.0' }, never);
  expect(found).toMatchObject({ place: { store: 'containerd' }, blobs: [] });
  expect(found.images).toEqual([{ names: ['docker.io/library/app:1'], id: a, manifests: [], diffIds: [] }]);
});
