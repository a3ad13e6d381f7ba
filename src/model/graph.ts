import { type Digest } from '../primitives/digest.js';
import { type Descriptor } from './descriptor.js';
import { type Platform } from './platform.js';

/** What a source says it holds: a name (fully qualified, or none) and the descriptor that the name leads to. */
export interface ImageRecord {
  readonly name: string | undefined;
  readonly root: Descriptor;
}

/** One layer of one image. `diffId` is the digest of its uncompressed tar (OCI image-spec, config.md). */
export interface LayerNode {
  readonly blob: Descriptor;
  readonly diffId: Digest;
  /** Not in the source, by design: a layer that its publisher does not allow to be distributed. */
  readonly foreign: boolean;
}

/** An image for one platform. */
export interface ManifestNode {
  readonly kind: 'image';
  readonly blob: Descriptor;
  readonly config: Descriptor;
  readonly platform: Platform;
  /** Bottom first. */
  readonly layers: readonly LayerNode[];
}

/** A manifest that is no image: an attestation, a signature, a chart. Carried, shown, never loaded. */
export interface ArtifactNode {
  readonly kind: 'artifact';
  readonly blob: Descriptor;
  /** The artifact type, or the media type of its config (OCI image-spec, manifest.md "artifactType"). */
  readonly type: string;
  /** Config and contents. */
  readonly parts: readonly Descriptor[];
  /** The manifest that this one is about, when it says so. */
  readonly subject: Digest | undefined;
}

/** A multi-platform image, or any other list of manifests. */
export interface IndexNode {
  readonly kind: 'index';
  readonly blob: Descriptor;
  readonly children: readonly TreeNode[];
  /** Entries whose contents were left out on purpose: nothing of them is there but, at most, their manifest. */
  readonly absent: readonly Descriptor[];
}

/** Something of a media type that ferry does not know: carried as the one blob that it is. */
export interface OpaqueNode {
  readonly kind: 'opaque';
  readonly blob: Descriptor;
}

export type TreeNode = ManifestNode | ArtifactNode | IndexNode | OpaqueNode;

/** A name with everything that it leads to. */
export interface ImageNode {
  readonly name: string | undefined;
  readonly root: TreeNode;
}

/** The images (one a platform) in a tree, in the order of their index. */
export function* imagesIn(node: TreeNode): Generator<ManifestNode> {
  if (node.kind === 'image') yield node;
  if (node.kind === 'index') for (const child of node.children) yield* imagesIn(child);
}

export type BlobKind = 'index' | 'manifest' | 'config' | 'layer' | 'other';

export interface ReachedBlob {
  readonly blob: Descriptor;
  readonly kind: BlobKind;
  /** Of a layer. */
  readonly diffId?: Digest;
}

/** Every blob in a tree that is there, parents before children, repeated where it is used repeatedly. */
export function* blobsIn(node: TreeNode): Generator<ReachedBlob> {
  switch (node.kind) {
    case 'image':
      yield { blob: node.blob, kind: 'manifest' };
      yield { blob: node.config, kind: 'config' };
      for (const { blob, diffId, foreign } of node.layers) if (!foreign) yield { blob, kind: 'layer', diffId };
      return;
    case 'artifact':
      yield { blob: node.blob, kind: 'manifest' };
      for (const blob of node.parts) yield { blob, kind: 'other' };
      return;
    case 'index':
      yield { blob: node.blob, kind: 'index' };
      for (const child of node.children) yield* blobsIn(child);
      return;
    case 'opaque':
      yield { blob: node.blob, kind: 'other' };
  }
}
