import { type ImageNode, type ImageRecord } from '../model/graph.js';
import { familiarReference } from '../model/reference.js';
import { type Digest, shortDigest } from '../primitives/digest.js';

/** What messages call an image: its short name, or its digest when it has none. */
export function displayName(image: ImageRecord | ImageNode): string {
  return image.name === undefined
    ? `the unnamed image ${shortDigest(digestOfImage(image))}`
    : familiarReference(image.name);
}

/** The digest of the manifest or index that the name leads to. */
export function digestOfImage(image: ImageRecord | ImageNode): Digest {
  return 'blob' in image.root ? image.root.blob.digest : image.root.digest;
}
