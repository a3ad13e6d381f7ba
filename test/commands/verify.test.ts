import { describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { list } from '../../src/commands/list.js';
import { pack } from '../../src/commands/pack.js';
import { verify } from '../../src/commands/verify.js';
import { faultOf } from '../codecs/helpers.js';
import { Blobs, named } from '../helpers/blobs.js';
import { testContext } from '../helpers/context.js';
import { saveFile } from '../helpers/files.js';
import { layerTar, tarOf } from '../helpers/members.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const app = 'docker.io/library/app:1';

async function layout(path: string, blobs: Blobs, ...entries: Parameters<Blobs['layout']>[0]): Promise<string> {
  return put(path, await tarOf(blobs.layout(entries)));
}

describe('several sources', () => {
  test('each stands for itself: what one lacks or has damaged, another does not make good', async () => {
    const good = new Blobs();
    const image = good.image({ layers: ['a layer of some length'] });
    const a = await layout(at('a.tar'), good, named(image.root, app));
    const b = await layout(at('b.tar'), good.damage(image.layers[0]!), named(image.root, app));
    const c = await layout(at('c.tar'), good.drop(image.layers[0]!), named(image.root, app));
    expect((await verify({ sources: [a] }, testContext())).faults).toEqual([]);
    const { faults, images } = await verify({ sources: [a, b, c] }, testContext());
    expect(faults.map(({ code }) => code)).toEqual(['BLOB_CORRUPT', 'BLOB_MISSING']);
    expect(images).toBe(3);
  });

  test('different images under one name are shown and verified; only packing them is a conflict', async () => {
    const sources = [await saveFile(at('a.tar'), { 'app:1': ['x'] }), await saveFile(at('b.tar'), { 'app:1': ['y'] })];
    expect((await verify({ sources }, testContext())).faults).toEqual([]);
    expect((await list({ sources }, testContext())).images.map(({ name }) => name)).toEqual([app, app]);
    expect(await faultOf(pack({ sources, output: at('out.tar') }, testContext()))).toMatchObject({
      code: 'NAME_CONFLICT',
    });
  });
});

test('a gzip layer whose config calls its own digest the diffID is a fault: engines would refuse it', async () => {
  const blobs = new Blobs();
  const layer = gzipSync(await layerTar({ 'etc/x': 'x' }));
  const { root } = blobs.image({ layers: [layer] });
  const source = await layout(at('lying.tar'), blobs, named(root, app));
  const { faults } = await verify({ sources: [source] }, testContext());
  expect(faults).toMatchObject([{ code: 'BLOB_CORRUPT', images: ['app:1'] }]);
  expect(faults[0]?.message).toContain('diffID');
});

test('a damaged manifest is one fault, of one of all images', async () => {
  const blobs = new Blobs();
  const [one, two] = [blobs.image({ layers: ['1'] }), blobs.image({ layers: ['2'] })];
  const bytes = Buffer.from(
    blobs.bytes.get(two.root.digest)!.toString().replace('"schemaVersion":2', '"schemaVersion":3'),
  );
  const entries = [named(one.root, app), named(two.root, 'docker.io/library/two:1')];
  const source = await layout(at('x.tar'), blobs.damage(two.root, bytes), ...entries);
  const result = await verify({ sources: [source] }, testContext());
  expect(result.images).toBe(2);
  expect(result.faults.filter(({ images }) => images.includes('two:1'))).toHaveLength(1);
  expect(result.faults.filter(({ message }) => message.includes('no image needs it'))).toEqual(
    // What only the damaged manifest led to is hashed as well, and whole.
    [],
  );
});
