import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { inventory, inventoryOf } from '../../src/commands/inventory.js';
import { type InventoryOptions } from '../../src/commands/options.js';
import { pack } from '../../src/commands/pack.js';
import { compactInventory } from '../../src/formats/inventory/index.js';
import { type ImageNode, type TreeNode } from '../../src/model/graph.js';
import { inventoryJson } from '../../src/model/inventory.js';
import { digestOf } from '../../src/primitives/digest.js';
import { collect } from '../engines/lab.js';
import { testContext } from '../helpers/context.js';
import { small } from '../helpers/inventories.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';
import { fakeEngine, removeTempFolders } from '../transports/fake-client.js';
import { type Blobs, encodeTar, makeImage, makeIndex, opener, planOf } from '../transports/images.js';
import { useHosts } from './send-scene.js';

jest.setTimeout(60_000);
afterAll(removeTempFolders);
const at = useTempFolder();
const of = (word: string, options: Omit<InventoryOptions, 'sources'> = {}): ReturnType<typeof inventoryOf> =>
  inventoryOf(word, options, testContext());

/** An archive of images, as a file. */
async function archive(blobs: Blobs, ...images: readonly (readonly [string | undefined, TreeNode])[]): Promise<string> {
  const nodes = images.map(([name, root]): ImageNode => ({ name, root }));
  return put(at('images.tar'), await collect(encodeTar(nodes, planOf(nodes).blobs, opener(blobs))));
}

describe('what a word stands for', () => {
  test('an inventory, in either form, by its contents', async () => {
    expect(await of(put(at('site.json'), inventoryJson(small)))).toEqual(small);
    expect(await of(`file:${put(at('release.tar.zst'), inventoryJson(small))}`)).toEqual(small);
    const compact = await of(put(at('site.txt'), compactInventory(small)));
    expect(compact.images[1]?.id).toBe(small.images[1]?.id.slice(0, 19));
  });

  test('an archive: names, layers and blobs', async () => {
    const blobs: Blobs = new Map();
    const [app, db] = [makeImage(blobs, ['a', 'b'], { form: 'gzip' }), makeImage(blobs, ['a'])];
    const file = await archive(blobs, ['docker.io/x/app:1', app], ['docker.io/x/app:2', app], [undefined, db]);
    const found = await of(file);
    expect(found.place).toEqual({ kind: 'archive', lists: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
    expect(found.images).toEqual([
      { names: [], id: db.blob.digest, manifests: [db.blob.digest], diffIds: db.layers.map(({ diffId }) => diffId) },
      {
        names: ['docker.io/x/app:1', 'docker.io/x/app:2'],
        id: app.blob.digest,
        manifests: [app.blob.digest],
        diffIds: app.layers.map(({ diffId }) => diffId),
      },
    ]);
    expect(found.blobs).toEqual([...app.layers, ...db.layers].map(({ blob }) => blob.digest).sort());
  });

  test('a bundle and a folder', async () => {
    const blobs: Blobs = new Map();
    const file = await archive(blobs, ['docker.io/x/app:1', makeImage(blobs, ['a', 'b'], { form: 'gzip' })]);
    const { images, blobs: known } = await of(file);
    for (const output of [at('release.tar.zst'), at('release')]) {
      await pack({ sources: [file], output }, testContext());
      expect(await of(output)).toMatchObject({ images, blobs: known, place: { kind: 'archive' } });
    }
  });

  test('a thin bundle with all that it names: its receiver has had the rest', async () => {
    const blobs: Blobs = new Map();
    const old = await archive(blobs, ['docker.io/x/app:1', makeImage(blobs, ['a', 'b'])]);
    await pack({ sources: [old], output: at('old.tar') }, testContext());
    const next = await archive(blobs, ['docker.io/x/app:2', makeImage(blobs, ['a', 'b', 'c'])]);
    const full = await of(next);
    await pack({ sources: [next], base: [at('old.tar')], output: at('thin.tar') }, testContext());
    const thin = await of(at('thin.tar'));
    expect(thin).toMatchObject({ images: full.images, blobs: full.blobs });
  });

  test('each platform of an image; its index when all of it is there', async () => {
    const blobs: Blobs = new Map();
    const amd = makeImage(blobs, ['a']);
    const arm = makeImage(blobs, ['b'], { architecture: 'arm64' });
    const index = makeIndex(blobs, [amd, arm]);
    const whole = await of(await archive(blobs, ['docker.io/x/app:1', index]));
    expect(whole.images).toMatchObject(
      [amd, arm]
        .sort((a, b) => (a.blob.digest < b.blob.digest ? -1 : 1))
        .map(({ blob }) => ({
          names: ['docker.io/x/app:1'],
          id: blob.digest,
          manifests: [blob.digest, index.blob.digest].sort(),
        })),
    );
    const part = { ...index, children: [amd] } as TreeNode;
    const { images } = await of(await archive(blobs, ['docker.io/x/app:1', part]));
    expect(images).toMatchObject([{ id: amd.blob.digest, manifests: [amd.blob.digest] }]);
  });

  test('an archive with a fault is no place to count on', async () => {
    const blobs: Blobs = new Map();
    const image = makeImage(blobs, ['a']);
    const node: ImageNode = { name: 'docker.io/x/app:1', root: image };
    const lacking = planOf([node]).blobs.filter(({ kind }) => kind !== 'layer');
    const file = put(at('images.tar'), await collect(encodeTar([node], lacking, opener(blobs))));
    await expect(of(file)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
  });

  test('the engine of this machine', async () => {
    const engine = fakeLocal();
    const found = await of('engine:', { engine });
    expect(found).toMatchObject({ place: { engine: 'docker 28.5.2 (overlay2)' }, images: [{ id: digestOf('app') }] });
    expect(await inventory({ sources: [], engine }, testContext())).toMatchObject({ images: 1, layers: 1, blobs: 0 });
  });

  test.each([
    ['app:1.0', 'app:1.0: no such file or folder, and an image of the engine is no place'],
    ['engine:app:1.0', 'engine:app:1.0: an image of the engine is no place'],
    ['ssh://host/app:1.0', 'ssh://host/app:1.0: an image of a host is no place'],
  ])('%s is none', async (word, message) => {
    await expect(of(word)).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining(message) });
  });

  test.each([
    ['nothing.tar', 'NOT_FOUND'],
    ['https://example.org/site.json', 'USAGE'],
  ])('%s is %s', async (word, code) => {
    await expect(of(word)).rejects.toMatchObject({ code });
  });

  test('other files say what they are not', async () => {
    await expect(of(put(at('x.json'), '{ "a": 1 }'))).rejects.toMatchObject({ code: 'BAD_ARCHIVE' });
    await expect(of(put(at('x.txt'), 'hello'))).rejects.toMatchObject({ code: 'NOT_AN_IMAGE' });
  });
});

describe('of a host', () => {
  const scene = useHosts(at);

  test('its engine, over one connection', async () => {
    const host = await scene.fakeHost();
    const ssh = { configFile: scene.configFile() };
    const empty = await of(`ssh://${host.alias}`, { ssh });
    expect(empty).toMatchObject({ place: { kind: 'engine', store: 'graphdriver' }, images: [], blobs: [] });
    expect((await of(`ssh://${host.alias}/`, { ssh })).place).toEqual(empty.place);
  });
});

describe('the command', () => {
  test('gives the document, or writes it', async () => {
    const file = put(at('site.json'), inventoryJson(small));
    const result = await inventory({ sources: [file] }, testContext());
    expect(result).toEqual({
      place: small.place,
      images: 2,
      layers: 2,
      blobs: 2,
      digest: expect.stringMatching(/^sha256:/),
      bytes: Buffer.byteLength(inventoryJson(small)),
      compactCharacters: compactInventory(small).length,
      document: inventoryJson(small),
    });
    const output = at('copy.txt');
    const written = await inventory({ sources: [file], output, compact: true }, testContext());
    const { digest } = await inventory({ sources: [output] }, testContext());
    expect(written).toMatchObject({ output, digest, bytes: result.compactCharacters });
    expect(written).not.toHaveProperty('document');
    expect(readFileSync(output, 'utf8')).toBe(compactInventory(small));
  });

  test('is of one place', async () => {
    await expect(inventory({ sources: ['a', 'b'] }, testContext())).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('--base'),
    });
  });

  test('does not write over what it reads', async () => {
    const output = put(at('site.json'), inventoryJson(small));
    await expect(inventory({ sources: [output], output, compact: true }, testContext())).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('the output is a source'),
    });
    expect(readFileSync(output, 'utf8')).toBe(inventoryJson(small));
  });

  test('leaves what was there when it fails, and looks at the output first', async () => {
    const output = put(at('site.json'), 'old');
    await expect(inventory({ sources: [at('none.tar')], output }, testContext())).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(readFileSync(output, 'utf8')).toBe('old');
    mkdirSync(at('folder'));
    const options = { sources: [], engine: at('no-engine/docker'), output: at('folder') };
    await expect(inventory(options, testContext())).rejects.toMatchObject({ code: 'USAGE' });
    expect(existsSync(at('folder'))).toBe(true);
  });
});

/** A client that answers what a local engine is asked, by its path. */
function fakeLocal(): string {
  const engine = fakeEngine();
  engine.add(digestOf('app'), [digestOf('a')], ['app:1']);
  const inner = engine.command[0] ?? '';
  const version = JSON.stringify({
    Client: { ApiVersion: '1.51' },
    Server: { Version: '28.5.2', ApiVersion: '1.51', Os: 'linux', Arch: 'amd64' },
  });
  const info = JSON.stringify({ Driver: 'overlay2', DriverStatus: [] });
  const file = at('docker');
  const script = `case $1 in version) echo '${version}' ;; info) echo '${info}' ;; *) exec ${inner} "$@" ;; esac`;
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return file;
}
