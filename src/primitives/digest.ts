import { createHash, type Hash } from 'node:crypto';
import { TransferError } from './errors.js';
import { printable } from './printable.js';

declare const digestBrand: unique symbol;

/**
 * A sha256 digest in its canonical form (OCI image-spec, descriptor.md "Digests"). Only `parseDigest` and `digestOf`
 * make one, so a Digest holds nothing but `sha256:` and 64 lower-case hex digits and is safe as part of a path.
 */
export type Digest = `sha256:${string}` & { readonly [digestBrand]: true };

export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && /^sha256:[0-9a-f]{64}$/.test(text);
}

/** @throws TransferError BAD_ARCHIVE when `text` is no canonical sha256 digest; `where` says where it was found. */
export function parseDigest(text: unknown, where: string): Digest {
  if (isDigest(text)) return text;
  const shown = printable(typeof text === 'string' ? text : JSON.stringify(text), 80);
  const sha512 = typeof text === 'string' && /^sha(384|512):/.test(text);
  throw new TransferError('BAD_ARCHIVE', `${where}: expected a digest "sha256:<64 hex digits>", found ${shown}`, {
    hint: sha512
      ? 'Only sha256 digests are supported; copy the image with a tool that writes sha256.'
      : 'The file was damaged, or was written by a faulty tool; save the image again.',
  });
}

/** The digest of a finished hash, or of bytes at hand. */
export function digestOf(data: Hash | Uint8Array | string): Digest {
  const hash = typeof data === 'string' || data instanceof Uint8Array ? createHash('sha256').update(data) : data;
  return `sha256:${hash.digest('hex')}` as Digest;
}

/** The 64 hex digits, without the algorithm. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** The first 12 hex digits, as engines print image IDs. */
export function shortDigest(digest: Digest): string {
  return digest.slice('sha256:'.length, 'sha256:'.length + 12);
}
