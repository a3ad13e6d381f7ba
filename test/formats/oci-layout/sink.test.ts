import { describe, expect, test } from '@jest/globals';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { openTree } from '../../../src/formats/archive/open.js';
import { ociLayoutSink } from '../../../src/formats/oci-layout/sink.js';
import { folderTree } from '../../../src/formats/tree/folder-tree.js';
import { readGraph } from '../../../src/engine/graph.js';
import { planTransfer } from '../../../src/engine/plan.js';
import { transfer } from '../../../src/engine/transfer.js';
import { decompress } from '../../../src/codecs/decompress.js';
import { type Descriptor } from '../../../src/model/descriptor.js';
import { type Plan } from '../../../src/model/plan.js';
import { type ImageRecord } from '../../../src/model/graph.js';
import { type Receipt } from '../../../src/model/receipt.js';
import { hexOf } from '../../../src/primitives/digest.js';
import { idOf } from '../../../src/primitives/process-id.js';
import { faultOf } from '../../codecs/helpers.js';
import { Blobs, forPlatform } from '../../helpers/blobs.js';
import { testContext } from '../../helpers/context.js';
import { put, useTempFolder } from '../../helpers/temp-folder.js';

const at = useTempFolder();
const blobs = new Blobs();
const [app, tool] = [blobs.image({ layers: ['base', 'app'] }), blobs.image({ layers: ['base', 'tool'] })];
const APP = 'docker.io/library/app:1';
const TOOL = 'docker.io/library/tool:1';

async function write(
  folder: string,
  records: readonly ImageRecord[],
  { from = blobs, signal = new AbortController().signal } = {},
): Promise<{ plan: Plan; receipt?: Receipt }> {
  const { images } = await readGraph(blobs.source(), records);
  return transfer({
    ...testContext(signal),
    what: 'packing',
    source: from.source(),
    images: images.map(({ image }) => image),
    sink: ociLayoutSink(folder),
  });
}

const entries = (folder: string): (Descriptor & { name: string | undefined })[] => {
  const { manifests } = JSON.parse(readFileSync(`${folder}/index.json`, 'utf8')) as { manifests: Descriptor[] };
  return manifests.map((entry) => ({
    ...entry,
    name: entry.annotations?.['io.containerd.image.name'] ?? entry.annotations?.['org.opencontainers.image.ref.name'],
  }));
};
const named = (folder: string): [string | undefined, string][] =>
  entries(folder).map(({ name, digest }) => [name, digest]);
const blobFile = ({ digest }: Descriptor): string => at('out/blobs/sha256', hexOf(digest));

describe('a new folder', () => {
  test('holds oci-layout, index.json and every blob, and nothing else', async () => {
    const { receipt, plan } = await write(at('new/out'), [
      { name: TOOL, root: tool.root },
      { name: APP, root: app.root },
      { name: undefined, root: app.root },
    ]);
    expect(readdirSync(at('new/out')).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
    expect(readdirSync(at('new/out/blobs/sha256')).sort()).toEqual([...blobs.bytes.keys()].map(hexOf).sort());
    expect(readFileSync(at('new/out/oci-layout'), 'utf8')).toBe('{"imageLayoutVersion":"1.0.0"}');
    expect(named(at('new/out'))).toEqual([
      [APP, app.root.digest],
      [TOOL, tool.root.digest],
      [undefined, app.root.digest],
    ]);
    expect(receipt).toMatchObject({
      bytesMoved: plan.totals.bytesUnique,
      items: [{ name: APP, state: 'stored' }, {}, {}],
    });
  });

  test('is the same whatever the order of images', async () => {
    const records = [
      { name: TOOL, root: tool.root },
      { name: APP, root: app.root },
    ];
    await write(at('a'), records);
    await write(at('b'), [...records].reverse());
    expect(readFileSync(at('a/index.json'))).toEqual(readFileSync(at('b/index.json')));
  });

  test('is read back', async () => {
    await write(at('out'), [{ name: APP, root: app.root }]);
    const source = openTree(folderTree(at('out')), decompress);
    expect((await readGraph(source, await source.images())).faults).toEqual([]);
  });
});

describe('a folder that exists', () => {
  test('gets only what it lacks; other names stay; one name is replaced', async () => {
    await write(at('out'), [
      { name: APP, root: app.root },
      { name: TOOL, root: tool.root },
    ]);
    const { plan } = await write(at('out'), [{ name: APP, root: tool.root }]);
    expect(plan.totals.bytesToCopy).toBe(0);
    expect(named(at('out'))).toEqual([
      [APP, tool.root.digest],
      [TOOL, tool.root.digest],
    ]);
  });

  test('entries without a name are not doubled', async () => {
    for (let i = 0; i < 2; i++) await write(at('out'), [{ name: undefined, root: app.root }]);
    expect(named(at('out'))).toEqual([[undefined, app.root.digest]]);
  });

  test.each([
    ['a short name', { 'io.containerd.image.name': 'app:1' }],
    ['a name in ref.name', { 'org.opencontainers.image.ref.name': 'app:1' }],
  ])('%s of another tool is the same name', async (_, annotations) => {
    await write(at('out'), [{ name: undefined, root: tool.root }]);
    put(at('out/index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ ...tool.root, annotations }] }));
    await write(at('out'), [{ name: APP, root: app.root }]);
    expect(named(at('out'))).toEqual([[APP, app.root.digest]]);
  });

  test('what another tool wrote beside the entries stays', async () => {
    await write(at('out'), [{ name: TOOL, root: tool.root }]);
    const foreign = { annotations: { 'x.y': 'z' }, artifactType: 'application/x' };
    const index = JSON.parse(readFileSync(at('out/index.json'), 'utf8')) as object;
    put(at('out/index.json'), JSON.stringify({ ...index, ...foreign }));
    await write(at('out'), [{ name: APP, root: app.root }]);
    expect(JSON.parse(readFileSync(at('out/index.json'), 'utf8'))).toMatchObject(foreign);
    expect(named(at('out'))).toHaveLength(2);
  });

  test('what another tool wrote into its entries stays', async () => {
    await write(at('out'), [{ name: TOOL, root: tool.root }]);
    const foreign = {
      ...tool.root,
      annotations: { 'io.containerd.image.name': TOOL, 'x.y': 'z' },
      platform: { os: 'linux', architecture: 'amd64' },
      urls: ['u'],
    };
    put(at('out/index.json'), JSON.stringify({ schemaVersion: 2, manifests: [foreign] }));
    await write(at('out'), [{ name: APP, root: app.root }]);
    expect(entries(at('out'))[1]).toEqual({ ...foreign, name: TOOL });
  });

  test('a blob that is damaged there is written anew, a whole one is not touched', async () => {
    await write(at('out'), [{ name: APP, root: app.root }]);
    const [base, own] = app.layers.map(blobFile);
    writeFileSync(own!, 'xyz');
    writeFileSync(base!, 'base');
    const { plan } = await write(at('out'), [{ name: APP, root: app.root }]);
    expect(plan.blobs.filter(({ action }) => action === 'copy').map(({ blob }) => blob.digest)).toEqual([
      app.layers[1]!.digest,
    ]);
    expect(readFileSync(own!, 'utf8')).toBe('app');
  });

  test.each([
    ['a README', 'README.md'],
    ['a folder of something else', '../out/src'],
  ])('with %s in it and no layout is refused, untouched', async (_, name) => {
    mkdirSync(at('out'));
    put(at('out', name), 'mine');
    const fault = await faultOf(write(at('out'), [{ name: APP, root: app.root }]));
    expect(fault).toMatchObject({
      code: 'USAGE',
      side: 'sink',
      message: expect.stringContaining('is no OCI image layout (it has '),
    });
    expect(readdirSync(at('out'))).toHaveLength(1);
  });

  test('that is a file is refused', async () => {
    put(at('out'), 'a file');
    expect(await faultOf(write(at('out'), [{ name: APP, root: app.root }]))).toMatchObject({ code: 'USAGE' });
  });

  test('that is empty, or has hidden files only, is taken', async () => {
    mkdirSync(at('out'));
    put(at('out/.DS_Store'), '');
    await write(at('out'), [{ name: APP, root: app.root }]);
    expect(named(at('out'))).toEqual([[APP, app.root.digest]]);
  });

  test('whose index.json has no list of entries is not overwritten', async () => {
    await write(at('out'), [{ name: APP, root: app.root }]);
    put(at('out/index.json'), '{"manifests":{}}');
    expect(await faultOf(write(at('out'), [{ name: TOOL, root: tool.root }]))).toMatchObject({ code: 'BAD_ARCHIVE' });
  });

  test('whose index.json is damaged is not overwritten', async () => {
    await write(at('out'), [{ name: APP, root: app.root }]);
    put(at('out/index.json'), '{"manifests":');
    expect(await faultOf(write(at('out'), [{ name: TOOL, root: tool.root }]))).toMatchObject({ code: 'BAD_ARCHIVE' });
    expect(readFileSync(at('out/index.json'), 'utf8')).toBe('{"manifests":');
  });

  test('that a living process writes is LOCKED', async () => {
    await write(at('out'), [{ name: APP, root: app.root }]);
    put(at('out/.ferry.lock'), idOf(process.ppid));
    expect(await faultOf(write(at('out'), [{ name: TOOL, root: tool.root }]))).toMatchObject({ code: 'LOCKED' });
    expect(named(at('out'))).toEqual([[APP, app.root.digest]]);
  });

  // A folder into which a `docker save` was unpacked: its manifest.json still names the old image.
  test.each(['manifest.json', 'repositories'])('that is an unpacked docker save, with %s, is refused', async (name) => {
    await write(at('out'), [{ name: APP, root: app.root }]);
    put(at('out', name), '[]');
    const before = readFileSync(at('out/index.json'));
    const fault = await faultOf(write(at('out'), [{ name: APP, root: tool.root }]));
    expect(fault).toMatchObject({ code: 'USAGE', message: expect.stringContaining(name) });
    expect(readFileSync(at('out/index.json'))).toEqual(before);
  });
});

describe('a blob that was there and is pruned before it is written', () => {
  test('is written after all', async () => {
    await write(at('out'), [{ name: APP, root: app.root }]);
    const { images } = await readGraph(blobs.source(), [{ name: TOOL, root: tool.root }]);
    const sink = ociLayoutSink(at('out'));
    const { signal } = new AbortController();
    const nodes = images.map(({ image }) => image);
    const plan = planTransfer(nodes, await sink.present(nodes, signal));
    const base = tool.layers[0]!;
    expect(plan.blobs.find(({ blob }) => blob.digest === base.digest)?.action).toBe('present');
    rmSync(blobFile(base));
    const { bytesMoved } = await sink.receive(plan, (blob) => blobs.source().open(blob), signal);
    expect(bytesMoved).toBe(plan.totals.bytesToCopy + base.size);
    expect(readFileSync(blobFile(base), 'utf8')).toBe('base');
  });
});

describe('a transfer that breaks off', () => {
  test('amid a further platform of an image that is there leaves that image whole', async () => {
    const all = new Blobs();
    const amd = all.image({ layers: ['amd'] });
    // A layer that comes after its manifest in the order of digests.
    const made = Array.from({ length: 40 }, (_, n) => all.image({ layers: [`arm ${String(n)}`, 'more'] }));
    const arm = made.find(({ root, layers }) => root.digest < layers[0]!.digest)!;
    const index = all.index([forPlatform(amd.root, 'linux', 'amd64'), forPlatform(arm.root, 'linux', 'arm64')]);
    const record = { name: APP, root: index };
    const add = async (from: Blobs, to: Blobs): Promise<unknown> => {
      const { images } = await readGraph(from.source(), [record]);
      const job = { ...testContext(), what: 'packing', images: images.map(({ image }) => image) };
      return faultOf(transfer({ ...job, source: to.source(), sink: ociLayoutSink(at('out')) }));
    };
    const part = new Blobs();
    for (const { digest } of [index, amd.root, amd.config, ...amd.layers])
      part.bytes.set(digest, all.bytes.get(digest)!);
    expect(await add(part, part)).toBeUndefined();
    const damaged = new Blobs();
    for (const [digest, bytes] of all.bytes) damaged.bytes.set(digest, bytes);
    expect(await add(all, damaged.damage(arm.layers[0]!))).toMatchObject({ code: 'BLOB_CORRUPT' });
    const source = openTree(folderTree(at('out')), decompress);
    expect((await readGraph(source, await source.images())).faults).toEqual([]);
  });

  test.each([
    ['damaged bytes', 'BLOB_CORRUPT', (copy: Blobs) => copy.damage(tool.layers[1]!)],
    ['a blob that is not there', 'BLOB_MISSING', (copy: Blobs) => copy.drop(tool.layers[1]!)],
  ])('by %s leaves the old index, no part and no lock', async (_, code, change) => {
    await write(at('out'), [{ name: APP, root: app.root }]);
    const before = readFileSync(at('out/index.json'));
    const copy = new Blobs();
    for (const [digest, bytes] of blobs.bytes) copy.bytes.set(digest, bytes);
    change(copy);
    expect(await faultOf(write(at('out'), [{ name: APP, root: tool.root }], { from: copy }))).toMatchObject({ code });
    expect(readFileSync(at('out/index.json'))).toEqual(before);
    expect(readdirSync(at('out')).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
    expect(readdirSync(at('out/blobs/sha256')).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('by Ctrl-C too', async () => {
    await write(at('out'), [{ name: APP, root: app.root }]);
    const stopped = write(at('out'), [{ name: APP, root: tool.root }], {
      signal: AbortSignal.abort(new Error('Ctrl-C')),
    });
    await expect(stopped).rejects.toThrow('Ctrl-C');
    expect(named(at('out'))).toEqual([[APP, app.root.digest]]);
  });

  test('parts of a process that is gone are removed by the next', async () => {
    await write(at('out'), [{ name: APP, root: app.root }]);
    put(at(`out/blobs/sha256/x.${idOf(99_999_999)}.part`), 'half');
    await write(at('out'), [{ name: TOOL, root: tool.root }]);
    expect(readdirSync(at('out/blobs/sha256')).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});
