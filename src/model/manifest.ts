import { type Digest, parseDigest } from '../primitives/digest.js';
import { TransferError } from '../primitives/errors.js';
import { limits } from '../primitives/limits.js';
import { printable } from '../primitives/printable.js';
import { type Descriptor, malformed, parseDescriptor } from './descriptor.js';
import { isArray, isObject, type Json, type JsonObject, parseJson } from './json.js';
import { isConfigType, isIndexType, isLayerType, isManifestType, isSchemaOneType } from './media-types.js';

/** OCI image-spec, manifest.md, and Docker's schema 2: one image, or an artifact in the shape of one. */
export interface ManifestDocument {
  readonly kind: 'manifest';
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly artifactType: string | undefined;
  readonly subject: Digest | undefined;
}

/** OCI image-spec, image-index.md, and Docker's manifest list. */
export interface IndexDocument {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations: JsonObject | undefined;
}

/**
 * Parses the document that a descriptor of a manifest or index leads to.
 * @throws TransferError BAD_ARCHIVE when it is malformed, or is another kind of document than `stated` says: readers
 * that judge by the one or by the other would see different images (CVE-2021-41190).
 */
export function parseDocument(bytes: Uint8Array, stated: string, where: string): ManifestDocument | IndexDocument {
  const value = parseJson(bytes, where);
  if (!isObject(value)) throw malformed(where, 'a manifest or an index', value);
  if (value['schemaVersion'] === 1 || isSchemaOneType(stated)) throw schemaOne(where);
  if ('manifests' in value && ('layers' in value || 'config' in value)) {
    throw malformed(where, 'a manifest or an index', 'both in one document');
  }
  const mediaType = ownType(value) ?? stated;
  const isIndex = 'manifests' in value;
  const isOther = isIndex ? isManifestType : isIndexType;
  const contradiction = [mediaType, stated].find(isOther);
  if (contradiction !== undefined) {
    throw malformed(`${where}: media type`, `the one of ${isIndex ? 'an index' : 'a manifest'}`, contradiction);
  }
  return isIndex ? parseIndex(value, mediaType, where) : parseManifest(value, mediaType, where);
}

function ownType({ mediaType }: JsonObject): string | undefined {
  return typeof mediaType === 'string' && mediaType !== '' ? mediaType : undefined;
}

/** Parses an index; a `manifests` of null is an empty one (Docker 25 wrote that). */
export function parseIndex(value: JsonObject, mediaType: string, where: string): IndexDocument {
  const list = value['manifests'] ?? [];
  if (!isArray(list)) throw malformed(`${where}: manifests`, 'a list', list);
  checkCount(list, limits.images, `${where}: manifests`);
  const annotations = value['annotations'];
  return {
    kind: 'index',
    mediaType,
    manifests: list.map((entry, i) => parseDescriptor(entry, `${where}: manifests[${String(i)}]`)),
    annotations: isObject(annotations) ? annotations : undefined,
  };
}

function parseManifest(value: JsonObject, mediaType: string, where: string): ManifestDocument {
  const layers = value['layers'] ?? [];
  if (!isArray(layers)) throw malformed(`${where}: layers`, 'a list', layers);
  checkCount(layers, limits.layers, `${where}: layers`);
  const { artifactType } = value;
  const subject = value['subject'];
  return {
    kind: 'manifest',
    mediaType,
    config: parseDescriptor(value['config'], `${where}: config`),
    layers: layers.map((layer, i) => parseDescriptor(layer, `${where}: layers[${String(i)}]`)),
    artifactType: typeof artifactType === 'string' && artifactType !== '' ? artifactType : undefined,
    subject: isObject(subject) ? parseDigest(subject['digest'], `${where}: subject`) : undefined,
  };
}

/** Whether a manifest describes a root file system, rather than a chart, a signature or an attestation. */
export function isImageManifest(document: ManifestDocument): boolean {
  if (!isConfigType(document.config.mediaType)) return false;
  return document.layers.every(({ mediaType }) => isLayerType(mediaType));
}

function checkCount(list: readonly Json[], max: number, where: string): void {
  if (list.length > max) {
    throw new TransferError('LIMIT', `${where}: ${String(list.length)} entries`, {
      hint: `Up to ${String(max)} are read.`,
    });
  }
}

function schemaOne(where: string): TransferError {
  return new TransferError(
    'BAD_ARCHIVE',
    `${printable(where)}: a Docker schema 1 manifest, which no current engine loads`,
    {
      hint: 'Pull the image with Docker 26 or older, push or save it again, and use that.',
    },
  );
}
