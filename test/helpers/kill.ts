/** Kills real `ferry` processes (`kill -9`) at random moments of their work. */
import { afterAll, beforeAll } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { compile } from '../cli/program.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** How many moments each test tries: 6, or as many as the environment says (`FERRY_KILLS=50`). */
export const KILLS = Number(process.env['FERRY_KILLS'] ?? 6);
/** Where the sequence of moments begins; printed with a failure through the test's name. */
export const SEED = Number(process.env['FERRY_KILL_SEED'] ?? 1);

/** The whole program, built once for a test file into a folder of its own; gives that folder. */
export function useFerry(): () => string {
  let build = '';
  beforeAll(() => {
    build = buildFerry();
  });
  afterAll(() => {
    rmSync(build, { recursive: true, force: true });
  });
  return () => build;
}

function buildFerry(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ferry-kill-'));
  compile(join(root, 'src'), join(folder, 'dist'));
  cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  cpSync(join(root, 'src/formats/kit/load.sh'), join(folder, 'dist/formats/kit/load.sh'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

export interface Run {
  /** Null: it was killed. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** Runs `ferry` of such a folder to its end, or until it is killed after so many milliseconds. */
export async function runFerry(build: string, words: readonly string[], killAfterMs?: number): Promise<Run> {
  const begin = performance.now();
  const child = spawn(process.execPath, [join(build, 'bin/ferry.js'), ...words, '--progress', 'none'], {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close');
  const cancel = new AbortController();
  if (killAfterMs !== undefined) {
    void setTimeout(killAfterMs, undefined, { signal: cancel.signal }).then(
      () => child.kill('SIGKILL'),
      () => undefined,
    );
  }
  const [status] = (await ended) as [number | null];
  cancel.abort();
  return { status, stdout, stderr, ms: performance.now() - begin };
}

export interface KillTest {
  /** What `useFerry` gave. */
  readonly build: string;
  /** Brings about the state before, anew each time. */
  readonly prepare: () => void;
  /** The call that is killed; run to its end, it must succeed. */
  readonly words: readonly string[];
  /** What must hold after each kill, before anything else runs. */
  readonly afterKill: () => Promise<void>;
  /** The call that finishes the work; by default the same again. */
  readonly finish?: readonly string[];
  /** What must hold when that has succeeded, and after the call that is not killed. */
  readonly afterFinish: () => Promise<void>;
}

/**
 * Measures one call, then kills it at `KILLS` moments between the end of its start-up and its end.
 * @returns how many of them were killed at work; the others had ended.
 */
export async function killAtMoments(test: KillTest): Promise<number> {
  const startUp = await runFerry(test.build, ['--version']);
  test.prepare();
  const whole = await finishes(test, test.words);
  await test.afterFinish();
  const random = randomFrom(SEED);
  let killed = 0;
  for (let n = 0; n < KILLS; n++) {
    test.prepare();
    const moment = startUp.ms * 0.8 + random() * Math.max(1, whole.ms - startUp.ms * 0.8);
    const run = await runFerry(test.build, test.words, moment);
    if (run.status === null) killed++;
    try {
      await test.afterKill();
      await finishes(test, test.finish ?? test.words);
      await test.afterFinish();
    } catch (cause) {
      const when = `killed after ${moment.toFixed(0)} of ${whole.ms.toFixed(0)} ms (kill ${String(n)}, seed ${String(SEED)})`;
      throw new Error(when, { cause });
    }
  }
  return killed;
}

async function finishes({ build }: KillTest, words: readonly string[]): Promise<Run> {
  const run = await runFerry(build, words);
  if (run.status === 0) return run;
  throw new Error(`ferry ${words.join(' ')}: status ${String(run.status)}: ${run.stderr}`);
}

/** Numbers from 0 to 1, always the same for a seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
