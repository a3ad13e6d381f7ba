import { type Descriptor } from '../../model/descriptor.js';
import { type ImageNode, imagesIn, type ManifestNode } from '../../model/graph.js';
import { mediaTypes } from '../../model/media-types.js';
import { matchesPlatform, type Platform } from '../../model/platform.js';
import { taggedReference } from '../../model/reference.js';
import { type Reliance } from '../../model/reliance.js';
import { type Digest, digestOf } from '../../primitives/digest.js';
import { NAME_ANNOTATION, REF_ANNOTATION } from '../oci-layout/names.js';
import { blobPath } from '../oci-layout/reader.js';
import { encodeReliance, RELIANCE_ANNOTATION } from './reliance.js';

/** Marks an `index.json` as ferry's, with the version of the format: docs/BUNDLE-FORMAT.md. */
export const BUNDLE_ANNOTATION = 'io.image-ferry.bundle';
export const BUNDLE_VERSION = '1';

export const LAYOUT_DOCUMENT = '{"imageLayoutVersion":"1.0.0"}';

/** The two lists of a bundle, as they are written. */
export interface BundleLists {
  /** `index.json` */
  readonly index: string;
  /** `manifest.json` */
  readonly docker: string;
}

/** `platforms`: which platform of an index `manifest.json` names. `reliance`: what is left out. */
export function bundleLists(
  images: readonly ImageNode[],
  platforms: readonly Platform[],
  reliance?: Reliance,
): BundleLists {
  const annotations = {
    [BUNDLE_ANNOTATION]: BUNDLE_VERSION,
    ...(reliance && { [RELIANCE_ANNOTATION]: encodeReliance(reliance) }),
  };
  return { index: indexDocument(images.map(indexEntry), annotations), docker: dockerDocument(images, platforms) };
}

/** What stands for all that is in a bundle: `SourceFacts.lists`. */
export const listsDigest = ({ index, docker }: BundleLists): Digest => digestOf(index + docker);

/** One entry of `index.json`. An image without a name has no annotations. */
export interface IndexEntry {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function indexEntry(image: ImageNode): IndexEntry {
  const { mediaType, digest, size }: Descriptor = image.root.blob;
  const { name } = image;
  // Both annotations hold the full name: with a bare tag skopeo hands out the wrong image of two.
  return {
    mediaType,
    digest,
    size,
    ...(name !== undefined && { annotations: { [NAME_ANNOTATION]: name, [REF_ANNOTATION]: name } }),
  };
}

/** `index.json` (OCI image-spec, image-layout.md): one entry a name. */
export function indexDocument(entries: readonly IndexEntry[], annotations?: Readonly<Record<string, string>>): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: entries,
    ...(annotations !== undefined && { annotations }),
  });
}

/** `manifest.json` (Docker): what graph drivers read. Artifacts are not in it. */
function dockerDocument(images: readonly ImageNode[], platforms: readonly Platform[]): string {
  return JSON.stringify(
    images.flatMap((image) => {
      const manifest = platformForDocker(image, platforms);
      if (manifest === undefined) return [];
      const tag = image.name === undefined ? undefined : taggedReference(image.name);
      return [
        {
          Config: blobPath(manifest.config.digest),
          RepoTags: tag === undefined ? null : [tag],
          Layers: manifest.layers.map(({ blob }) => blobPath(blob.digest)),
        },
      ];
    }),
  );
}

/**
 * The one platform of an image that an engine with a graph driver gets: the first of `platforms` that it has, else
 * linux/amd64, else the first by digest; never the packing host's, so that the bundle is the same everywhere.
 */
export function platformForDocker(image: ImageNode, platforms: readonly Platform[]): ManifestNode | undefined {
  const candidates = [...imagesIn(image.root)].sort((a, b) => (a.blob.digest < b.blob.digest ? -1 : 1));
  for (const wanted of [...platforms, { os: 'linux', architecture: 'amd64' }]) {
    const found = candidates.find(({ platform }) => matchesPlatform(platform, wanted));
    if (found !== undefined) return found;
  }
  return candidates[0];
}
