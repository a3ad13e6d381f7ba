import { type Duplex } from 'node:stream';
import ssh2 from 'ssh2';
import { sized, WireReader } from '../../formats/signature/wire.js';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { PATIENCE } from './agent.js';

// draft-miller-ssh-agent, section 5.1. ssh2 speaks it too, but knows no keys of hardware tokens.
const LIST = { request: 11, answer: 12 } as const;
const SIGN = { request: 13, answer: 14 } as const;
/** Of an RSA key: sign with SHA-512 instead of SHA-1. */
const RSA_SHA2_512 = 4;
/** Bytes of an answer, as OpenSSH's agent limits its messages. */
const ANSWER_BYTES = 256 * 1024;

export interface AgentCall {
  /** Path of its socket. */
  readonly socket: string;
  readonly signal: AbortSignal;
  readonly patience?: Record<keyof typeof PATIENCE, number> | undefined;
}

/** The public keys that an agent holds, in their wire form. @throws TransferError IO; the signal's reason */
export async function agentKeys(call: AgentCall): Promise<readonly Buffer[]> {
  const { list } = call.patience ?? PATIENCE;
  const answer = await put(call, Buffer.from([LIST.request]), list, `no answer within ${seconds(list)}`);
  return understood(answer, LIST.answer, (reader) => {
    const keys: Buffer[] = [];
    for (let left = reader.uint32(); left > 0; left--) {
      keys.push(reader.string());
      reader.string(); // its comment
    }
    return keys;
  });
}

/** A signature in its wire form, by a key that the agent holds. @throws TransferError IO; the signal's reason */
export async function agentSign(call: AgentCall, key: Buffer, data: Buffer): Promise<Buffer> {
  const { sign } = call.patience ?? PATIENCE;
  const flags = Buffer.from([0, 0, 0, RSA_SHA2_512]);
  const request = Buffer.concat([Buffer.from([SIGN.request]), sized(key), sized(data), flags]);
  const late = `no signature within ${seconds(sign)}; it may be waiting for you to confirm, or to touch the key`;
  const answer = await put(call, request, sign, late);
  return understood(answer, SIGN.answer, (reader) => reader.string());
}

const seconds = (ms: number): string => `${String(ms / 1000)} s`;

function understood<T>(answer: Buffer, expected: number, read: (reader: WireReader) => T): T {
  if (answer[0] !== expected) throw agentFailed(expected === SIGN.answer ? 'it refuses to sign' : 'it refuses');
  try {
    return read(new WireReader(answer.subarray(1), ''));
  } catch (cause) {
    throw agentFailed('its answer makes no sense', cause);
  }
}

/** One question and its answer. `late`: the fault when none comes. */
async function put({ socket, signal }: AgentCall, request: Buffer, patience: number, late: string): Promise<Buffer> {
  signal.throwIfAborted();
  const timer = new AbortController();
  const timeout = setTimeout(() => {
    timer.abort(agentFailed(late));
  }, patience);
  const either = AbortSignal.any([signal, timer.signal]);
  let giveUp: () => void = () => undefined;
  const given = new Promise<never>((_resolve, reject) => {
    giveUp = () => {
      reject(either.reason as Error);
    };
    either.addEventListener('abort', giveUp);
  });
  try {
    return await Promise.race([talk(socket, request, either), given]);
  } catch (error) {
    either.throwIfAborted();
    if (isTransferError(error)) throw error;
    throw agentFailed(printable(error instanceof Error ? error.message : String(error)), error);
  } finally {
    clearTimeout(timeout);
    either.removeEventListener('abort', giveUp);
  }
}

/** May never end; but once `signal` is aborted, nothing stays open. */
async function talk(socket: string, request: Buffer, signal: AbortSignal): Promise<Buffer> {
  const stream = await connected(socket);
  const end = (): void => void stream.destroy();
  try {
    signal.throwIfAborted();
    signal.addEventListener('abort', end);
    stream.write(sized(request));
    return await answerOf(stream);
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

function connected(socket: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const agent = ssh2.createAgent(socket);
    if (agent.getStream === undefined) throw agentFailed('it cannot be spoken to');
    agent.getStream((error, stream) => {
      if (stream === undefined) reject(agentFailed(`nobody answers at ${printable(socket, 500)}`, error));
      else resolve(stream.on('error', () => undefined));
    });
  });
}

async function answerOf(stream: Duplex): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    const size = bytes.length < 4 ? undefined : bytes.readUInt32BE(0);
    if (size !== undefined && size > ANSWER_BYTES) throw agentFailed('its answer makes no sense');
    if (size !== undefined && bytes.length >= 4 + size) return bytes.subarray(4, 4 + size);
  }
  throw agentFailed('it hung up');
}

function agentFailed(why: string, cause?: unknown): TransferError {
  return new TransferError('IO', `the SSH agent (SSH_AUTH_SOCK): ${why}`, {
    hint: 'Check it with ssh-add -l, or name the private key file.',
    cause,
  });
}
