import { readFileSync } from 'node:fs';
import ssh2, { type ParsedKey } from 'ssh2';
import { systemCodeOf } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { remembered } from './memory.js';
import { type Ask } from './settings.js';

const { parseKey } = ssh2.utils;
const TRIES = 3;

/** What the path of an identity leads to. */
export type IdentityFile =
  | { readonly kind: 'missing'; readonly file: string; readonly why: string }
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
    if (key instanceof Error) return { kind: 'private', file, text, publicKey: besideIt(file) };
    const publicKey = key.getPublicSSH();
    return key.isPrivateKey() ? { kind: 'private', file, text, publicKey } : { kind: 'public', file, publicKey };
  } catch (error) {
    const code = systemCodeOf(error);
    const publicKey = besideIt(file);
    if (code === 'ENOENT' && publicKey !== undefined) return { kind: 'public', file, publicKey };
    return { kind: 'missing', file, why: code === 'ENOENT' ? 'no such file' : printable(String(code ?? error)) };
  }
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
  if (!/no passphrase given/i.test(plain.message)) return whyNot(text, plain);
  if (ask === undefined) return 'encrypted, nobody to ask for its passphrase';
  let passphrase: string | undefined;
  for (let turn = 0; turn < TRIES; turn++) {
    const question = `Passphrase for the key ${printable(file)}: `;
    passphrase = await remembered(ask, `passphrase ${file}`, passphrase, () => ask.secret(question, signal));
    if (passphrase === undefined || passphrase === '') return 'encrypted, no passphrase given';
    const key = parseKey(text, passphrase);
    if (!(key instanceof Error)) return key;
  }
  return 'encrypted, wrong passphrase';
}

function whyNot(text: Buffer, error: Error): string {
  if (text.includes('BEGIN PRIVATE KEY') || text.includes('BEGIN ENCRYPTED PRIVATE KEY')) {
    return 'PKCS#8 is not read; ssh-keygen -p -f rewrites it';
  }
  return text.includes('PRIVATE KEY') ? `not read: ${printable(error.message)}` : 'no private key';
}
