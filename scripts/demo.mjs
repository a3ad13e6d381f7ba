// npm run demo: the main job on real input. Three files that three engines wrote become one bundle.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, root } from './prepare.mjs';

ensureBuilt();

const colour = process.stdout.isTTY && process.env.NO_COLOR === undefined;
const bold = (text) => (colour ? `\x1b[1m${text}\x1b[0m` : text);
const say = (text) => console.log(`\n${bold(text)}`);

const folder = mkdtempSync(join(tmpdir(), 'ferry-demo-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
cpSync(join(root, 'fixtures', 'demo'), join(folder, 'saves'), { recursive: true });
const saves = readdirSync(join(folder, 'saves'))
  .filter((name) => name.endsWith('.tar.gz'))
  .map((name) => `saves/${name}`);

/** Shows a command and runs it in the demo's folder. */
function ferry(...args) {
  console.log(`\n${bold('$')} ferry ${args.join(' ').replace(saves.join(' '), 'saves/*.tar.gz')}`);
  const result = spawnSync(process.execPath, [join(root, 'bin', 'ferry.js'), ...args], {
    cwd: folder,
    stdio: 'inherit',
  });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** Whether an engine is here and answers. */
const answers = (program) => spawnSync(program, ['info'], { stdio: 'ignore', timeout: 15_000 }).status === 0;

say('Three saves, by Docker 20.10, Docker 28.5 and Podman 5.8:');
for (const save of saves) console.log(`  ${save}  ${Math.round(statSync(join(folder, save)).size / 1000)} kB`);

say('One bundle of them, each layer once:');
ferry('pack', ...saves, '-o', 'release.tar.zst');

say('Every byte proven, and what is in it:');
ferry('verify', 'release.tar.zst');
ferry('list', 'release.tar.zst');

say('The same as an OCI image layout folder:');
ferry('pack', 'release.tar.zst', '-o', 'layout/');

const engine = ['docker', 'podman'].find(answers);
if (engine === undefined) {
  say('No engine answers on this machine. Where one does:');
  console.log('\n$ ferry load release.tar.zst');
  console.log('\nand where there is no ferry:\n\n$ docker load < release.tar.zst');
} else {
  say(`Into ${engine}:`);
  ferry('load', 'release.tar.zst', '--engine', engine);
  console.log(`\nTo remove them: ${engine} rmi shop/api:1.0 shop/api:1.1 shop/worker:1.0`);
}
