import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { type ParsedKey } from 'ssh2';
import { isKeyType, parsePublicKey, parsePublicKeyText, type PublicKey } from '../../formats/signature/public-key.js';
import { encodeSignature, fitsMessage, parseSignature, signedData } from '../../formats/signature/sshsig.js';
import { sized } from '../../formats/signature/wire.js';
import { ioError, isTransferError, systemCodeOf, TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { type AgentCall, agentKeys, agentSign } from './agent-call.js';
import { type IdentityFile, readIdentity, unlock } from './identity.js';
import { type Ask } from './settings.js';

export interface SignerOptions {
  /** Undefined: there is nobody to ask for a passphrase. */
  readonly ask: Ask | undefined;
  readonly signal: AbortSignal;
  /** Where SSH_AUTH_SOCK comes from; default: this process's. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Milliseconds that an agent is given. */
  readonly patience?: AgentCall['patience'];
}

/** A key that is there and open. */
export interface Signer {
  /** What messages call it. */
  describe(): string;
  /** `SHA256:...` */
  readonly keyFingerprint: string;
  /** The detached signature, armoured. @throws TransferError IO when the agent fails; the signal's reason */
  sign(message: Uint8Array): Promise<string>;
}

/** Signs `data`; the answer is in its wire form. */
type Sign = (data: Buffer) => Promise<Buffer>;

/**
 * A key to sign with: a private key file, or a public one whose other half the agent has. All that can be wrong with it,
 * short of the agent's refusal, comes up here, before there is anything to sign.
 * @throws TransferError NOT_FOUND, USAGE, IO; the signal's reason
 */
export async function openSigner(file: string, options: SignerOptions): Promise<Signer> {
  options.signal.throwIfAborted();
  const publicKey = publicKeyIn(file);
  if (publicKey !== undefined) return needAgent(file, publicKey, options);
  const identity = readIdentity(file);
  if (identity.kind === 'public') return needAgent(file, named(file, identity.publicKey), options);
  if (identity.kind === 'missing') {
    throw keyError(file, identity.why, `Make it yours alone: chmod 600 ${printable(file, 500)}.`, identity.cause);
  }
  return withPrivateKey(identity, options);
}

/** Of a file that holds nothing else, or that lies beside one that is not there, as ssh-keygen takes it. */
function publicKeyIn(file: string): PublicKey | undefined {
  const text = textOf(file);
  const [type = '', base64 = ''] = text.trimStart().split(/\s+/, 2);
  return isKeyType(type) ? asUsage(() => parsePublicKeyText(type, base64, nameOf(file))) : undefined;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const beside = `${file}.pub`;
    if (systemCodeOf(error) === 'ENOENT' && existsSync(beside)) return textOf(beside);
    throw ioError(error, nameOf(file));
  }
}

/** An encrypted key that the agent has needs no passphrase. */
async function withPrivateKey(
  identity: Extract<IdentityFile, { kind: 'private' }>,
  options: SignerOptions,
): Promise<Signer> {
  const { file, text, publicKey } = identity;
  let key = await unlock(identity, undefined, options.signal);
  if (isLocked(key)) {
    const inAgent = await agentsOwn(publicKey, options);
    if (inAgent !== undefined) return signerOf(file, named(file, inAgent), signByAgent(inAgent, options), options);
    key = await unlock(identity, options.ask, options.signal);
  }
  if (typeof key !== 'string') return signerOf(file, named(file, key.getPublicSSH()), signByKey(key), options);
  if (isInHardware(text)) {
    const why = 'a key inside a hardware token, which only an agent can use';
    throw keyError(file, why, 'Add it to your agent (ssh-add), and name its public key file.');
  }
  const hint = isLocked(key)
    ? 'Run ferry on a terminal, or add the key to your agent (ssh-add).'
    : 'Name an SSH key, private or public, as ssh-keygen makes them.';
  throw keyError(file, key, hint);
}

const isLocked = (key: ParsedKey | string): boolean => typeof key === 'string' && key.startsWith('encrypted');

/** The key, if an agent that answers has it: this one is a help, not a need, so that its faults are none. */
async function agentsOwn(publicKey: Buffer | undefined, options: SignerOptions): Promise<Buffer | undefined> {
  const call = callOf(options);
  if (call === undefined || publicKey === undefined) return undefined;
  const keys = await agentKeys(call).catch((error: unknown) => {
    if (isTransferError(error)) return [];
    throw error;
  });
  return keys.find((key) => key.equals(publicKey));
}

async function needAgent(file: string, key: PublicKey, options: SignerOptions): Promise<Signer> {
  const call = callOf(options);
  if (call === undefined) {
    throw keyError(
      file,
      'a public key, and no agent runs (SSH_AUTH_SOCK) that could have its other half',
      'Start one and add the key (ssh-add), or name the private key file.',
    );
  }
  const keys = await agentKeys(call);
  if (!keys.some((each) => each.equals(key.blob))) {
    const count = keys.length === 0 ? 'no keys' : `${String(keys.length)} other ${keys.length === 1 ? 'key' : 'keys'}`;
    throw keyError(
      file,
      `a public key, ${key.fingerprint}, whose other half the agent does not have: it has ${count}`,
      'Add the key to your agent (ssh-add), or name the private key file.',
    );
  }
  return signerOf(file, key, signByAgent(key.blob, options), options);
}

function callOf({ env = process.env, signal, patience }: SignerOptions): AgentCall | undefined {
  const socket = env['SSH_AUTH_SOCK'];
  return socket === undefined || socket === '' ? undefined : { socket, signal, patience };
}

function signerOf(file: string, key: PublicKey, make: Sign, { signal }: SignerOptions): Signer {
  const describe = (): string => `the ${key.type} key ${key.fingerprint} (${printable(file, 500)})`;
  return {
    describe,
    keyFingerprint: key.fingerprint,
    sign: async (message) => {
      signal.throwIfAborted();
      const text = encodeSignature(key.blob, await make(signedData(message)));
      if (!isGood(text, message)) {
        throw new TransferError('IO', `${describe()}: it made a signature that does not fit`, {
          hint: 'Check the key, and the agent if one has it, with ssh-keygen -Y sign.',
        });
      }
      return text;
    },
  };
}

/** An agent may answer anything; what leaves here has been checked as a receiver will. */
function isGood(text: string, message: Uint8Array): boolean {
  try {
    return fitsMessage(parseSignature(text, ''), message, '');
  } catch {
    return false;
  }
}

function signByAgent(key: Buffer, options: SignerOptions): Sign {
  const call = callOf(options);
  return async (data) => (call === undefined ? Buffer.alloc(0) : agentSign(call, key, data));
}

function signByKey(parsed: ParsedKey): Sign {
  const key = createPrivateKey(parsed.getPrivatePEM());
  // eslint-disable-next-line @typescript-eslint/require-await -- as an agent does it
  return async (data) => {
    const { algorithm, bytes } = signatureOf(key, parsed.type, data);
    return Buffer.concat([algorithm, bytes].map(sized));
  };
}

function signatureOf(
  key: KeyObject,
  type: string,
  data: Buffer,
): { readonly algorithm: Buffer; readonly bytes: Buffer } {
  if (type === 'ssh-rsa') return { algorithm: Buffer.from('rsa-sha2-512'), bytes: sign('sha512', data, key) };
  const algorithm = Buffer.from(type);
  if (type === 'ssh-ed25519') return { algorithm, bytes: sign(null, data, key) };
  const hash = { nistp256: 'sha256', nistp384: 'sha384' }[type.slice(-8)] ?? 'sha512';
  const pair = sign(hash, data, { key, dsaEncoding: 'ieee-p1363' });
  const half = pair.length / 2;
  return { algorithm, bytes: Buffer.concat([pair.subarray(0, half), pair.subarray(half)].map(numberOf).map(sized)) };
}

/** RFC 4251, "mpint": no needless zeros, but one before what would else be negative. */
function numberOf(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const short = bytes.subarray(Math.max(first, 0));
  return ((short[0] ?? 0) & 0x80) === 0 ? short : Buffer.concat([Buffer.alloc(1), short]);
}

/** OpenSSH writes the public half in clear, also into an encrypted file. */
function isInHardware(text: Buffer): boolean {
  const body = text.toString('latin1').replace(/-----[^-]*-----|\s/g, '');
  return /sk-(ssh|ecdsa)-[a-z0-9-]+@openssh\.com/.test(Buffer.from(body, 'base64').toString('latin1'));
}

const nameOf = (file: string): string => `the key ${printable(file, 500)} (--sign)`;

const named = (file: string, blob: Buffer): PublicKey => asUsage(() => parsePublicKey(blob, nameOf(file)));

/** What is damage in something foreign is a wrong word here: the user named this key. */
function asUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isTransferError(error)) throw error;
    const hint = 'Name a key of type ed25519, ecdsa or rsa, as ssh-keygen makes them.';
    throw new TransferError('USAGE', error.message, { hint, cause: error });
  }
}

function keyError(file: string, why: string, hint: string, cause?: unknown): TransferError {
  return new TransferError('USAGE', `${nameOf(file)}: ${why}`, { hint, cause });
}
