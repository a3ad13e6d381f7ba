import { describe, expect, test } from '@jest/globals';
import { readGraph } from '../../src/engine/graph.js';
import { type Descriptor } from '../../src/model/descriptor.js';
import { blobsIn, type IndexNode, type TreeNode } from '../../src/model/graph.js';
import { mediaTypes } from '../../src/model/media-types.js';
import { digestOf } from '../../src/primitives/digest.js';
import { limits } from '../../src/primitives/limits.js';
import { Blobs, forPlatform } from '../helpers/blobs.js';
import { graphFault, platformsOf, read, record, treeOf } from '../helpers/graphs.js';

const absentOf = (node: TreeNode): number => (node.kind === 'index' ? node.absent.length : 0);

describe('platforms that were left out on purpose', () => {
  const multi = (): {
    blobs: Blobs;
    amd: ReturnType<Blobs['image']>;
    arm: ReturnType<Blobs['image']>;
    index: Descriptor;
  } => {
    const blobs = new Blobs();
    const amd = blobs.image({ layers: ['shared', 'amd'] });
    const arm = blobs.image({ layers: ['shared', 'arm', 'arm2'], platform: { architecture: 'arm64' } });
    const index = blobs.index([forPlatform(amd.root, 'linux', 'amd64'), forPlatform(arm.root, 'linux', 'arm64')]);
    return { blobs, amd, arm, index };
  };

  test('everything there: nothing is absent', async () => {
    const { blobs, index } = multi();
    const tree = await treeOf(blobs, index);
    expect([platformsOf(tree), absentOf(tree)]).toEqual([['linux/amd64', 'linux/arm64'], 0]);
  });

  test('nothing of it there: not included', async () => {
    const { blobs, arm, index } = multi();
    const tree = await treeOf(blobs.drop(arm.root, arm.config, ...arm.layers.slice(1)), index);
    expect(platformsOf(tree)).toEqual(['linux/amd64']);
    expect((tree as IndexNode).absent).toEqual([forPlatform(arm.root, 'linux', 'arm64')]);
  });

  test('only its manifest there: not included; a layer shared with a whole sibling does not count', async () => {
    const { blobs, arm, index } = multi();
    const tree = await treeOf(blobs.drop(arm.config, ...arm.layers.slice(1)), index);
    expect([platformsOf(tree), absentOf(tree)]).toEqual([['linux/amd64'], 1]);
    expect([...blobsIn(tree)].map(({ blob }) => blob.digest)).not.toContain(arm.root.digest);
  });

  test('a blob shared with another whole image does not count', async () => {
    const { blobs, arm, index } = multi();
    const other = blobs.image({ layers: ['arm'], config: { comment: 'another image with a layer of it' } });
    blobs.drop(arm.config, arm.layers[2]!);
    const { images, faults } = await read(blobs, record(index, 'a'), record(other.root, 'b'));
    expect(faults).toEqual([]);
    expect(images.map(({ image }) => absentOf(image.root))).toEqual([1, 0]);
  });

  test.each([
    ['its config', 1],
    ['one layer', 2],
    ['all but one layer', 3],
  ])('some of its blobs there (without %s): BLOB_MISSING', async (_, which) => {
    const { blobs, arm, index } = multi();
    const gone = [[arm.config], [arm.layers[1]!], [arm.config, arm.layers[1]!]][which - 1]!;
    const fault = await graphFault(blobs.drop(...gone), index);
    expect(fault.code).toBe('BLOB_MISSING');
    expect(fault.message).toContain(gone[0]!.digest);
    expect(fault.message).toContain('of app:1 is not there');
  });

  test('all of them: an error that says so', async () => {
    const { blobs, amd, arm, index } = multi();
    const fault = await graphFault(blobs.drop(amd.root, arm.root), index);
    expect(fault).toMatchObject({ code: 'BLOB_MISSING', message: expect.stringContaining('none of the 2 manifests') });
  });

  test('a whole nested index may be left out too', async () => {
    const { blobs, amd, arm } = multi();
    const inner = blobs.index([arm.root]);
    blobs.drop(arm.root, arm.config, ...arm.layers.slice(1));
    expect(absentOf(await treeOf(blobs, blobs.index([amd.root, inner])))).toBe(1);
  });

  test('the rule is not for a manifest that a name leads to', async () => {
    const { blobs, arm } = multi();
    expect(await graphFault(blobs.drop(arm.root), arm.root)).toMatchObject({
      code: 'BLOB_MISSING',
      message: expect.stringContaining('manifest sha256:'),
    });
    const again = multi();
    expect(await graphFault(again.blobs.drop(again.arm.config, ...again.arm.layers), again.arm.root)).toMatchObject({
      code: 'BLOB_MISSING',
    });
  });
});

describe('lies and damage', () => {
  test('fewer diff_ids than layers', async () => {
    const blobs = new Blobs();
    const { root } = blobs.image({ layers: ['a', 'b'], config: { rootfs: { diff_ids: [digestOf('a')] } } });
    expect(await graphFault(blobs, root)).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: expect.stringContaining('expected as many diff_ids as the manifest has layers, 2, found 1'),
    });
  });

  test.each([
    ['a manifest', (blobs: Blobs) => blobs.image().root],
    ['an index', (blobs: Blobs) => blobs.index([blobs.image().root])],
  ])('%s whose bytes changed', async (_, make) => {
    const blobs = new Blobs();
    const root = make(blobs);
    expect(await graphFault(blobs.damage(root), root)).toMatchObject({
      code: 'BLOB_CORRUPT',
      message: expect.stringContaining(`test.tar: ${root.digest}`),
    });
  });

  test('a config whose bytes changed', async () => {
    const blobs = new Blobs();
    const { root, config } = blobs.image();
    expect(await graphFault(blobs.damage(config), root)).toMatchObject({
      code: 'BLOB_CORRUPT',
      message: expect.stringContaining('config sha256:'),
    });
  });

  test.each([-1, 1, 1000])('a size that is off by %i', async (off) => {
    const blobs = new Blobs();
    const { root } = blobs.image();
    expect(await graphFault(blobs, { ...root, size: root.size + off })).toMatchObject({ code: 'BLOB_CORRUPT' });
  });

  test('two manifests that state different sizes of one layer', async () => {
    const blobs = new Blobs();
    const honest = blobs.image();
    const liar = blobs.image({ config: { comment: 'x' }, manifest: { layers: [{ ...honest.layers[0], size: 999 }] } });
    const { images, faults } = await read(blobs, record(honest.root, 'a'), record(liar.root, 'b'));
    expect(images).toHaveLength(1);
    expect(faults[0]?.error).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: expect.stringContaining('999 bytes by b, and 5 by another'),
    });
  });

  test('a manifest over the budget is LIMIT', async () => {
    const blobs = new Blobs();
    const { root } = blobs.image({ manifest: { annotations: { a: 'x'.repeat(limits.manifestBytes) } } });
    expect(await graphFault(blobs, root)).toMatchObject({ code: 'LIMIT' });
  });

  test('a media type that contradicts the document', async () => {
    const blobs = new Blobs();
    const index = blobs.index([blobs.image().root]);
    expect(await graphFault(blobs, { ...index, mediaType: mediaTypes.ociManifest })).toMatchObject({
      code: 'BAD_ARCHIVE',
    });
  });

  test('schema 1 says what it is', async () => {
    const blobs = new Blobs();
    const root = blobs.put(mediaTypes.dockerManifestV1Signed, { schemaVersion: 1, fsLayers: [] });
    expect(await graphFault(blobs, root)).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: expect.stringContaining('schema 1'),
    });
  });

  test('one damaged image does not hide the others', async () => {
    const blobs = new Blobs();
    const all = ['a', 'b', 'c'].map((name) => ({ name, ...blobs.image({ layers: [name] }) }));
    blobs.damage(all[1]!.config);
    const { images, faults } = await read(blobs, ...all.map(({ root, name }) => record(root, name)));
    expect(images.map(({ record: { name } }) => name)).toEqual(['a', 'c']);
    expect(faults.map(({ record: { name }, error }) => [name, error.code])).toEqual([['b', 'BLOB_CORRUPT']]);
  });

  test('a damaged platform is a fault of every name that leads to it', async () => {
    const blobs = new Blobs();
    const [amd, arm] = [blobs.image(), blobs.image({ platform: { architecture: 'arm64' } })];
    const index = blobs.index([amd.root, arm.root]);
    blobs.damage(arm.root);
    const { images, faults } = await read(blobs, record(index, 'a'), record(index, 'b'));
    expect(images).toEqual([]);
    expect(faults.map(({ record: { name } }) => name)).toEqual(['a', 'b']);
  });

  test('what is no fault of the input is thrown', async () => {
    const blobs = new Blobs();
    const { root } = blobs.image();
    const source = {
      ...blobs.source(),
      open: () => {
        throw new RangeError('a bug');
      },
    };
    await expect(readGraph(source, [record(root)])).rejects.toThrow('a bug');
  });
});
