import { type FileTree } from '../../formats/tree/file-tree.js';
import { type ImageNode, type ManifestNode } from '../../model/graph.js';
import { type PlannedBlob } from '../../model/plan.js';
import { type Decompress, type Emit, type ImageSource, type OpenBlob } from '../../ports.js';
import { type ByteStream } from '../../primitives/bytes.js';
import { type Digest } from '../../primitives/digest.js';
import { type Client } from './client.js';
import { type Engine } from './engine.js';
import { type Traces } from './traces.js';

/** What the engine adapters are given: how archives are read and written is not theirs. */
export interface EngineDeps {
  /**
   * The first part of an uncompressed tar that is an OCI layout and a `docker save` archive at once: the blobs whose
   * action is `copy`.
   */
  readonly members: (blobs: readonly PlannedBlob[], open: OpenBlob) => ByteStream;
  /** The rest of it: index.json, manifest.json and the end. They come last: a stream that breaks names nothing. */
  readonly lists: (images: readonly ImageNode[]) => ByteStream;
  /**
   * Opens what `docker save` writes. Reads `bytes` to its end, and rejects when it fails: the last chunk and the end
   * come only after the client's exit status is known. `expectedBytes` is an estimate for free space and progress.
   */
  readonly openStream: (
    label: string,
    bytes: ByteStream,
    expectedBytes: number | undefined,
    ways: SaveWays,
  ) => Promise<ImageSource>;
  /** Opens what an engine keeps, as if it had been saved; undefined: engines are asked for a save only. */
  readonly openTree?: ((tree: FileTree) => ImageSource) | undefined;
  /** The client to save with, where what it writes is compressed on the way here; undefined: the engine's own. */
  readonly saving?: ((engine: Engine) => Client) | undefined;
  readonly decompress: Decompress;
  /**
   * The same image (same config, so same image ID) with plain layers under a manifest made for them. Those that are
   * left out are not read: they are named only.
   */
  readonly plain: (image: ManifestNode, open: OpenBlob, isLeftOut: (layer: Digest) => boolean) => Promise<PlainImage>;
  /** Of an engine elsewhere; undefined: it is here, and takes plain bytes in one go. */
  readonly delivery?: Delivery | undefined;
  /** Compressed layers were checked against their diffIDs before `open` gave them. */
  readonly layersAreChecked?: boolean | undefined;
  /** Whether the source leaves a layer out: it cannot be sent, whatever turns out. */
  readonly isLeftOut?: ((layer: Digest) => boolean) | undefined;
  /** What the engine is being asked for. */
  readonly onStage?: ((stage: 'sending' | 'proving' | 'naming') => void) | undefined;
  /** A further name for the image that `name` led to before; undefined: it needs none. */
  readonly previousName?: ((name: string) => string | undefined) | undefined;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** How a save is opened. */
export interface SaveWays {
  /**
   * The layers in it, as far as the archive names them by digest, are not kept: they read as zeros. It is waited for when
   * the first bytes are there.
   */
  readonly drop: Promise<ReadonlySet<Digest>>;
  /** Something else is under way, and tells of its progress. */
  readonly isLate: boolean;
}

/** How loads travel to an engine elsewhere. */
export interface Delivery {
  /** Compresses what is sent. The same bytes always give the same bytes. */
  readonly compress: (tar: ByteStream) => ByteStream;
  /** What `compress` is, with its level and version. */
  readonly codec: string;
  /** Counts, and slows down, what is sent. */
  readonly meter: (bytes: ByteStream) => ByteStream;
  /** Words that stand before the client's: they decompress what the engine itself cannot. */
  readonly unpack: readonly string[];
  /** Bytes of layers that may be sent again when a line drops. More travel in parts that stay. */
  readonly checkpointBytes: number;
  /** Where a file for a single larger layer may be made; undefined: nowhere. */
  readonly partFolder: string | undefined;
  /** A word of this transfer's own, the same for all its tries. */
  readonly owner: string;
  readonly traces: Traces;
}

export interface PlainImage {
  readonly image: ManifestNode;
  /** Opens the new blobs as well as the old ones. */
  readonly open: OpenBlob;
}
