import { createHash } from 'node:crypto';
import { TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { printable } from '../../primitives/printable.js';
import { parsePublicKey, type PublicKey } from './public-key.js';
import { fromBase64, malformed, sized, WireReader } from './wire.js';

/** What our signatures are for: one that was made for something else does not count. */
export const NAMESPACE = 'image-ferry';

const MAGIC = 'SSHSIG';
const VERSION = 1;
const HASH = 'sha512';
const BEGIN = '-----BEGIN SSH SIGNATURE-----';
const END = '-----END SSH SIGNATURE-----';

/** A detached signature (OpenSSH, PROTOCOL.sshsig). */
export interface Signature {
  readonly key: PublicKey;
  readonly namespace: string;
  readonly hash: 'sha256' | 'sha512';
  /** `ssh-ed25519`, `rsa-sha2-512`, ... */
  readonly algorithm: string;
  /** What stands behind the algorithm. */
  readonly bytes: Buffer;
}

/** What the key signs, of a message: never the message itself, so that no signature of SSH can pass for one. */
export function signedData(
  message: Uint8Array,
  { namespace, hash }: Pick<Signature, 'namespace' | 'hash'> = { namespace: NAMESPACE, hash: HASH },
): Buffer {
  const digest = createHash(hash).update(message).digest();
  return Buffer.concat([Buffer.from(MAGIC), ...[namespace, '', hash, digest].map(sized)]);
}

/** The armoured text. `key` and `signature` are in their wire forms; the signature is one of `signedData`. */
export function encodeSignature(key: Uint8Array, signature: Uint8Array): string {
  const version = Buffer.from([0, 0, 0, VERSION]);
  const body = Buffer.concat([Buffer.from(MAGIC), version, ...[key, NAMESPACE, '', HASH, signature].map(sized)]);
  return [BEGIN, ...(body.toString('base64').match(/.{1,70}/g) ?? []), END, ''].join('\n');
}

/**
 * Reads an armoured signature; whether it fits anything is not looked at.
 * @throws TransferError BAD_ARCHIVE, LIMIT
 */
export function parseSignature(text: string, where: string): Signature {
  const reader = new WireReader(dearmoured(text, where), where);
  if (reader.take(MAGIC.length).toString('latin1') !== MAGIC)
    throw malformed(where, `no signature of SSH: no ${MAGIC}`);
  const version = reader.uint32();
  if (version !== VERSION) {
    throw malformed(where, `a signature of version ${String(version)}; only version ${String(VERSION)} is known`);
  }
  const key = parsePublicKey(reader.string(), where);
  const namespace = reader.text();
  if (namespace === '') throw malformed(where, 'it does not say what it is for (empty namespace)');
  reader.string(); // reserved: to be ignored
  const hash = reader.text();
  const inner = new WireReader(reader.string(), where);
  reader.end();
  if (hash !== 'sha256' && hash !== 'sha512') {
    throw malformed(where, `expected the hash sha512 or sha256, found ${printable(hash, 40)}`);
  }
  const algorithm = inner.text();
  if (!key.algorithms.includes(algorithm)) {
    const expected = key.algorithms.join(' or ');
    throw malformed(where, `a key of type ${key.type} signs with ${expected}, found ${printable(algorithm, 60)}`);
  }
  return { key, namespace, hash, algorithm, bytes: inner.rest() };
}

/** Whether it was made of `message`, by its key. @throws TransferError BAD_ARCHIVE */
export function fitsMessage(signature: Signature, message: Uint8Array, where: string): boolean {
  const reader = new WireReader(signature.bytes, where);
  const fits = signature.key.fits(signedData(message, signature), reader, signature.algorithm);
  reader.end();
  return fits;
}

function dearmoured(text: string, where: string): Buffer {
  if (text.length > limits.signatureBytes) {
    throw new TransferError(
      'LIMIT',
      `${where}: larger than the ${String(limits.signatureBytes)} bytes of a signature`,
      {
        hint: 'No known tool writes one of this size; check where the file comes from.',
      },
    );
  }
  const lines = text.trimEnd().split(/\r?\n/);
  if (lines[0] !== BEGIN) throw malformed(where, `no signature of SSH: its first line is not ${BEGIN}`);
  if (lines.length < 3 || lines.at(-1) !== END) throw malformed(where, `cut off: its last line is not ${END}`);
  const body = fromBase64(lines.slice(1, -1).join(''));
  if (body === undefined) throw malformed(where, 'what stands between its first and last line is no base64');
  return body;
}
