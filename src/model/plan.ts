import { type Digest } from '../primitives/digest.js';
import { type ImageNode, type ReachedBlob } from './graph.js';

/** One blob of a transfer. */
export interface PlannedBlob extends ReachedBlob {
  /** `present`: the receiver has it already, it does not move. */
  readonly action: 'copy' | 'present';
}

export interface PlanTotals {
  readonly images: number;
  /** Layers, counted once for each image that has them. */
  readonly layerUses: number;
  readonly uniqueLayers: number;
  /** Bytes of every blob of every image, as if nothing were shared. */
  readonly bytesUsed: number;
  /** Bytes of every blob once. */
  readonly bytesUnique: number;
  /** Of `bytesUnique`, what the receiver lacks. */
  readonly bytesToCopy: number;
}

/** One layer that is there in several forms, such as plain and gzip: the same contents, stored more than once. */
export interface LayerTwins {
  readonly diffId: Digest;
  readonly blobs: readonly Digest[];
}

/** What a transfer will do: a plain value, computed without I/O, from which everything else is read. */
export interface Plan {
  /** Sorted by name, then by digest; unnamed ones last. */
  readonly images: readonly ImageNode[];
  /** Every blob once, in order of digest. */
  readonly blobs: readonly PlannedBlob[];
  readonly totals: PlanTotals;
  readonly twins: readonly LayerTwins[];
}
