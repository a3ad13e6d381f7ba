import { spawn } from 'node:child_process';
import path from 'node:path';
import { type EngineName, envOf } from './lab.js';

const bin = path.resolve(import.meta.dirname, '../../bin/ferry.js');

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built `ferry` as a user would, with an engine of the lab as the local one. */
export function ferry(engine: EngineName | undefined, ...args: readonly string[]): Promise<Ran> {
  return program(process.execPath, [bin, ...args], engine === undefined ? process.env : envOf(engine));
}

/** Runs any program to its end. */
export function program(command: string, args: readonly string[], env = process.env, cwd?: string): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    child.once('error', reject);
    child.once('close', (status) => {
      resolve({ status: status ?? -1, ...output });
    });
  });
}

/** `ferry ... --json`, which must succeed. */
export async function ferryJson<T>(engine: EngineName | undefined, ...args: readonly string[]): Promise<T> {
  const ran = await ferry(engine, ...args, '--json', '--progress', 'none');
  if (ran.status !== 0) throw new Error(`ferry ${args.join(' ')}: ${String(ran.status)} ${ran.stdout} ${ran.stderr}`);
  return JSON.parse(ran.stdout) as T;
}
