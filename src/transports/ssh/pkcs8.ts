import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto';
import ssh2, { type ParsedKey } from 'ssh2';

/** Whether it is a key as OpenSSL writes it by default (RFC 5958), which ssh2 does not read. */
export function isPkcs8(text: Buffer): boolean {
  return /^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/m.test(text.toString('latin1'));
}

/** Reads such a key, or says why not; in ssh2's words where only the passphrase is missing. */
export function parsePkcs8(text: Buffer, passphrase: string | undefined): ParsedKey | Error {
  if (passphrase === undefined && text.includes('BEGIN ENCRYPTED')) return new Error('no passphrase given');
  try {
    return ssh2.utils.parseKey(rewritten(createPrivateKey({ key: text, format: 'pem', passphrase })));
  } catch (error) {
    return new Error(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** The same key in a form that ssh2 reads. @throws Error */
function rewritten(key: KeyObject): string | Buffer {
  const type = key.asymmetricKeyType;
  if (type === 'rsa') return key.export({ type: 'pkcs1', format: 'pem' });
  if (type === 'ec') return key.export({ type: 'sec1', format: 'pem' });
  if (type === 'ed25519') return openSshForm(key);
  throw new Error(`SSH has no keys of type ${type ?? 'unknown'}`);
}

/** OpenSSH, PROTOCOL.key: without a cipher, so it never leaves this process. */
function openSshForm(key: KeyObject): string {
  const { x = '', d = '' } = key.export({ format: 'jwk' });
  const [seed, point] = [Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')];
  const type = Buffer.from('ssh-ed25519');
  const check = randomBytes(4);
  const secret = Buffer.concat([
    check,
    check,
    ...[type, point, Buffer.concat([seed, point]), Buffer.alloc(0)].map(sized),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, at) => at + 1));
  const none = sized(Buffer.from('none'));
  const body = Buffer.concat([
    ...[Buffer.from('openssh-key-v1\0'), none, none, sized(Buffer.alloc(0)), Buffer.from([0, 0, 0, 1])],
    ...[Buffer.concat([type, point].map(sized)), Buffer.concat([secret, padding])].map(sized),
  ]);
  const lines = body.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}

function sized(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}
