import { readGraph } from '../../src/engine/graph.js';
import { planTransfer } from '../../src/engine/plan.js';
import { openVerified } from '../../src/engine/transfer.js';
import { decompress } from '../../src/codecs/decompress.js';
import { openArchive } from '../../src/formats/archive/open.js';
import { bundleLists } from '../../src/formats/bundle/documents.js';
import { encodeBundle } from '../../src/formats/bundle/encode.js';
import { type BundleFormat, bundleSink } from '../../src/formats/bundle/sink.js';
import { type ImageNode } from '../../src/model/graph.js';
import { type Platform } from '../../src/model/platform.js';
import { type Receipt } from '../../src/model/receipt.js';
import { type ImageSource } from '../../src/ports.js';
import { memoryAccess } from '../../src/primitives/random-access.js';
import { indexTar } from '../../src/tar/index-tar.js';
import { collect } from '../codecs/helpers.js';
import { testContext } from './context.js';

/** The images of a source, all of which must be whole. */
export async function imagesOf(source: ImageSource): Promise<ImageNode[]> {
  const { images, faults } = await readGraph(source, await source.images());
  if (faults[0] !== undefined) throw faults[0].error;
  return images.map(({ image }) => image);
}

/** Opens the bytes of an archive. */
export const openBytes = (bytes: Buffer, label = 'a.tar'): Promise<ImageSource> =>
  openArchive(memoryAccess(label, bytes), decompress, {});

/** A bundle of everything in a source: the file, and the receipt. */
export async function bundleOf(
  source: ImageSource,
  format: BundleFormat = 'tar',
  { platforms = [], level }: { platforms?: readonly Platform[]; level?: number } = {},
): Promise<{ bytes: Buffer; receipt: Receipt }> {
  let bytes: Buffer = Buffer.alloc(0);
  const write = async (stream: AsyncIterable<Uint8Array>): Promise<number> => (bytes = await collect(stream)).length;
  const { emit, signal } = testContext();
  const plan = planTransfer(await imagesOf(source), new Set());
  const sink = bundleSink({ label: 'out', format, level, platforms, write });
  return { receipt: await sink.receive(plan, openVerified(source, emit, signal), signal), bytes };
}

/** Pieces of a bundle, marks included. */
export async function piecesOf(source: ImageSource): Promise<(Uint8Array | symbol)[]> {
  const { images, blobs } = planTransfer(await imagesOf(source), new Set());
  const pieces: (Uint8Array | symbol)[] = [];
  for await (const piece of encodeBundle({ lists: bundleLists(images, []), blobs, open: (blob) => source.open(blob) }))
    pieces.push(piece);
  return pieces;
}

/** Members of a tar: name and contents, in order. */
export async function membersOf(tar: Buffer): Promise<[string, Buffer][]> {
  const { entries } = await indexTar(memoryAccess('a.tar', tar));
  return entries.map(({ name, offset, size }) => [name, tar.subarray(offset, offset + size)]);
}

/** A JSON member of a tar. */
export async function jsonIn<T>(tar: Buffer, name: string): Promise<T> {
  const found = (await membersOf(tar)).find(([member]) => member === name);
  return JSON.parse(found?.[1].toString() ?? '') as T;
}
