import { basename } from 'node:path';
import { type Descriptor } from '../../model/descriptor.js';
import { tryNormalizeReference } from '../../model/reference.js';
import { TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';

/** The annotations of an `index.json` entry that carry its name. Docker, containerd and buildx write the first. */
export const NAME_ANNOTATION = 'io.containerd.image.name';
/** OCI image-spec, annotations.md. By tools, a full name or a bare tag. */
export const REF_ANNOTATION = 'org.opencontainers.image.ref.name';

/**
 * The full name of an entry. A bare tag is a tag of the layout itself (`oci:FOLDER:TAG` in skopeo and regclient), so
 * it becomes `localhost/<name of the layout>:TAG`.
 * @throws TransferError BAD_ARCHIVE when an annotation is no name.
 */
export function nameOfEntry(entry: Descriptor, layout: string): string | undefined {
  const full = entry.annotations?.[NAME_ANNOTATION];
  const ref = entry.annotations?.[REF_ANNOTATION];
  const text = full !== undefined && full !== '' ? full : ref;
  if (text === undefined || text === '') return undefined;
  const isBareTag = text === ref && /^\w[\w.-]{0,127}$/.test(text);
  const name = tryNormalizeReference(isBareTag ? `localhost/${repositoryFor(layout)}:${text}` : text);
  if (name !== undefined) return name;
  throw new TransferError(
    'BAD_ARCHIVE',
    `${layout}: index.json: expected an image name for ${entry.digest}, found ${printable(text, 100)}`,
    {
      hint: 'Give the image a valid name (lower case, like team/app:1.0) and write the layout again.',
    },
  );
}

/** A repository name made of a file's or folder's name. */
function repositoryFor(layout: string): string {
  const name = basename(layout)
    .toLowerCase()
    .replace(/\.(tar|oci|tar\.(gz|zst|xz|bz2)|tgz)$/, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'layout' : name;
}
