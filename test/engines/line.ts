import { execFile } from 'node:child_process';
import path from 'node:path';
import { program, type Ran } from './cli.js';
import { labDir } from './lab.js';

const script = path.resolve(import.meta.dirname, '../lab/line');

/** The SSH config file with which a client at the near end knows the hosts, as `hostOnLine` names them. */
export const lineSshConfig = path.join(labDir, 'line', 'config');

/** The name of an engine's host, reached over a line. */
export const hostOnLine = (engine: string, line = 1): string => `${engine}.line${String(line)}`;

export interface LineOptions {
  readonly mbit?: number;
  /** How much later everything arrives, each way; chosen when the line comes up, not changed afterwards. */
  readonly delayMs?: number;
  /** 1 (the default) to 60: several lines may be up at once. */
  readonly line?: number;
}

export interface Counted {
  /** Bytes of frames since the line is up, as they left one end: what a cut swallowed is in it. */
  readonly toFar: number;
  readonly fromFar: number;
  /** The same without the headers of Ethernet, IP and TCP. */
  readonly dataToFar: number;
  readonly dataFromFar: number;
}

/** Runs `test/lab/line VERB...`, which must succeed. @throws Error with what it said. */
function line(number: number, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, LAB_DIR: labDir, LINE: String(number) };
    const child = execFile(script, args, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`test/lab/line ${args.join(' ')}: ${stderr || error.message}`));
    });
    child.stdin?.end();
  });
}

/** Brings a line up, or changes the speed of one that is up and mends it. No `mbit`: as fast as the machine can. */
export async function lineUp(options: LineOptions = {}): Promise<void> {
  const rate = options.mbit === undefined ? 'none' : `${String(options.mbit)}mbit`;
  await line(options.line ?? 1, 'up', rate, String(options.delayMs ?? 0));
}

/** From now on every packet is lost without a word, until `mend`. */
export async function cut(number = 1): Promise<void> {
  await line(number, 'cut');
}

export async function mend(number = 1): Promise<void> {
  await line(number, 'mend');
}

/** Both ends see their connections reset. */
export async function reset(number = 1): Promise<void> {
  await line(number, 'reset');
}

/** Ends the far host's SSH sessions and everything that runs in them. */
export async function hangUp(number = 1): Promise<void> {
  await line(number, 'hang-up');
}

/** What went over the line so far. */
export async function bytes(number = 1): Promise<Counted> {
  const said = await line(number, 'bytes');
  const of = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(said)?.[1]);
  return {
    toFar: of('to-far'),
    fromFar: of('from-far'),
    dataToFar: of('data-to-far'),
    dataFromFar: of('data-from-far'),
  };
}

/** Runs a program at the near end, from which the hosts of all lines that are up can be reached, and nothing else. */
export function runNear(command: string, args: readonly string[], env = process.env): Promise<Ran> {
  return program('ip', ['netns', 'exec', 'ferry-near', command, ...args], env);
}

/** Removes the line and ends what runs at its far end. Idempotent. */
export async function lineDown(number = 1): Promise<void> {
  await line(number, 'down');
}
