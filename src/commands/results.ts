/**
 * What the commands return: plain JSON values. With `--json` they are printed as they are, so every field here is part
 * of the documented interface (docs/cli.md, "JSON").
 */
import { type InventoryPlace } from '../model/inventory.js';
import { type Json } from '../model/json.js';
import { type LayerTwins, type PlanTotals } from '../model/plan.js';
import { type Receipt } from '../model/receipt.js';
import { type Reliance } from '../model/reliance.js';
import { type Digest } from '../primitives/digest.js';
import { type ErrorCode } from '../primitives/errors.js';

export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  /** Names (or digests, where there is no name) of the images that the fault breaks. Empty: none of them. */
  readonly images: readonly string[];
}

/** One platform of an image. */
export interface PlatformSummary {
  readonly platform: string;
  /** Digest of the config: the image ID in the sense of the OCI specification. */
  readonly imageId: Digest;
  readonly manifest: Digest;
  readonly layers: number;
  /** Bytes of the manifest, the config and each layer as stored in the source. */
  readonly bytes: number;
  /** Of these, bytes that another image in the list uses too. */
  readonly sharedBytes: number;
  /** Of `bytes`, those of layers that a thin bundle leaves out. */
  readonly reliedBytes?: number;
}

export interface ImageSummary {
  /** Fully qualified; undefined for an image without a name. */
  readonly name?: string;
  /** What the name leads to. */
  readonly digest: Digest;
  readonly kind: 'image' | 'index' | 'artifact' | 'opaque';
  readonly platforms: readonly PlatformSummary[];
  /** Platforms that the index lists and the source leaves out. */
  readonly notIncluded: readonly string[];
  /** What is no image in it: attestations, signatures, charts; by type, with bytes. */
  readonly artifacts: readonly { readonly type: string; readonly digest: Digest; readonly bytes: number }[];
}

export interface ListResult {
  readonly sources: readonly string[];
  readonly images: readonly ImageSummary[];
  readonly totals: PlanTotals;
  readonly twins: readonly LayerTwins[];
  /** Of a source that is a bundle: what people compare, in words (docs/BUNDLE-FORMAT.md). */
  readonly fingerprints: readonly { readonly source: string; readonly fingerprint: string }[];
  /** What thin bundles leave out, and `with` does not have. */
  readonly reliance?: Reliance;
  /** Images that cannot be read, and why. Not empty: exit status 3. */
  readonly faults: readonly Fault[];
}

export interface HistoryEntry {
  readonly created?: string;
  readonly createdBy: string;
  readonly comment?: string;
  /** Undefined: the step made no layer. */
  readonly layer?: {
    readonly digest: Digest;
    readonly diffId: Digest;
    readonly mediaType: string;
    readonly bytes: number;
    /** The other images in the source that have the same layer. */
    readonly alsoIn: readonly string[];
    /** Left out of a thin bundle. */
    readonly relied?: true;
  };
}

export interface InspectedPlatform extends PlatformSummary {
  readonly created?: string;
  /** The image's config document, as it is. */
  readonly config: Json;
  /** Bottom first; layers that no history step accounts for come last, with an empty `createdBy`. */
  readonly history: readonly HistoryEntry[];
}

export interface InspectedImage extends Omit<ImageSummary, 'platforms'> {
  readonly platforms: readonly InspectedPlatform[];
}

export interface InspectResult {
  readonly sources: readonly string[];
  readonly images: readonly InspectedImage[];
  /** What thin bundles leave out, and `with` does not have. */
  readonly reliance?: Reliance;
  readonly faults: readonly Fault[];
}

export interface InventoryResult {
  readonly place: InventoryPlace;
  readonly images: number;
  /** By diffID, each once. */
  readonly layers: number;
  /** Of layers, that are known to be there in just that form. */
  readonly blobs: number;
  /** What stands for the inventory: sha256 of its JSON without `checksum`. */
  readonly digest: Digest;
  /** Of the document. */
  readonly bytes: number;
  /** Of the compact form, with its line ends. */
  readonly compactCharacters: number;
  /** Where the document was written to. */
  readonly output?: string;
  /** The document itself, where it was not written to a file. */
  readonly document?: string;
}

export interface VerifyResult {
  readonly sources: readonly string[];
  readonly images: number;
  readonly blobs: number;
  /** Layers that were decompressed and compared with their diffID. */
  readonly layers: number;
  /** Bytes of the blobs that were read. */
  readonly bytes: number;
  /** Who signed, of each source, where that was asked. */
  readonly signed?: readonly {
    readonly source: string;
    readonly principals: string;
    readonly keyFingerprint: string;
  }[];
  /** Of each source that is a bundle: what people compare, in words (docs/BUNDLE-FORMAT.md). */
  readonly fingerprints: readonly { readonly source: string; readonly fingerprint: string }[];
  /** What thin bundles leave out and nobody has shown: not verified. */
  readonly reliance?: Reliance;
  /** With `sample` or `since`: of layers, only this part was read. */
  readonly sample?: SampledPart;
  readonly faults: readonly Fault[];
}

/** Part of the layers of an archive. */
export interface SampledPart {
  /** Of all layers, those whose turn it is on this day (`2026-11-21`). */
  readonly percent?: number;
  readonly day?: string;
  /** Those written since then, ISO 8601. */
  readonly since?: string;
  /** What was read, and what there is. */
  readonly blobs: number;
  readonly bytes: number;
  readonly of: { readonly blobs: number; readonly bytes: number };
}

/** A name that goes. */
export interface PrunedName {
  readonly name?: string;
  readonly digest: Digest;
  /** When the image was made, ISO 8601; absent where its config says nothing that can be true. */
  readonly created?: string;
  /** In words. */
  readonly why: string;
}

/** A name that stays. */
export interface KeptName extends Omit<PrunedName, 'why'> {
  /**
   * The rules that keep it; or `subject`: it is about (a signature, an attestation of) an image that stays; `orphan`:
   * about one that is not in the archive; `unnamed`: no rule can speak of it.
   */
  readonly by: readonly ('last' | 'name' | 'within' | 'subject' | 'orphan' | 'unnamed')[];
}

export interface PruneResult {
  readonly archive: string;
  readonly dryRun: boolean;
  readonly dropped: readonly PrunedName[];
  readonly kept: readonly KeptName[];
  /** Blobs that no name leads to any more, and files that broken writers left (`parts`). */
  readonly removed: {
    readonly blobs: number;
    readonly bytes: number;
    readonly parts: number;
    readonly partBytes: number;
  };
  readonly left: { readonly blobs: number; readonly bytes: number };
  readonly notes: readonly string[];
}

export interface DiffEntry {
  readonly name: string;
  readonly platform: string;
  readonly before?: Digest;
  readonly after?: Digest;
  /** Bytes of the layers (by diffID) that `after` has and nothing in A has. */
  readonly newBytes: number;
}

export interface DiffResult {
  readonly a: string;
  readonly b: string;
  readonly images: {
    readonly added: readonly DiffEntry[];
    readonly removed: readonly DiffEntry[];
    readonly changed: readonly DiffEntry[];
    readonly same: readonly DiffEntry[];
  };
  /** Layers by diffID, each once; bytes as stored. */
  readonly layers: {
    readonly added: { readonly count: number; readonly bytes: number };
    readonly removed: { readonly count: number; readonly bytes: number };
    readonly same: { readonly count: number; readonly bytes: number };
  };
}

export interface PackResult {
  readonly output: string;
  readonly dryRun: boolean;
  readonly images: readonly ImageSummary[];
  readonly totals: PlanTotals;
  readonly twins: readonly LayerTwins[];
  /** What a thin bundle leaves out. */
  readonly reliance?: Reliance;
  /** With `dryRun`, of a bundle that is compressed: the bytes that it can have. */
  readonly bytesAtMost?: number;
  /** The files that were written, each by its name in the folder, where they are several, proven or signed. */
  readonly files?: readonly { readonly name: string; readonly size: number; readonly sha256: Digest }[];
  /** The key that signed it, in words. */
  readonly signer?: string;
  /** It was read back and is what was written: from the device, or where that could not be made sure of, maybe not. */
  readonly readBack?: { readonly fileSystem: string; readonly cacheMayHaveAnswered: boolean };
  /** Things worth knowing: engines that cannot take this bundle, names that lost to others, and the like. */
  readonly notes: readonly string[];
  /** Undefined with `dryRun`. */
  readonly receipt?: Receipt;
}

export interface LoadResult {
  readonly engine: string;
  readonly dryRun: boolean;
  readonly totals: PlanTotals;
  readonly notes: readonly string[];
  readonly receipt?: Receipt & { readonly date: string };
}

/** What came of one host. */
export interface SentHost {
  /** As the user wrote it. */
  readonly host: string;
  /** `planned`: of a dry run; `cleaned`: of `clean`; `interrupted`: it was under way, or waiting, when all was ended. */
  readonly state: 'done' | 'planned' | 'cleaned' | 'failed' | 'interrupted';
  /** Name, version and store of its engine, as far as it was reached. */
  readonly engine?: string;
  /** What is to move and what is there, as it was known when the host was first asked. */
  readonly totals?: PlanTotals;
  readonly receipt?: Receipt;
  /** Bytes of image data that the connection was given, as compressed on the way, over all tries. */
  readonly bytesSent: number;
  readonly seconds: number;
  /** How often the connection was made anew. */
  readonly retries: number;
  readonly notes: readonly string[];
  /** Names under which parts of images wait on the host for the next try; with `cleaned`, those that were removed. */
  readonly checkpoints: readonly string[];
  readonly error?: Fault;
}

export interface SendResult {
  readonly dryRun: boolean;
  /** In the order in which they were given. */
  readonly hosts: readonly SentHost[];
  readonly notes: readonly string[];
  /** When it ended, ISO 8601. */
  readonly date: string;
}
