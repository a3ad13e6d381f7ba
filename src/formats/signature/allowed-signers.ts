import { TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { printable } from '../../primitives/printable.js';
import { isKeyType, parsePublicKeyText, type PublicKey } from './public-key.js';
import { parseTimestamp } from './timestamp.js';
import { malformed } from './wire.js';

/** A line of an allowed_signers file (ssh-keygen(1), ALLOWED SIGNERS). */
export interface AllowedSigner {
  /** From 1. */
  readonly line: number;
  /** Who signs with this key: patterns, as they stand there, with commas between them. */
  readonly principals: string;
  /** Patterns; undefined: for everything. */
  readonly namespaces: readonly string[] | undefined;
  readonly validAfter: Date | undefined;
  readonly validBefore: Date | undefined;
  /** The key is not for signing, but for certificates: these are not supported. */
  readonly isAuthority: boolean;
  readonly key: PublicKey;
}

export interface AllowedSigners {
  /** What messages call the file. */
  readonly where: string;
  readonly signers: readonly AllowedSigner[];
}

type Options = Pick<AllowedSigner, 'namespaces' | 'validAfter' | 'validBefore' | 'isAuthority'>;

/**
 * All of the file, also lines that the signature at hand does not need: whom it lets in must be clear.
 * @throws TransferError BAD_ARCHIVE with the line, LIMIT
 */
export function parseAllowedSigners(text: string, where: string): AllowedSigners {
  if (text.length > limits.signersBytes) {
    throw new TransferError('LIMIT', `${where}: larger than the ${String(limits.signersBytes)} bytes of such a list`, {
      hint: 'Name a file of allowed signers, as ssh-keygen(1) describes it.',
    });
  }
  const signers = text
    .split('\n')
    .flatMap((line, at) => readLine(line, at + 1, `${where}, line ${String(at + 1)}`) ?? []);
  return { where, signers };
}

function readLine(line: string, number: number, where: string): AllowedSigner | undefined {
  const text = line.trim();
  if (text === '' || text.startsWith('#')) return undefined;
  const parts = /^(?:"([^"]+)"|([^\s"]+))[ \t]+(.*)$/.exec(text);
  if (parts === null) throw malformed(where, 'expected "PRINCIPALS [OPTIONS] KEYTYPE KEY"');
  const principals = parts[1] ?? parts[2] ?? '';
  const rest = parts[3] ?? '';
  if (isKeyType(principals) && rest.startsWith('AAAA')) {
    throw malformed(
      where,
      `a public key alone: put a name before it: NAME ${printable(`${principals} ${rest}`, 1000)}`,
    );
  }
  const optionText = isKeyType(rest.split(/[ \t]/, 1).join('')) ? '' : optionsIn(rest, where);
  return {
    line: number,
    principals,
    ...readOptions(optionText, where),
    key: readKey(rest.slice(optionText.length).trim(), where),
  };
}

function readKey(text: string, where: string): PublicKey {
  const [type = '', base64] = text.split(/[ \t]+/);
  if (base64 !== undefined && isKeyType(type)) return parsePublicKeyText(type, base64, where);
  const found = type === '' ? 'nothing' : printable(type, 40);
  throw malformed(where, `expected the type of a key and the key, found ${found}`);
}

/** Up to the first blank that is not inside quotes. */
function optionsIn(text: string, where: string): string {
  const [options = ''] = /^(?:[^\s"]|"(?:[^"\\]|\\.)*")*/.exec(text) ?? [];
  if (text[options.length] === '"') throw malformed(where, 'a quote is not closed');
  return options;
}

const valued = ['namespaces', 'valid-after', 'valid-before'];

function readOptions(text: string, where: string): Options {
  const found = new Map<string, string>();
  let rest = text;
  while (rest !== '') {
    const [whole, name, value] = nextOption(rest, where);
    if (found.has(name) && value !== undefined) throw malformed(where, `the option ${name} stands there twice`);
    found.set(name, value ?? '');
    rest = rest.slice(whole.length);
  }
  const validAfter = timeOf(found, 'valid-after', where);
  const validBefore = timeOf(found, 'valid-before', where);
  if (validAfter !== undefined && validBefore !== undefined && validBefore <= validAfter) {
    throw malformed(where, 'valid-before is not after valid-after');
  }
  const namespaces = found.get('namespaces')?.split(',');
  return { namespaces, validAfter, validBefore, isAuthority: found.has('cert-authority') };
}

/** The first option, with the comma behind it; its name; what it says, where it says something. */
function nextOption(text: string, where: string): readonly [string, string, string | undefined] {
  const match = /^([A-Za-z-]+)(?:="((?:[^"\\]|\\.)*)")?(?:,(?=.)|$)/.exec(text);
  const name = match?.[1]?.toLowerCase() ?? '';
  const value = match?.[2]?.replaceAll('\\"', '"');
  const isKnown = value === undefined ? name === 'cert-authority' : valued.includes(name);
  if (match !== null && isKnown) return [match[0], name, value];
  const expected = `cert-authority, ${valued.map((each) => `${each}="..."`).join(' or ')}`;
  throw malformed(where, `expected the options ${expected}, found ${printable(text, 60)}`);
}

function timeOf(options: ReadonlyMap<string, string>, name: string, where: string): Date | undefined {
  const text = options.get(name);
  if (text === undefined) return undefined;
  const time = parseTimestamp(text);
  if (time !== undefined) return time;
  throw malformed(where, `${name}: expected YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z], found ${printable(text, 40)}`);
}
