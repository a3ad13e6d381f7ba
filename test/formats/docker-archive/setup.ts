import { createGunzip } from 'node:zlib';
import { Readable } from 'node:stream';
import { readFileSync } from 'node:fs';
import { openDockerArchive } from '../../../src/formats/docker-archive/index.js';
import { type ImageRecord } from '../../../src/model/graph.js';
import { type Decompress, type ImageSource } from '../../../src/ports.js';
import { readAll } from '../../../src/primitives/bytes.js';
import { isTransferError, type TransferError } from '../../../src/primitives/errors.js';
import { type Member } from '../../helpers/members.js';
import { memoryTree, type MemoryTree } from '../../helpers/memory-tree.js';

/** gzip only; src/codecs has tests of its own. */
export const gunzip: Decompress = (bytes) => Readable.from(bytes).pipe(createGunzip());

export interface Opened {
  readonly tree: MemoryTree;
  readonly source: ImageSource;
}

export function openMembers(members: readonly Member[], chunk?: number): Promise<Opened> {
  const tree = memoryTree(members, chunk === undefined ? {} : { chunk });
  return Promise.resolve({ tree, source: openDockerArchive(tree, gunzip) });
}

export async function listMembers(members: readonly Member[]): Promise<readonly ImageRecord[]> {
  return (await openMembers(members)).source.images();
}

export const contentsOf = (source: ImageSource, blob: Parameters<ImageSource['open']>[0]): Promise<Buffer> =>
  readAll(source.open(blob), 1 << 24, 'test');

export interface TestManifest {
  readonly config: { readonly digest: `sha256:${string}`; readonly size: number };
  readonly layers: readonly { readonly digest: `sha256:${string}`; readonly size: number }[];
}

/** The manifest that a record leads to. */
export async function manifestOf(source: ImageSource, record: ImageRecord): Promise<TestManifest> {
  return JSON.parse((await contentsOf(source, record.root)).toString('utf8')) as TestManifest;
}

/** The error that listing the members ends with. */
export async function faultOf(members: readonly Member[]): Promise<TransferError> {
  try {
    await listMembers(members);
  } catch (error) {
    if (isTransferError(error)) return error;
    throw error;
  }
  throw new Error('expected an error');
}

export const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../../../fixtures/docker-archive/${name}`, import.meta.url));
