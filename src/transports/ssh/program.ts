import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ioError, TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { Tail } from '../machine/tail.js';
import { type Connection } from './connection.js';
import { type HostWord } from './host-word.js';
import {
  answers,
  callProgram,
  type Master,
  MAX_WORDS,
  noProgram,
  PLAIN,
  programFailed,
  QUESTION_PATIENCE,
  wayOf,
  wordsOf,
} from './program-call.js';
import { ProgramConnection } from './program-connection.js';
import { type ConnectOptions } from './settings.js';
import { FOLDER_STEM, removeFolder, SOCKET_NAME, sweepFolders } from './sweep.js';
import { inTurn } from './turns.js';

/** Milliseconds. `batch`: for a connection that nobody is asked about. */
const PATIENCE = { poll: 50, batch: 60_000, exit: 2_000 } as const;
/** Characters that a socket's path may have, less those that ssh adds while it makes the socket. */
const MAX_SOCKET_PATH = 103 - 18;

/**
 * Connects with an OpenSSH client: one master connection, which all commands share; the user's own one (ControlPath)
 * where it is there already.
 * @throws TransferError USAGE, HOST_REFUSED, HOST_UNREACHABLE, in the client's own words; the signal's reason
 */
export async function connectProgram(word: HostWord, program: string, options: ConnectOptions): Promise<Connection> {
  const { settings, signal } = options;
  const way = wayOf(word, settings);
  const config = await readConfig(program, way, word, signal);
  if (config.has('controlpath') && config.get('controlpath') !== 'none') {
    const by = wayOf(word, { ...settings, jump: undefined });
    const own: Master = { program, host: word.host, by: [...by, '-o', 'ControlMaster=no'] };
    if (await answers(own, signal)) return new ProgramConnection(word.label, own, async () => Promise.resolve());
  }
  return inTurn(options, () => startMaster(word, program, [...way, ...defaultsFor(config, options)], options));
}

/** The settings that the client works with (`-G`); empty where it cannot tell. */
async function readConfig(
  program: string,
  way: readonly string[],
  word: HostWord,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const result = await callProgram(program, [...way, '-G', '--', word.host], { signal, timeout: QUESTION_PATIENCE });
  signal.throwIfAborted();
  if (result.status === 255) throw programFailed(word.label, result.stderr);
  const lines = result.status === 0 ? result.stdout.split('\n') : [];
  return new Map(
    lines.map((line) => {
      const space = line.indexOf(' ');
      return [line.slice(0, space).toLowerCase(), line.slice(space + 1).trim()];
    }),
  );
}

/** What the built-in client does by default, where the user's config does not say otherwise. */
function defaultsFor(config: ReadonlyMap<string, string>, { settings, ask }: ConnectOptions): readonly string[] {
  const args: string[] = [];
  const unless = (keyword: string, value: string): void => {
    if ([undefined, '0', 'none'].includes(config.get(keyword.toLowerCase()))) args.push('-o', `${keyword}=${value}`);
  };
  unless('ServerAliveInterval', '15');
  unless('ConnectTimeout', '20');
  if (settings.acceptNewHostKey === true) args.push('-o', 'StrictHostKeyChecking=accept-new');
  if (ask === undefined) args.push('-o', 'BatchMode=yes');
  return args;
}

async function startMaster(
  word: HostWord,
  program: string,
  way: readonly string[],
  { ask, signal, emitNote }: ConnectOptions,
): Promise<Connection> {
  const folder = shortFolder();
  await sweepFolders(path.dirname(folder));
  const socket = path.join(folder, SOCKET_NAME);
  const master: Master = { program, host: word.host, by: ['-F', 'none', '-S', socket, '-o', 'ControlMaster=no'] };
  const args = [...way, ...PLAIN, '-M', '-S', socket, '-o', 'ControlPersist=no', '--', word.host, 'cat'];
  // It asks on the terminal, which it opens by name. `cat` instead of -N: its input ends with this process, however
  // that ends, and the master with it. What it says besides is passed on.
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'] });
  const words = new Tail(MAX_WORDS);
  let connecting = true;
  child.stdin.on('error', () => undefined);
  child.stderr.on('data', (chunk: Buffer) => {
    words.push(chunk);
    const lines = chunk.toString('utf8').split(/[\r\n]+/);
    for (const line of connecting ? lines : []) if (line.trim() !== '') emitNote(`${word.label}: ${printable(line)}`);
  });
  const ended = whenEnded(child, program);
  const end = async (): Promise<void> => {
    await endMaster(master, child, ended);
    removeFolder(folder);
  };
  try {
    await untilUp(word, master, socket, { ended, words, signal, limit: ask === undefined ? PATIENCE.batch : Infinity });
  } catch (error) {
    await end();
    throw error;
  }
  connecting = false;
  const connection = new ProgramConnection(word.label, master, end);
  void ended.then(() => {
    connection.lose(wordsOf(words.text()).slice(-300));
  });
  return connection;
}

interface Rise {
  readonly ended: Promise<TransferError | undefined>;
  readonly words: Tail;
  readonly signal: AbortSignal;
  /** Milliseconds. */
  readonly limit: number;
}

/** Waits for the master's socket, which is there once the host has let us in. */
async function untilUp(word: HostWord, master: Master, socket: string, rise: Rise): Promise<void> {
  const { ended, words, signal, limit } = rise;
  const until = Date.now() + limit;
  let over: { readonly error: TransferError | undefined } | undefined;
  void ended.then((error) => {
    over = { error };
  });
  for (;;) {
    signal.throwIfAborted();
    const result = over as { readonly error: TransferError | undefined } | undefined;
    if (result !== undefined) throw result.error ?? programFailed(word.label, words.text());
    if (existsSync(socket) && (await answers(master, signal))) return;
    if (Date.now() > until) {
      throw new TransferError('HOST_UNREACHABLE', `${word.label}: no answer in ${String(limit / 1000)} s`, {
        hint: 'Check the network, the port (-p) and firewalls, or go through another host with -J.',
      });
    }
    await sleep(PATIENCE.poll);
  }
}

/** Settles when the process is gone; with an error when it could not be started. */
function whenEnded(child: ChildProcess, program: string): Promise<TransferError | undefined> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) resolve(noProgram(program, error));
    });
    child.once('exit', () => {
      // Its last words may come after it.
      setTimeout(() => {
        resolve(undefined);
      }, 20);
    });
  });
}

async function endMaster({ program, host, by }: Master, child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  const isOver = (): boolean => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  if (isOver()) return;
  await callProgram(program, [...by, '-O', 'exit', '--', host], { timeout: PATIENCE.exit }).catch(() => undefined);
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const late = new AbortController();
    await Promise.race([ended, sleep(PATIENCE.exit / 4, undefined, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
    if (isOver()) return;
    child.kill(signal);
  }
  await Promise.race([ended, sleep(PATIENCE.exit)]);
}

/** A new folder, for us only, whose name leaves room for a socket in it. */
function shortFolder(): string {
  let last: unknown;
  for (const parent of [os.tmpdir(), '/tmp', '/var/tmp']) {
    const stem = path.join(parent, FOLDER_STEM);
    if (stem.length + '123456/c'.length > MAX_SOCKET_PATH) continue;
    try {
      return mkdtempSync(stem);
    } catch (error) {
      last = error;
    }
  }
  throw ioError(last ?? new Error('its path is too long for a socket'), `a temporary folder in ${os.tmpdir()}`);
}
