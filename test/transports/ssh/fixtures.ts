import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Exit, type Machine } from '../../../src/transports/machine/machine.js';
import { type Ask, connect, type Connection, parseHost, type SshSettings } from '../../../src/transports/ssh/index.js';
import { type KeyPair } from '../../helpers/ssh-server.js';

/** A home folder with what SSH needs, and nothing of the user's own. */
export interface Home {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  path(...parts: string[]): string;
  put(name: string, text: string): string;
  remove(): void;
}

export function makeHome(): Home {
  const folder = mkdtempSync(path.join(tmpdir(), 'ferry-ssh-test-'));
  mkdirSync(path.join(folder, '.ssh'), { mode: 0o700 });
  const at = (...parts: string[]): string => path.join(folder, '.ssh', ...parts);
  return {
    folder,
    env: { HOME: folder, PATH: process.env['PATH'] },
    path: at,
    put: (name, text) => {
      writeFileSync(at(name), text, { mode: 0o600 });
      return at(name);
    },
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** `[127.0.0.1]:port ssh-ed25519 AAAA...` */
export const knownLine = (port: number, key: KeyPair): string =>
  `[127.0.0.1]:${String(port)} ${key.public.split(' ').slice(0, 2).join(' ')}\n`;

export interface Try {
  readonly word?: string;
  readonly settings?: SshSettings;
  readonly ask?: Ask;
  readonly signal?: AbortSignal;
  readonly notes?: string[];
}

/** Connects as a user with this home. */
export function tryConnect(home: Home, port: number, options: Try = {}): Promise<Connection> {
  const { word = `tester@127.0.0.1:${String(port)}`, settings = {}, ask, notes = [] } = options;
  return connect(parseHost(word), {
    settings: { configFile: home.path('config'), ...settings },
    ask,
    signal: options.signal ?? new AbortController().signal,
    emitNote: (message) => notes.push(message),
    env: home.env,
  });
}

/** Answers in this order; what was asked is noted. */
export function script(...answers: (string | undefined)[]): Ask & { readonly asked: string[] } {
  const asked: string[] = [];
  const next = (question: string): Promise<string | undefined> => {
    asked.push(question);
    return Promise.resolve(answers.shift());
  };
  return { asked, secret: next, line: next };
}

export interface Ran extends Exit {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function ran(machine: Machine, argv: readonly string[], input?: string): Promise<Ran> {
  const child = machine.start(argv, input !== undefined);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  if (input !== undefined) child.stdin.end(input);
  const exit = await child.exited;
  return { ...exit, stdout, stderr };
}
