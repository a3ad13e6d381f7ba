import { type Descriptor } from './model/descriptor.js';
import { type ImageNode, type ImageRecord } from './model/graph.js';
import { type Plan } from './model/plan.js';
import { type Receipt } from './model/receipt.js';
import { type Reliance } from './model/reliance.js';
import { type ByteStream } from './primitives/bytes.js';
import { type Digest } from './primitives/digest.js';
import { type TransferError } from './primitives/errors.js';

/**
 * Where images come from: an archive, a folder, an engine. A source answers from what it holds; it does not check its
 * contents against their digests, whoever opens a blob does (`verified`).
 */
export interface ImageSource {
  /** What messages call it: the path or name that the user gave. */
  readonly label: string;
  /** The names it holds and what they lead to, in its own order; entries may repeat. @throws TransferError */
  images(): Promise<readonly ImageRecord[]>;
  /** Whether the bytes of this blob are there. Costs no reading of contents. */
  has(digest: Digest): boolean;
  /**
   * The bytes of a blob, from its first; any number of times, in any order.
   * @throws TransferError BLOB_MISSING when it is not there.
   */
  open(blob: Pick<Descriptor, 'digest' | 'size'>): ByteStream;
  /**
   * Faults of the container itself, which opening the blobs in `reached` does not find: broken frames, blobs that
   * nothing names and that are not what their name says. Reads only what those blobs do not cover.
   */
  audit(reached: ReadonlySet<Digest>): AsyncIterable<TransferError>;
  /** What is to be known of it as a whole, where it is an archive. @throws TransferError as `images` */
  facts?(): Promise<SourceFacts>;
  /** Frees files and temporary space. Idempotent. */
  close(): Promise<void>;
}

export interface SourceFacts {
  /**
   * sha256 of its `index.json` followed by its `manifest.json`, of these what it has. As they lead to everything by
   * digest, this stands for all that is in it, however it is compressed or cut.
   */
  readonly lists: Digest | undefined;
  /** Whether ferry wrote it. */
  readonly isBundle: boolean;
  /** Of a thin bundle. */
  readonly reliance: Reliance | undefined;
}

export type OpenBlob = (blob: Pick<Descriptor, 'digest' | 'size'>) => ByteStream;

/** Where images go: a file, a folder, an engine. */
export interface ImageSink {
  readonly label: string;
  /** The digests, of those that `images` reach, that this receiver has already, by its own rules. Changes nothing. */
  present(images: readonly ImageNode[], signal: AbortSignal): Promise<ReadonlySet<Digest>>;
  /**
   * Takes everything in `plan`: blobs first, names last. Either all of it is there afterwards under its names, or what
   * was there before. `open` gives verified bytes: they end only if size and digest are right.
   */
  receive(plan: Plan, open: OpenBlob, signal: AbortSignal): Promise<Receipt>;
}

/** Turns the bytes of a layer in whatever compression into its plain tar, judging by the bytes themselves. */
export type Decompress = (bytes: ByteStream, where: string) => ByteStream;

/** What a host is at. `failed` and `done` are the last. */
export type HostState =
  'waiting' | 'connecting' | 'asking' | 'ready' | 'sending' | 'proving' | 'naming' | 'retrying' | 'done' | 'failed';

export type TransferEvent =
  | { readonly type: 'start'; readonly what: string; readonly bytes: number | undefined }
  /** `host`: which of several receivers took them; undefined where there is one phase only. */
  | { readonly type: 'bytes'; readonly bytes: number; readonly host?: string }
  /**
   * One of several receivers, which work at the same time. `bytes` (what will move, before compression on the way) and
   * `present` (what is there already) are known from `ready` on; they are stated anew after `retrying`.
   */
  | {
      readonly type: 'host';
      readonly host: string;
      readonly state: HostState;
      readonly bytes?: number;
      readonly present?: number;
      /** Why, for `retrying` and `failed`; what came of it, for `done`. */
      readonly message?: string;
    }
  | { readonly type: 'image'; readonly name: string; readonly host?: string }
  | { readonly type: 'note'; readonly message: string; readonly host?: string }
  | { readonly type: 'end' };

export type Emit = (event: TransferEvent) => void;
