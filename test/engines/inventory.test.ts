import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inventory, inventoryOf } from '../../src/commands/inventory.js';
import { pack } from '../../src/commands/pack.js';
import { type ImageNode, type ManifestNode } from '../../src/model/graph.js';
import { type Inventory, type InventoryImage } from '../../src/model/inventory.js';
import { type Digest, hexOf } from '../../src/primitives/digest.js';
import { engineSink, findEngine, type Engine } from '../../src/transports/engine/index.js';
import { testContext } from '../helpers/context.js';
import { type Blobs, depsWith, fresh, makeImage, makeIndex, opener, planOf } from '../transports/images.js';
import { clientOf, type EngineName, idOf, labDir, labNames, save, up, wipe } from './lab.js';

jest.setTimeout(120_000);
const never = new AbortController().signal;
const configFile = path.join(labDir, 'ssh/config');

const diffIdsOf = ({ layers }: ManifestNode): readonly Digest[] => layers.map(({ diffId }) => diffId);
const blobsOf = ({ layers }: ManifestNode): readonly Digest[] => layers.map(({ blob }) => blob.digest);

/** Whether blobs of layers can be known. Docker with a graph driver keeps none. */
const keptBy = (lab: EngineName): boolean => !/^docker2\d$/.test(lab);

describe.each(labNames)('%s', (lab) => {
  const run = fresh();
  const blobs: Blobs = new Map();
  const plain = makeImage(blobs, [`${run}a`, `${run}b`, `${run}a`]);
  const gzip = makeImage(blobs, [`${run}a`, `${run}c`], { form: 'gzip' });
  const names = { plain: `docker.io/he/${run}-plain:1`, gzip: `docker.io/he/${run}-gzip:latest` };
  const [kept, isBlobStore] = [keptBy(lab), lab === 'docker28c' || lab === 'containerd2'];
  let engine: Engine;
  let here: Inventory;

  beforeAll(async () => {
    await up(lab);
    engine = await findEngine(clientOf(lab), never);
    await put(engine, blobs, { name: names.plain, root: plain }, { name: names.gzip, root: gzip });
    // What a transfer leaves for a while.
    const passing = makeImage(blobs, [`${run}p`]);
    await put(engine, blobs, { name: `docker.io/ferry-incoming/${run}:1`, root: passing });
    here = await inventoryOf('engine:', { engine: clientOf(lab) }, testContext());
  }, 600_000);
  afterAll(() => wipe(lab, run));

  const found = (from: Inventory, name: string): InventoryImage | undefined =>
    from.images.find((image) => image.names.includes(name));

  test('says what it is', () => {
    const store = lab.startsWith('podman') ? 'podman' : isBlobStore ? 'containerd' : 'graphdriver';
    expect(here.place).toMatchObject({ kind: 'engine', store, platform: 'linux/amd64', version: engine.version });
  });

  test('its images have the layers that its own save has', async () => {
    for (const name of Object.values(names)) {
      const [saved] = await save(lab, name);
      expect(found(here, name)).toMatchObject({ names: [name], id: await idOf(lab, name), diffIds: saved?.diffIds });
    }
    expect(here.images.some(({ names }) => names.some((name) => name.includes('ferry-incoming')))).toBe(false);
    const own = makeImage(new Map(), [`${run}p`]);
    expect(
      here.images.some(({ diffIds }) => diffIds.some((diffId) => diffIdsOf(own).some((other) => other === diffId))),
    ).toBe(false);
  });

  test('its blobs are those that it keeps', () => {
    const known = [plain, gzip].flatMap((image) => (kept ? blobsOf(image) : []));
    const ours = new Set([plain, gzip].flatMap((image) => [...blobsOf(image), ...diffIdsOf(image)]));
    const expected = known.filter((digest) => !(lab.startsWith('podman') && digest === blobsOf(gzip)[0]));
    expect(here.blobs.filter((digest) => ours.has(digest as Digest))).toEqual([...new Set(expected)].sort());
    if (lab === 'docker28c') for (const digest of here.blobs) expect(existsSync(fileOf(digest as Digest))).toBe(true);
    const manifests = isBlobStore ? [plain.blob.digest] : [];
    expect(found(here, names.plain)?.manifests).toEqual(manifests);
  });

  test('over ssh it says the same, but what only its storage tells', async () => {
    const options = { ssh: { configFile }, remoteEngine: path.basename(clientOf(lab)) };
    const there = await inventoryOf(`ssh://${lab}`, options, testContext());
    expect(there.place).toEqual(here.place);
    for (const name of Object.values(names)) expect(found(there, name)).toEqual(found(here, name));
    const ours = new Set<string>(blobsOf(gzip));
    const told = isBlobStore ? [...ours].sort() : [];
    expect(there.blobs.filter((digest) => ours.has(digest))).toEqual(told);
  });

  test('an image without a name counts, where the engine keeps it', async () => {
    if (lab === 'containerd2') return;
    const other = makeImage(blobs, [`${run}n`]);
    await put(engine, blobs, { name: undefined, root: other });
    const { images } = await inventoryOf('engine:', { engine: clientOf(lab) }, testContext());
    const nameless = images.find(({ diffIds }) => diffIds.includes(diffIdsOf(other)[0] ?? ''));
    expect(nameless).toMatchObject({ names: [], diffIds: diffIdsOf(other) });
    await removeById(engine, nameless?.id ?? '');
  });

  test('a bundle and a folder that were made of it have the same layers', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'ferry-test-'));
    try {
      const sources = Object.values(names).map((name) => `engine:${name}`);
      for (const output of [path.join(folder, 'release.tar.zst'), path.join(folder, 'layout')]) {
        await pack({ sources, engine: clientOf(lab), output }, testContext());
        const packed = await inventoryOf(output, {}, testContext());
        expect(packed.place).toMatchObject({ kind: 'archive', lists: expect.stringMatching(/^sha256:/) });
        for (const name of Object.values(names))
          expect(found(packed, name)?.diffIds).toEqual(found(here, name)?.diffIds);
      }
      const output = path.join(folder, 'site.txt');
      const { digest } = await inventory({ sources: [], engine: clientOf(lab), compact: true, output }, testContext());
      const read = await inventoryOf(output, {}, testContext());
      expect(digest).toMatch(/^sha256:/);
      const short = (digests: readonly string[] = []): string[] => digests.map((each) => each.slice(0, 19));
      expect(found(read, names.plain)?.diffIds).toEqual(short(found(here, names.plain)?.diffIds));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test('an index of which a platform was left out is not whole, its manifests are', async () => {
  await up('docker28c');
  const run = fresh();
  const blobs: Blobs = new Map();
  try {
    const engine = await findEngine(clientOf('docker28c'), never);
    const amd = makeImage(blobs, [`${run}x`], { form: 'gzip' });
    const arm = makeImage(blobs, [`${run}y`], { form: 'gzip', architecture: 'arm64' });
    const whole = makeIndex(blobs, [amd, arm]);
    const part = { ...makeIndex(blobs, [arm, amd]), children: [amd], absent: [arm.blob] };
    const [first, second] = [`docker.io/he/${run}-whole:1`, `docker.io/he/${run}-part:1`];
    await put(engine, blobs, { name: second, root: part });
    const before = await inventoryOf('engine:', { engine: clientOf('docker28c') }, testContext());
    const of = ({ images }: Inventory, name: string): InventoryImage | undefined =>
      images.find(({ names }) => names.includes(name));
    expect(of(before, second)).toMatchObject({ id: part.blob.digest, manifests: [amd.blob.digest] });
    expect(before.blobs).toEqual(expect.arrayContaining([...blobsOf(amd)]));
    expect(before.blobs).not.toContain(blobsOf(arm)[0]);
    await put(engine, blobs, { name: first, root: whole });
    const after = await inventoryOf('engine:', { engine: clientOf('docker28c') }, testContext());
    const all = [whole.blob.digest, amd.blob.digest, arm.blob.digest].sort();
    expect(of(after, first)).toMatchObject({ id: whole.blob.digest, manifests: all, diffIds: diffIdsOf(amd) });
    expect(after.blobs).toEqual(expect.arrayContaining([...blobsOf(amd), ...blobsOf(arm)]));
  } finally {
    await wipe('docker28c', run);
  }
});

async function put(engine: Engine, blobs: Blobs, ...images: readonly ImageNode[]): Promise<void> {
  await engineSink(engine, depsWith()).receive(planOf(images), opener(blobs), never);
}

async function removeById(engine: Engine, id: string): Promise<void> {
  const { exited } = engine.machine.start([...engine.command, 'rmi', '--force', id], false);
  await exited;
}

/** Where Docker's containerd keeps a blob. */
const fileOf = (digest: Digest): string =>
  path.join(labDir, 'docker28c/root/containerd/daemon/io.containerd.content.v1.content/blobs/sha256', hexOf(digest));
