import { spawn } from 'node:child_process';
import { systemCodeOf, TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { Tail } from '../machine/tail.js';
import { type HostWord, parseJumps } from './host-word.js';
import { type SshSettings } from './settings.js';

/** Bytes of what an SSH client says that are kept. */
export const MAX_WORDS = 16_384;

/** Milliseconds that the client has for what it answers by itself. */
export const QUESTION_PATIENCE = 20_000;

/** A way to an OpenSSH master connection, by which commands share it. */
export interface Master {
  readonly program: string;
  readonly host: string;
  /** What tells the client where the master is. */
  readonly by: readonly string[];
}

/** How a call of the client ended, and what it said. */
export interface CallResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the client for a question that it answers by itself, without input. @throws TransferError; the signal's reason */
export function callProgram(
  program: string,
  args: readonly string[],
  options: { readonly signal?: AbortSignal | undefined; readonly timeout: number },
): Promise<CallResult> {
  return new Promise((resolve, reject) => {
    const { signal, timeout } = options;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout, killSignal: 'SIGKILL', signal });
    const stdout = new Tail(262_144);
    const stderr = new Tail(MAX_WORDS);
    child.stdout.on('data', (chunk: Buffer) => {
      stdout.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr.push(chunk);
    });
    child.once('error', (error) => {
      reject(signal?.aborted === true ? (signal.reason as Error) : noProgram(program, error));
    });
    child.once('close', (status) => {
      resolve({ status, stdout: stdout.text(), stderr: stderr.text() });
    });
  });
}

/** Whether the master is there. */
export async function answers({ program, host, by }: Master, signal?: AbortSignal): Promise<boolean> {
  const result = await callProgram(program, [...by, '-O', 'check', '--', host], { signal, timeout: QUESTION_PATIENCE });
  return result.status === 0;
}

export function noProgram(program: string, error: unknown): TransferError {
  const code = systemCodeOf(error);
  const why =
    code === 'ENOENT' ? 'no such program' : code === 'EACCES' ? 'it may not be executed' : String(code ?? error);
  return new TransferError('USAGE', `${printable(program)}: ${why}`, {
    hint: 'Name an SSH client with --ssh-program, or leave that out to use the built-in one.',
    cause: error,
  });
}

/** What says where to connect, and by what. @throws TransferError USAGE: a jump host that looks like an option, or worse */
export function wayOf(word: HostWord, settings: SshSettings): readonly string[] {
  const { configFile, identityFiles = [], jump } = settings;
  const port = word.port ?? settings.port;
  if (jump !== undefined) parseJumps(jump); // the client gives it to a shell
  return [
    ...(configFile === undefined ? [] : ['-F', configFile]),
    ...identityFiles.flatMap((file) => ['-i', file]),
    ...(jump === undefined ? [] : ['-J', jump]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(word.user === undefined ? [] : ['-l', word.user]),
  ];
}

/** What the user's config file may ask for, and a command must not have: terminals, forwarding, another command. */
export const PLAIN = [
  ...['-T', '-a', '-x', '-e', 'none'],
  ...['-o', 'ClearAllForwardings=yes', '-o', 'RemoteCommand=none', '-o', 'PermitLocalCommand=no'],
] as const;

const refusing =
  /permission denied|host key verification failed|identification has changed|too many authentication failures|host key is known|no matching host key|revoked/i;
const misused = /bad configuration option|can't open user config file|terminating, \d+ bad|unknown option|usage: /i;

/** Why the client did not connect, in its own words. */
export function programFailed(label: string, stderr: string): TransferError {
  const words = wordsOf(stderr);
  const said = words === '' ? 'the SSH client ended without a word' : words;
  if (misused.test(stderr)) {
    return new TransferError('USAGE', `${label}: ${said}`, { hint: 'Correct the SSH config file or the options.' });
  }
  if (refusing.test(stderr)) {
    const hint = /identification has changed/i.test(stderr)
      ? 'Somebody may be listening in. Only if you know why the key changed, remove the old one with ssh-keygen -R.'
      : /host key verification failed/i.test(stderr)
        ? 'Compare the fingerprint, then use --accept-new-host-key, or connect once with ssh.'
        : 'Check the user and the key: -i FILE, ssh-add, or ssh-copy-id.';
    return new TransferError('HOST_REFUSED', `${label}: ${said}`, { hint });
  }
  const hint = 'Check the name, the port (-p) and the network.';
  return new TransferError('HOST_UNREACHABLE', `${label}: ${said}`, { hint });
}

/** The client's words on one line, without the frame that ssh draws around its warnings. */
export function wordsOf(stderr: string): string {
  const lines = stderr
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^@+$/.test(line))
    .map((line) => line.replace(/^@\s+|\s+@$/g, ''));
  return printable(lines.join(' '), 1_000);
}
