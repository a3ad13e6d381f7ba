// What the project's own scripts share. Plain Node.js: this runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

export const root = fileURLToPath(new URL('..', import.meta.url));

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 11)) {
  console.error(`image-ferry needs Node.js 20.11 or later; this is ${process.version}`);
  process.exit(2);
}

/** Runs a command in the project's folder; ends the process with its status when it fails. */
export function run(command, args, { env = {}, quiet = false } = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (result.status === 0) return;
  if (quiet) process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  console.error(`${command} ${args.join(' ')}: ${result.error?.message ?? `exit status ${result.status}`}`);
  process.exit(result.status ?? 1);
}

/** Runs a program that a dependency brings. */
export const runTool = (name, args, options) =>
  run(process.execPath, [join(root, 'node_modules', toolPath(name)), ...args], options);

function toolPath(name) {
  const manifest = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
  const bin = typeof manifest.bin === 'string' ? manifest.bin : (manifest.bin[name] ?? Object.values(manifest.bin)[0]);
  return join(name, bin);
}

/** Installs the dependencies, unless those of this lockfile are there. No install script is run: none is needed. */
export function ensureInstalled() {
  const stamp = join(root, 'node_modules', '.image-ferry-lock');
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('installing dependencies (npm ci) …');
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { quiet: true });
  writeFileSync(stamp, lock);
}

/** Compiles the sources into `dist`, and puts beside them what is no TypeScript. */
export function ensureBuilt() {
  ensureInstalled();
  console.error('building …');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  runTool('typescript', ['-p', '.'], { quiet: true });
  copyFileSync(join(root, 'src/formats/kit/load.sh'), join(root, 'dist/formats/kit/load.sh'));
}
