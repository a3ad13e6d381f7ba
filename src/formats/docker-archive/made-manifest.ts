import { type Descriptor } from '../../model/descriptor.js';
import { isArray, isObject, type Json } from '../../model/json.js';
import { mediaTypes } from '../../model/media-types.js';
import { digestOf, isDigest } from '../../primitives/digest.js';
import { type Expected } from '../../primitives/verified.js';

/** What a manifest is made of: the config and the plain layers (digest = diffID), bottom first. */
export interface ManifestParts {
  readonly config: Expected;
  readonly layers: readonly Expected[];
}

/**
 * The manifest of an image that came without one: byte for byte what `docker save` of Docker 25 and later writes into
 * `blobs/sha256` with a graph driver (moby image/tarexport/save.go). Measured on Docker 26.1.5 and 28.5.2 with overlay2:
 * the order of keys, no white space, OCI media types whatever the image came as, layers plain, no annotations.
 */
export function makeManifest({ config, layers }: ManifestParts): Buffer {
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: descriptorOf(mediaTypes.ociConfig, config),
    layers: layers.map((layer) => descriptorOf(mediaTypes.ociLayer, layer)),
  };
  return Buffer.from(JSON.stringify(document), 'utf8');
}

/** The descriptor of what `makeManifest` makes of `parts`. */
export function madeManifestDescriptor(parts: ManifestParts): Descriptor {
  const bytes = makeManifest(parts);
  return { mediaType: mediaTypes.ociManifest, digest: digestOf(bytes), size: bytes.byteLength };
}

/** Whether `document` is just what `makeManifest` would make of its own config and layers. Never throws. */
export function isMadeManifest(document: Uint8Array): boolean {
  const bytes = Buffer.from(document.buffer, document.byteOffset, document.byteLength);
  const parts = partsOf(parsed(bytes));
  return parts !== undefined && makeManifest(parts).equals(bytes);
}

const descriptorOf = (mediaType: string, { digest, size }: Expected): Descriptor => ({ mediaType, digest, size });

function parsed(bytes: Buffer): Json | undefined {
  try {
    return JSON.parse(bytes.toString('utf8')) as Json;
  } catch {
    return undefined;
  }
}

function partsOf(document: Json | undefined): ManifestParts | undefined {
  if (!isObject(document) || !isArray(document['layers'])) return undefined;
  const config = blobOf(document['config']);
  const layers = document['layers'].map(blobOf).filter((layer) => layer !== undefined);
  return config !== undefined && layers.length === document['layers'].length ? { config, layers } : undefined;
}

function blobOf(value: Json | undefined): Expected | undefined {
  if (!isObject(value)) return undefined;
  const { digest, size } = value;
  return isDigest(digest) && typeof size === 'number' ? { digest, size } : undefined;
}
