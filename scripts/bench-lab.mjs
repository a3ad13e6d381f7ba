// What scripts/bench-send.mjs does with the lab: programs, lines, engines.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './prepare.mjs';

export const labDir = process.env.LAB_DIR ?? join(tmpdir(), 'lab');
/** All images of the measurements have names that begin so. */
export const prefix = 'ferry-bench/';
const lines = new Set();
const used = new Set();

/** Runs a program to its end and gives its standard output. */
export const say = (command, args, options = {}) =>
  execFileSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  });
export const line = (number, ...args) => {
  lines.add(number);
  return say(join(root, 'test', 'lab', 'line'), args, {
    env: { ...process.env, LAB_DIR: labDir, LINE: String(number) },
  });
};
export const dataToFar = (number) => Number(/^data-to-far (\d+)$/m.exec(line(number, 'bytes'))[1]);
export const clientOf = (engine) =>
  join(
    labDir,
    engine,
    'bin',
    engine.startsWith('podman') ? 'podman' : engine.startsWith('containerd') ? 'ctr' : 'docker',
  );
/** The environment in which `docker` is this engine. */
export const environmentOf = (engine) => ({
  ...process.env,
  DOCKER_HOST: `unix://${labDir}/${engine}/sock`,
  PATH: `${labDir}/${engine}/bin:${process.env.PATH}`,
});

/** Runs a shell line at the near end; its exit status, wall and CPU seconds, and what it printed. */
export function measure(command, env, onStart = () => undefined) {
  const script = `set -o pipefail; TIMEFORMAT='cpu %U %S'; time { ${command}; }`;
  const start = performance.now();
  const child = spawn('ip', ['netns', 'exec', 'ferry-near', 'bash', '-c', script], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { out: '', error: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (output.out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (output.error += text));
  onStart(child);
  return new Promise((resolve) =>
    child.once('close', (status) => {
      const cpu = [...output.error.matchAll(/^cpu (\S+) (\S+)$/gm)].at(-1);
      const seconds = (performance.now() - start) / 1000;
      resolve({ status, seconds, cpu: cpu ? Number(cpu[1]) + Number(cpu[2]) : undefined, ...output });
    }),
  );
}

/** The names of the measurements' images in an engine. */
export const namesIn = (engine) => {
  const args = engine.startsWith('containerd')
    ? ['images', 'ls', '-q']
    : ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}'];
  return say(clientOf(engine), args)
    .split('\n')
    .filter((name) => name.includes(prefix));
};

/** Removes these names, and whatever of this script's images is there besides `stays`. */
export function clear(engine, { stays = [], names = [] } = {}) {
  used.add(engine);
  const gone = [...namesIn(engine).filter((name) => !stays.some((kept) => name.endsWith(kept))), ...names];
  const remove = engine.startsWith('containerd') ? ['images', 'rm', '--sync'] : ['rmi', '-f'];
  if (gone.length > 0) say(clientOf(engine), [...remove, ...gone]);
  const left = namesIn(engine).filter((name) => !stays.some((kept) => name.endsWith(kept)));
  if (left.length > 0) throw new Error(`${engine} still has ${left.join(' ')}`);
}

/** SIGKILL for what `measure` runs, and not for what that has started. */
export function killBelow(pid) {
  const below = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  for (const child of below) process.kill(Number(child), 'SIGKILL');
}

/** Removes every line and image that this process has made. */
export function tidy() {
  for (const number of lines) line(number, 'down');
  for (const engine of used) clear(engine);
}
