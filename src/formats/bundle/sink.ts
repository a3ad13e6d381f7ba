import { createHash, type Hash } from 'node:crypto';
import { gzip } from '../../codecs/gzip.js';
import { BOUNDARY, seekableZstd } from '../../codecs/seekable.js';
import { zstdCodec } from '../../codecs/zstd.js';
import { type Plan } from '../../model/plan.js';
import { type Platform } from '../../model/platform.js';
import { itemOf, type Receipt } from '../../model/receipt.js';
import { type Reliance } from '../../model/reliance.js';
import { type ImageSink } from '../../ports.js';
import { type ByteStream } from '../../primitives/bytes.js';
import { type Digest, digestOf } from '../../primitives/digest.js';
import { bundleLists, listsDigest } from './documents.js';
import { encodeBundle } from './encode.js';

export type BundleFormat = 'tar' | 'tar.zst' | 'tar.gz';

/** The default level of each compression: where more time stops buying much (docs/performance.md). */
export const defaultLevel: Readonly<Record<BundleFormat, number>> = { tar: 0, 'tar.zst': 3, 'tar.gz': 6 };

export interface BundleSinkOptions {
  readonly label: string;
  readonly format: BundleFormat;
  readonly level?: number | undefined;
  /** Which platform of an index `manifest.json` names. */
  readonly platforms: readonly Platform[];
  /** What is left out; undefined: nothing. */
  readonly reliance?: Reliance | undefined;
  /**
   * Takes the bytes of the file and gives their number; nothing may appear under a name before they end. `lists` stands
   * for what is in it (`SourceFacts.lists`).
   */
  readonly write: (bytes: ByteStream, lists: Digest, plan: Plan) => Promise<number>;
}

/** A bundle as a file or stream, written whole: what it has beforehand is what is left out of it. */
export function bundleSink({ label, format, level, platforms, reliance, write }: BundleSinkOptions): ImageSink {
  return {
    label,
    present: () => Promise.resolve(new Set(reliance?.layers.map(({ digest }) => digest))),
    receive: async (plan, open): Promise<Receipt> => {
      const hash = createHash('sha256');
      const lists = bundleLists(plan.images, platforms, reliance);
      const identity = listsDigest(lists);
      const pieces = hashed(encodeBundle({ lists, blobs: plan.blobs, open }), hash);
      const fileSize = await write(await compress(pieces, format, level ?? defaultLevel[format]), identity, plan);
      return {
        items: storedItems(plan),
        bytesMoved: plan.totals.bytesToCopy,
        lists: identity,
        tarDigest: digestOf(hash),
        fileSize,
      };
    },
  };
}

/** Receipt items of a file or folder that is whole. */
export const storedItems = (plan: Plan): Receipt['items'] => plan.images.map((image) => itemOf(image, 'stored'));

type Piece = Uint8Array | typeof BOUNDARY;

async function* hashed(pieces: AsyncIterable<Piece>, hash: Hash): AsyncGenerator<Piece> {
  for await (const piece of pieces) {
    if (piece !== BOUNDARY) hash.update(piece);
    yield piece;
  }
}

async function compress(pieces: AsyncIterable<Piece>, format: BundleFormat, level: number): Promise<ByteStream> {
  if (format === 'tar.zst') return seekableZstd(pieces, { level, codec: await zstdCodec() });
  const plain = withoutMarks(pieces);
  return format === 'tar.gz' ? gzip(plain, level) : plain;
}

async function* withoutMarks(pieces: AsyncIterable<Piece>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) if (piece !== BOUNDARY && piece.byteLength > 0) yield piece;
}
