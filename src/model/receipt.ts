import { type Digest } from '../primitives/digest.js';
import { type ImageNode, imagesIn } from './graph.js';

/**
 * - `stored`: in a file or folder, whole and verified;
 * - `proven`: in an engine, and the engine was asked afterwards;
 * - `present`: it was there before;
 * - `unproven`: the engine said that it loaded it, and cannot be asked for more; `note` says why;
 * - `skipped`: not for this receiver; `note` says why (artifacts are not for engines).
 */
export type ReceiptState = 'stored' | 'proven' | 'present' | 'unproven' | 'skipped';

export interface ReceiptItem {
  readonly name: string | undefined;
  /** Digest of the manifest or index that the name leads to. */
  readonly digest: Digest;
  /** Image ID in the sense of the OCI specification: digest of the config; of the loaded platform. */
  readonly imageId: Digest | undefined;
  readonly state: ReceiptState;
  readonly note?: string;
}

/** What came of a transfer. */
export interface Receipt {
  readonly items: readonly ReceiptItem[];
  /** Bytes that were written or sent, before any compression on the way. */
  readonly bytesMoved: number;
  /** What stands for all that is in a bundle (`SourceFacts.lists`), where one was written. */
  readonly lists?: Digest;
  /** Digest of the bundle's tar, where one was written. */
  readonly tarDigest?: Digest;
  /** Bytes of the file that was written, as it is on disk. */
  readonly fileSize?: number;
  /** Which engine took it: name, version, image store. */
  readonly engine?: string;
}

/** The receipt's line for an image: its ID is known where the name leads to one platform only. */
export function itemOf({ name, root }: ImageNode, state: ReceiptState, note?: string): ReceiptItem {
  const [first, second] = imagesIn(root);
  const imageId = second === undefined ? first?.config.digest : undefined;
  return { name, digest: root.blob.digest, imageId, state, ...(note !== undefined && { note }) };
}
