import { expect } from '@jest/globals';
import { type Graph, readGraph } from '../../src/engine/graph.js';
import { type Descriptor } from '../../src/model/descriptor.js';
import { type ImageRecord, imagesIn, type TreeNode } from '../../src/model/graph.js';
import { formatPlatform } from '../../src/model/platform.js';
import { type Blobs } from './blobs.js';

export const record = (root: Descriptor, name?: string): ImageRecord => ({ name, root });
export const read = (blobs: Blobs, ...roots: (Descriptor | ImageRecord)[]): Promise<Graph> => {
  const records = roots.map((root) => ('root' in root ? root : record(root, 'docker.io/library/app:1')));
  return readGraph(blobs.source(records), records);
};

/** The tree of the one image, which must be whole. */
export async function treeOf(blobs: Blobs, root: Descriptor): Promise<TreeNode> {
  const { images, faults } = await read(blobs, root);
  expect(faults).toEqual([]);
  return images[0]!.image.root;
}

/** Code and message of the one fault. */
export async function graphFault(
  blobs: Blobs,
  root: Descriptor,
): Promise<{ code: string; message: string; hint: string | undefined }> {
  const { images, faults } = await read(blobs, root);
  expect([images.length, faults.length]).toEqual([0, 1]);
  return faults[0]!.error;
}

export const platformsOf = (node: TreeNode): string[] =>
  [...imagesIn(node)].map(({ platform }) => formatPlatform(platform));
