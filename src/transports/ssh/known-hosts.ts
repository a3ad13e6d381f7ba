import { createHmac, randomBytes } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import path from 'node:path';
import { ioError, systemCodeOf, TransferError } from '../../primitives/errors.js';
import { matchesList } from '../../primitives/patterns.js';

export { keyFingerprint as fingerprint } from '../../formats/signature/wire.js';

/** A line of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
export interface KnownKey {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly revoked: boolean;
  readonly type: string;
  readonly key: Buffer;
}

/** Where a host is looked for: `name` as the files call it, `plain` without its port where that differs. */
export interface KnownName {
  readonly name: string;
  readonly plain: string | undefined;
}

export type Verdict =
  | { readonly kind: 'known' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'revoked' | 'changed'; readonly entry: KnownKey };

/** `host`, or `[host]:port` where the port is not 22; an alias stands for itself. */
export function knownName(host: string, port: number, alias: string | undefined): KnownName {
  if (alias !== undefined) return { name: alias.toLowerCase(), plain: undefined };
  const plain = host.toLowerCase();
  return port === 22 ? { name: plain, plain: undefined } : { name: `[${plain}]:${String(port)}`, plain };
}

/** All keys, of all files that are there, that stand for this name. Lines that are none are passed over. */
export function findKeys(files: readonly string[], name: string): readonly KnownKey[] {
  return files.flatMap((file) =>
    textOf(file)
      .split('\n')
      .flatMap((text, at) => readLine(text, name, { file, line: at + 1 }) ?? []),
  );
}

/**
 * What the files say of a key. A host that has keys, but not this one, has changed: also if they are of other types,
 * since we asked it for those first.
 */
export function judge(keys: readonly KnownKey[], found: Buffer): Verdict {
  const same = keys.filter(({ key }) => key.equals(found));
  const revoked = same.find((entry) => entry.revoked);
  if (revoked !== undefined) return { kind: 'revoked', entry: revoked };
  if (same.length > 0) return { kind: 'known' };
  const others = keys.filter((entry) => !entry.revoked);
  const entry = others.find(({ type }) => type === keyTypeOf(found)) ?? others[0];
  return entry === undefined ? { kind: 'unknown' } : { kind: 'changed', entry };
}

/** The type that a public key in its wire form begins with: `ssh-ed25519`. */
export function keyTypeOf(key: Buffer): string {
  if (key.length < 4) return '';
  return key.subarray(4, 4 + Math.min(key.readUInt32BE(0), 64)).toString('latin1');
}

/** A host's name as `HashKnownHosts` wants it: it can be recognised, but not read. */
export function hashedName(name: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

/** Adds a host to the end of a file, which is made, with its folder, if it is not there. @throws TransferError IO */
export function appendKey(file: string, name: string, key: Buffer): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    const handle = openSync(file, 'a+', 0o600);
    try {
      // One write: other programs may append at the same time.
      const before = endsOpen(handle) ? '\n' : '';
      writeSync(handle, `${before}${name} ${keyTypeOf(key)} ${key.toString('base64')}\n`);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    throw ioError(error, file);
  }
}

/** Whether the last line lacks its end. */
function endsOpen(handle: number): boolean {
  const stat = fstatSync(handle);
  if (!stat.isFile() || stat.size === 0) return false;
  const last = Buffer.alloc(1);
  readSync(handle, last, 0, 1, stat.size - 1);
  return last[0] !== 0x0a;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return '';
    throw ioError(error, `the known_hosts file ${file}`);
  }
}

function readLine(text: string, name: string, at: Pick<KnownKey, 'file' | 'line'>): KnownKey | undefined {
  const words = text.trim().split(/\s+/);
  if (words[0]?.startsWith('#') === true) return undefined;
  const marker = words[0]?.startsWith('@') === true ? words.shift() : undefined;
  const [hosts, type, base64] = words;
  if (hosts === undefined || type === undefined || base64 === undefined) return undefined;
  // Host certificates are not asked for, so nothing that an authority signed comes.
  if (marker !== undefined && marker !== '@revoked') return undefined;
  if (!namesHost(hosts, name)) return undefined;
  const key = Buffer.from(base64, 'base64');
  // Such as the keys of SSH 1, which begin with a number.
  if (keyTypeOf(key) !== type) return undefined;
  return { ...at, revoked: marker === '@revoked', type, key };
}

function namesHost(hosts: string, name: string): boolean {
  if (!hosts.startsWith('|1|')) return matchesList(hosts.toLowerCase().split(','), name);
  const [, , salt = '', hash = ''] = hosts.split('|');
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

/**
 * Whether `RevokedHostKeys` names this key. As with OpenSSH, a file that is not there revokes everything.
 * @throws TransferError IO, NOT_FOUND, or USAGE for a binary list (KRL)
 */
export function isRevoked(file: string, key: Buffer): boolean {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    throw ioError(error, `the list of revoked host keys ${file}`);
  }
  if (text.startsWith('SSHKRL\n')) {
    throw new TransferError(
      'USAGE',
      `${file}: a binary list of revoked keys, which the built-in client does not read`,
      {
        hint: 'Use --ssh-program ssh, or list the keys as text.',
      },
    );
  }
  return text.split(/\s+/).some((word) => word.length > 16 && Buffer.from(word, 'base64').equals(key));
}
