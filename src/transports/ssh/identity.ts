import { readFileSync, statSync } from 'node:fs';
import ssh2, { type ParsedKey } from 'ssh2';
import { ioError, systemCodeOf, TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { remembered } from './memory.js';
import { isPkcs8, parsePkcs8 } from './pkcs8.js';
import { type Ask } from './settings.js';

const TRIES = 3;
/** Why most of the usual keys are not tried: nothing to tell the user. */
export const NO_FILE = 'no such file';

/** What the path of an identity leads to. */
export type IdentityFile =
  | { readonly kind: 'missing'; readonly file: string; readonly why: string; readonly cause?: unknown }
  /** `publicKey`, in its wire form, is undefined where only the passphrase would tell. */
  | {
      readonly kind: 'private';
      readonly file: string;
      readonly text: Buffer;
      readonly publicKey: Buffer | undefined;
    }
  | { readonly kind: 'public'; readonly file: string; readonly publicKey: Buffer };

/** Never throws: a key that cannot be read is one that is not tried. */
export function readIdentity(file: string): IdentityFile {
  try {
    const text = readFileSync(file);
    const key = parseKey(text);
    const isPublic = !(key instanceof Error) && !key.isPrivateKey();
    if (isPublic) return { kind: 'public', file, publicKey: key.getPublicSSH() };
    if (!isNoKey(text, key) && isOpenToOthers(file))
      return { kind: 'missing', file, why: 'others may read it: chmod 600' };
    return { kind: 'private', file, text, publicKey: key instanceof Error ? besideIt(file) : key.getPublicSSH() };
  } catch (error) {
    const code = systemCodeOf(error);
    const publicKey = besideIt(file);
    if (code === 'ENOENT' && publicKey !== undefined) return { kind: 'public', file, publicKey };
    return { kind: 'missing', file, why: code === 'ENOENT' ? NO_FILE : printable(String(code ?? error)), cause: error };
  }
}

/**
 * A key that is named for this very run is wanted: without it, another one might be used unnoticed.
 * @throws TransferError NOT_FOUND, IO or USAGE, naming the file
 */
export function requireIdentity(file: string): void {
  const identity = readIdentity(file);
  if (identity.kind !== 'missing') return;
  const what = `the key ${printable(file, 500)} (-i)`;
  if (identity.cause !== undefined) throw ioError(identity.cause, what);
  throw new TransferError('USAGE', `${what}: others may read it`, { hint: `Make it yours alone: chmod 600 ${file}.` });
}

/** As OpenSSH judges: our own file, which others have rights to. */
function isOpenToOthers(file: string): boolean {
  const { uid, mode } = statSync(file);
  return uid === process.getuid?.() && (mode & 0o077) !== 0;
}

function parseKey(text: Buffer, passphrase?: string): ParsedKey | Error {
  return isPkcs8(text) ? parsePkcs8(text, passphrase) : ssh2.utils.parseKey(text, passphrase);
}

/** The public half that ssh-keygen writes beside a key. */
function besideIt(file: string): Buffer | undefined {
  try {
    const key = parseKey(readFileSync(`${file}.pub`));
    return key instanceof Error ? undefined : key.getPublicSSH();
  } catch {
    return undefined;
  }
}

/** The key itself, or why there is none. @throws the signal's reason */
export async function unlock(
  { file, text }: Extract<IdentityFile, { kind: 'private' }>,
  ask: Ask | undefined,
  signal: AbortSignal,
): Promise<ParsedKey | string> {
  const plain = parseKey(text);
  if (!(plain instanceof Error)) return plain;
  if (!isLocked(plain)) return whyNot(text, plain);
  if (ask === undefined) return 'encrypted, nobody to ask for its passphrase';
  let passphrase: string | undefined;
  for (let turn = 0; turn < TRIES; turn++) {
    const again = passphrase === undefined ? '' : 'Wrong passphrase. ';
    const question = `${again}Passphrase for the key ${printable(file)}: `;
    passphrase = await remembered(ask, `passphrase ${file}`, passphrase, () => ask.secret(question, signal));
    if (passphrase === undefined || passphrase === '') return 'encrypted, no passphrase given';
    const key = parseKey(text, passphrase);
    if (!(key instanceof Error)) return key;
  }
  return 'encrypted, wrong passphrase';
}

function whyNot(text: Buffer, error: Error): string {
  return isNoKey(text, error) ? 'no private key' : `not read: ${printable(error.message)}`;
}

const isLocked = (error: Error): boolean => /no passphrase given/i.test(error.message);

const isNoKey = (text: Buffer, key: ParsedKey | Error): boolean =>
  key instanceof Error && !isLocked(key) && !text.includes('PRIVATE KEY');
