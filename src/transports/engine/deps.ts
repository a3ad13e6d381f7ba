import { type ImageNode, type ManifestNode } from '../../model/graph.js';
import { type PlannedBlob } from '../../model/plan.js';
import { type Decompress, type Emit, type ImageSource, type OpenBlob } from '../../ports.js';
import { type ByteStream } from '../../primitives/bytes.js';

/** What the engine adapters are given: formats and codecs are not theirs. */
export interface EngineDeps {
  /**
   * One uncompressed tar that is an OCI layout and a `docker save` archive at once, with the blobs whose action is
   * `copy`. Blobs come first and index.json, manifest.json after all of them: a stream that breaks names nothing.
   */
  readonly encode: (images: readonly ImageNode[], blobs: readonly PlannedBlob[], open: OpenBlob) => ByteStream;
  /**
   * Opens what `docker save` writes. Reads `bytes` to its end, and rejects when it fails: the last chunk and the end
   * come only after the client's exit status is known. `expectedBytes` is an estimate for free space and progress.
   */
  readonly openStream: (label: string, bytes: ByteStream, expectedBytes: number | undefined) => Promise<ImageSource>;
  readonly decompress: Decompress;
  /** The same image (same config, so same image ID) with plain layers under a manifest made for them. */
  readonly plain: (image: ManifestNode, open: OpenBlob) => Promise<PlainImage>;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

export interface PlainImage {
  readonly image: ManifestNode;
  /** Opens the new blobs as well as the old ones. */
  readonly open: OpenBlob;
}
