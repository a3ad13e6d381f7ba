/** The real programs of bin/, with commands that do what a test needs, in a folder of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** `list WORD`: what WORD makes the command do. `engine` and environment come back in `sources`. */
const listStub = `
const result = (sources, images = []) => ({
  sources, images, twins: [], fingerprints: [], faults: [],
  totals: { images: 0, layerUses: 0, uniqueLayers: 0, bytesUsed: 0, bytesUnique: 0, bytesToCopy: 0 },
});
const digest = 'sha256:' + '0'.repeat(64);
export async function list({ sources: [word], engine }, { signal, emit }) {
  const alive = setInterval(() => undefined, 1000);
  const aborted = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  aborted.catch(() => undefined);
  process.stderr.write('started\\n');
  try {
    if (word === 'obedient') await aborted;
    if (word === 'stubborn') await new Promise(() => undefined);
    if (word === 'finishing') await aborted.catch(() => undefined);
    if (word === 'lost') { clearInterval(alive); await new Promise(() => undefined); }
    if (word === 'stray') { setTimeout(() => { throw new Error('thrown where nobody listens'); }); await aborted; }
    if (word === 'unheard') { Promise.reject(new Error('rejected where nobody listens')); await aborted; }
    if (word === 'broken') throw new TypeError('x is not a function');
    if (word === 'leaky') setInterval(() => undefined, 1000);
    if (word === 'long') {
      return result([word], Array.from({ length: 20000 }, (_, n) => ({
        name: 'docker.io/library/app:' + n, digest, kind: 'opaque', platforms: [], notIncluded: [], artifacts: [],
      })));
    }
    const { DOCKER_CONTEXT, DOCKER_HOST, DOCKER_CONFIG } = process.env;
    return result([word, engine ?? 'none', DOCKER_CONTEXT ?? '', DOCKER_HOST ?? '', DOCKER_CONFIG ?? '']);
  } finally {
    clearInterval(alive);
  }
}
`;

/** Writes one endless bundle. */
const packStub = `
import { once } from 'node:events';
export async function pack({ standardOutput }) {
  for (;;) {
    await new Promise((resolve, reject) => standardOutput.write(Buffer.alloc(65536), (e) => (e ? reject(e) : resolve())));
  }
}
`;

/** Asks, and prints the answers. */
const sendStub = `
export async function send({ to: [host] }, { ask, signal }) {
  const alive = setInterval(() => undefined, 1000);
  try {
    const answers = [await ask?.secret('Password for ' + host + ':', signal), await ask?.line('Go on?', signal)];
    return { dryRun: false, hosts: [], notes: [ask === undefined ? 'nobody' : answers.join(' ')], date: '' };
  } finally {
    clearInterval(alive);
  }
}
`;

export function installPrograms(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ferry-program-'));
  for (const part of ['cli', 'model', 'primitives']) compile(join(root, 'src', part), join(folder, 'dist', part));
  mkdirSync(join(folder, 'dist/commands'));
  writeFileSync(join(folder, 'dist/commands/list.js'), listStub);
  writeFileSync(join(folder, 'dist/commands/pack.js'), packStub);
  writeFileSync(join(folder, 'dist/commands/send.js'), sendStub);
  cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** Compiles a folder of sources, without checking types. */
export function compile(from: string, to: string): void {
  for (const name of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const { code } = transformSync(readFileSync(join(from, name), 'utf8'), {
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      module: { type: 'es6' },
    });
    const file = join(to, name.replace(/ts$/, 'js'));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, code);
  }
}

export interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  /** Resolves when the stub has been called. */
  readonly started: Promise<void>;
  readonly ended: Promise<Ended>;
}

export function start(program: string, words: readonly string[], env: Record<string, string> = {}): Started {
  const clean = { PATH: process.env['PATH'] ?? '', ...env };
  const child = spawn(process.execPath, [program, ...words], { env: clean, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const started = new Promise<void>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (stderr.includes('started\n')) resolve();
    });
  });
  const ended = once(child, 'close').then(([status, signal]: unknown[]) => ({
    status: status as number | null,
    signal: signal as string | null,
    stdout,
    stderr: stderr.replace('started\n', ''),
  }));
  return { child, started, ended };
}
