import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Descriptor } from '../../src/model/descriptor.js';
import { hexOf } from '../../src/primitives/digest.js';
import { type Blobs } from './blobs.js';

/** Writes blobs as an OCI layout folder, with `entries` as its index.json; gives its path. */
export function layoutFolder(
  folder: string,
  blobs: Blobs,
  entries: readonly Descriptor[],
  fields: object = {},
): string {
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
  for (const [digest, bytes] of blobs.bytes) writeFileSync(join(folder, 'blobs/sha256', hexOf(digest)), bytes);
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: entries, ...fields }));
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return folder;
}
