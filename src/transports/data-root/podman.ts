import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isArray, isObject, type Json, parseJson } from '../../model/json.js';
import { type Digest, hexOf, isDigest } from '../../primitives/digest.js';
import { TransferError } from '../../primitives/errors.js';
import { type UnpackedStore } from './unpacked-images.js';

/**
 * Podman with overlay (containers/storage): `overlay-layers/layers.json` has layers by diffID; a config is a file whose
 * name is the base64 of its digest.
 * @throws when the list of layers cannot be read
 */
export async function overlayStore(root: string): Promise<UnpackedStore> {
  const path = join(root, 'overlay-layers', 'layers.json');
  const list = parseJson(await readFile(path), path);
  const ids = new Map<string, string>();
  for (const layer of isArray(list) ? list : []) {
    const known = layerFrom(layer);
    if (known !== undefined && !ids.has(known.diffId)) ids.set(known.diffId, known.id);
  }
  return {
    config: (id) => join(root, 'overlay-images', hexOf(id), `=${Buffer.from(id).toString('base64')}`),
    layer: (diffIds) => {
      const id = ids.get(diffIds.at(-1) ?? '');
      if (id === undefined) throw new TransferError('NOT_FOUND', `${path}: no layer ${String(diffIds.at(-1))}`);
      return Promise.resolve({
        split: join(root, 'overlay-layers', `${id}.tar-split.gz`),
        folder: join(root, 'overlay', id, 'diff'),
      });
    },
  };
}

/**
 * The layers that Podman has, by diffID, with the digest of the blob that each came as. Empty where its list cannot be
 * read.
 */
export async function storedBlobs(
  root: string,
  driver: string,
): Promise<readonly { readonly diffId: Digest; readonly blob: Digest }[]> {
  const path = join(root, `${driver}-layers`, 'layers.json');
  try {
    const list = parseJson(await readFile(path), path);
    return (isArray(list) ? list : []).flatMap((record) => {
      const diffId = layerFrom(record)?.diffId;
      const blob = isObject(record) ? record['compressed-diff-digest'] : undefined;
      return isDigest(diffId) && isDigest(blob) ? [{ diffId, blob }] : [];
    });
  } catch {
    return [];
  }
}

function layerFrom(record: Json): { readonly id: string; readonly diffId: string } | undefined {
  if (!isObject(record)) return undefined;
  const { id, 'diff-digest': diffId, flags } = record;
  // What a container with other users got instead of a layer has its digests, but only some of its files; what a broken
  // pull has left is no better.
  const isMapped = ['uidmap', 'gidmap'].some((key) => isArray(record[key]) && record[key].length > 0);
  if (isMapped || (isObject(flags) && flags['incomplete'] === true)) return undefined;
  return typeof id === 'string' && /^[0-9a-f]{64}$/.test(id) && typeof diffId === 'string' ? { id, diffId } : undefined;
}
