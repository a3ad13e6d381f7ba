import { type Digest, parseDigest } from '../primitives/digest.js';
import { malformed, platformFrom } from './descriptor.js';
import { isArray, isObject, type Json, type JsonObject, parseJson } from './json.js';
import { type Platform } from './platform.js';

/** OCI image-spec, config.md: what ferry needs of an image's config. */
export interface ImageConfig {
  readonly platform: Platform;
  /** Digests of the uncompressed layers, bottom first. */
  readonly diffIds: readonly Digest[];
  readonly document: JsonObject;
}

/** @throws TransferError BAD_ARCHIVE when it is no image config; `where` names it. */
export function parseConfig(bytes: Uint8Array, where: string): ImageConfig {
  const document = parseJson(bytes, where);
  if (!isObject(document)) throw malformed(where, 'an image config', document);
  const rootfs = document['rootfs'];
  const diffIds = isObject(rootfs) ? rootfs['diff_ids'] : undefined;
  // An image without layers has null or nothing here (Go's empty slice).
  const list: Json = diffIds ?? [];
  if (!isArray(list)) throw malformed(`${where}: rootfs.diff_ids`, 'a list', list);
  return {
    platform: platformFrom(
      text(document, 'os'),
      text(document, 'architecture'),
      text(document, 'variant'),
      text(document, 'os.version'),
    ),
    diffIds: list.map((id, i) => parseDigest(id, `${where}: rootfs.diff_ids[${String(i)}]`)),
    document,
  };
}

function text(document: JsonObject, key: string): string | undefined {
  const value = document[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
