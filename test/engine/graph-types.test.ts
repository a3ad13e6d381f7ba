import { describe, expect, test } from '@jest/globals';
import { readGraph } from '../../src/engine/graph.js';
import { type Descriptor } from '../../src/model/descriptor.js';
import { limits } from '../../src/primitives/limits.js';
import { Blobs } from '../helpers/blobs.js';

const read = (blobs: Blobs, ...roots: Descriptor[]): ReturnType<typeof readGraph> =>
  readGraph(
    blobs.source(),
    roots.map((root, i) => ({ name: `docker.io/library/i:${String(i)}`, root })),
  );

describe('one blob under several media types', () => {
  const blobs = new Blobs();
  const { root } = blobs.image();
  const unknown = { ...root, mediaType: 'application/x-unknown' };

  test.each([
    ['first', [unknown, root], ['opaque', 'image']],
    ['last', [root, unknown], ['image', 'opaque']],
  ])('an unknown one %s does not hide what it is under its own', async (_, roots, kinds) => {
    const { images, faults } = await read(blobs, ...roots);
    expect(faults).toEqual([]);
    expect(images.map(({ image }) => image.root.kind)).toEqual(kinds);
  });

  test('a manifest that is called an index elsewhere is a fault there alone', async () => {
    const index = { ...root, mediaType: 'application/vnd.oci.image.index.v1+json' };
    const { images, faults } = await read(blobs, root, index);
    expect(images).toHaveLength(1);
    expect(faults).toMatchObject([{ error: { code: 'BAD_ARCHIVE' } }]);
  });
});

test('indexes nested too deep are refused, in whatever order their parts are named', async () => {
  const blobs = new Blobs();
  const chain = [blobs.image().root];
  for (let i = 0; i < limits.nesting * 3; i++) chain.push(blobs.index([chain.at(-1)!]));
  const { images, faults } = await read(blobs, ...chain);
  expect(images).toHaveLength(limits.nesting + 1);
  expect(new Set(faults.map(({ error }) => error.code))).toEqual(new Set(['LIMIT']));
});
