import { constants, createHash, createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import { printable } from '../../primitives/printable.js';
import { fromBase64, keyFingerprint, malformed, WireReader } from './wire.js';

/** As OpenSSH (SSH_RSA_MINIMUM_MODULUS_SIZE), so that both judge alike. */
const RSA_BITS = 1024;
/** What OpenSSH and OpenSSL take. */
const RSA_MAX_BITS = 16_384;

/** Whether `bytes`, of a signature what stands after its algorithm, were made of `data`. */
type Fits = (data: Buffer, bytes: Buffer, algorithm: string) => boolean;

export interface PublicKey {
  /** `ssh-ed25519`, `sk-ecdsa-sha2-nistp256@openssh.com`, ... */
  readonly type: string;
  /** Its wire form: two keys are the same if these are. */
  readonly blob: Buffer;
  /** `SHA256:...` */
  readonly fingerprint: string;
  /** What its signatures may call themselves. */
  readonly algorithms: readonly string[];
  /**
   * Whether `signature` was made of `data` with it; the reader stands behind the algorithm.
   * @throws TransferError BAD_ARCHIVE
   */
  readonly fits: (data: Buffer, signature: WireReader, algorithm: string) => boolean;
}

type Reading = (reader: WireReader, where: string, type: string) => Fits;

const curves: Readonly<Record<string, { readonly crv: string; readonly bytes: number; readonly hash: string }>> = {
  nistp256: { crv: 'P-256', bytes: 32, hash: 'sha256' },
  nistp384: { crv: 'P-384', bytes: 48, hash: 'sha384' },
  nistp521: { crv: 'P-521', bytes: 66, hash: 'sha512' },
};

const kinds: ReadonlyMap<string, Reading> = new Map<string, Reading>([
  ['ssh-ed25519', readEd25519],
  ['ecdsa-sha2-nistp256', readEcdsa],
  ['ecdsa-sha2-nistp384', readEcdsa],
  ['ecdsa-sha2-nistp521', readEcdsa],
  ['ssh-rsa', readRsa],
  ['sk-ssh-ed25519@openssh.com', readEd25519],
  ['sk-ecdsa-sha2-nistp256@openssh.com', readEcdsa],
]);

/**
 * A public key in its wire form (RFC 4253, section 6.6; OpenSSH, PROTOCOL.u2f).
 * @throws TransferError BAD_ARCHIVE, also for a type that is not supported, by its name
 */
export function parsePublicKey(blob: Buffer, where: string): PublicKey {
  const reader = new WireReader(blob, where);
  const type = reader.text();
  const read = kinds.get(type);
  if (read === undefined) {
    const what = type.includes('-cert-v0') ? 'certificates are not supported' : 'keys of this type are not supported';
    throw malformed(where, `${what}: ${printable(type, 60)}`);
  }
  const fits = read(reader, where, type);
  const application = type.startsWith('sk-') ? reader.string() : undefined;
  reader.end();
  return {
    type,
    blob,
    fingerprint: keyFingerprint(blob),
    algorithms: type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type],
    fits: (data, signature, algorithm) => {
      const bytes = signature.string();
      return fits(application === undefined ? data : toldToken(application, signature, data), bytes, algorithm);
    },
  };
}

/** As it stands in a file: `TYPE BASE64`. @throws TransferError BAD_ARCHIVE */
export function parsePublicKeyText(type: string, base64: string, where: string): PublicKey {
  const blob = fromBase64(base64);
  if (blob === undefined) throw malformed(where, `the key ${printable(base64, 40)} is no base64`);
  const key = parsePublicKey(blob, where);
  if (key.type === type) return key;
  throw malformed(where, `a key that calls itself ${printable(type, 60)}, but is of type ${key.type}`);
}

/** Whether `word` is the name of a type of key, be it supported or not. */
export const isKeyType = (word: string): boolean => /^(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+$/.test(word);

function readEd25519(reader: WireReader, where: string): Fits {
  const key = keyOf({ kty: 'OKP', crv: 'Ed25519', x: reader.string().toString('base64url') }, where);
  return (data, bytes) => verify(null, data, key, bytes);
}

function readEcdsa(reader: WireReader, where: string, type: string): Fits {
  const name = reader.text();
  const curve = curves[name];
  const point = reader.string();
  // Points are never compressed in SSH (RFC 5656, section 3.1).
  if (curve === undefined || !type.includes(name) || point.length !== 2 * curve.bytes + 1 || point[0] !== 4) {
    throw malformed(where, `no point of the curve that ${type} is about`);
  }
  const { crv, bytes, hash } = curve;
  const [x, y] = [point.subarray(1, 1 + bytes), point.subarray(1 + bytes)];
  const key = keyOf({ kty: 'EC', crv, x: x.toString('base64url'), y: y.toString('base64url') }, where);
  return (data, signature) => {
    const pair = new WireReader(signature, where);
    const halves = [pair.number(), pair.number()];
    pair.end();
    if (halves.some((half) => half.length > bytes)) return false;
    const flat = Buffer.concat(halves.flatMap((half) => [Buffer.alloc(bytes - half.length), half]));
    return verify(hash, data, { key, dsaEncoding: 'ieee-p1363' }, flat);
  };
}

function readRsa(reader: WireReader, where: string): Fits {
  const [e, n] = [reader.number(), reader.number()];
  const bits = n.length * 8 - Math.clz32(n[0] ?? 0) + 24;
  if (bits < RSA_BITS || bits > RSA_MAX_BITS) {
    const range = `${String(RSA_BITS)} to ${String(RSA_MAX_BITS)}`;
    throw malformed(where, `an RSA key of ${String(Math.max(bits, 0))} bits; expected ${range}`);
  }
  const key = keyOf({ kty: 'RSA', e: e.toString('base64url'), n: n.toString('base64url') }, where);
  return (data, bytes, algorithm) => {
    if (bytes.length > n.length) return false;
    const padded = Buffer.concat([Buffer.alloc(n.length - bytes.length), bytes]);
    const hash = algorithm === 'rsa-sha2-256' ? 'sha256' : 'sha512';
    return verify(hash, data, { key, padding: constants.RSA_PKCS1_PADDING }, padded);
  };
}

/** A key inside a token signs more than it was told (OpenSSH, PROTOCOL.u2f, "SSH U2F Signatures"): flags and a counter. */
function toldToken(application: Buffer, signature: WireReader, data: Buffer): Buffer {
  return Buffer.concat([sha256(application), signature.take(5), sha256(data)]);
}

const sha256 = (data: Uint8Array): Buffer => createHash('sha256').update(data).digest();

function keyOf(key: JsonWebKey, where: string): KeyObject {
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch (cause) {
    throw malformed(where, 'its numbers make no key', cause);
  }
}
