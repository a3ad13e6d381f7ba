// Sizes of full and thin bundles of consecutive releases, beside what a user would type instead.
// node scripts/bench-thin.mjs --corpus FOLDER [--work FOLDER]: FOLDER/save/*.tar as the corpus builder names them.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { corpus: { type: 'string' }, work: { type: 'string' } } });
if (values.corpus === undefined) throw new Error('--corpus FOLDER is missing');
const work = values.work ?? mkdtempSync(path.join(tmpdir(), 'ferry-bench-thin-'));
mkdirSync(work, { recursive: true });
const save = (name) => path.join(values.corpus, 'save', `${name}.tar`);
const at = (name) => path.join(work, name);
const ferry = path.resolve(import.meta.dirname, '../bin/ferry.js');
const run = (...args) =>
  execFileSync(process.execPath, [ferry, ...args, '-q'], { stdio: ['ignore', 'pipe', 'inherit'] });
const zstd = (level, file) => Number(execFileSync('sh', ['-c', `zstd -q -${level} -c -T2 "$0" | wc -c`, file]));

/** What the team ships each time; with 1.2 the base is rebuilt. */
const releases = [
  ['1.0', ['mini_api_1.0', 'mini_edge_1.0', 'redis_7-12.0', 'debian_12.0']],
  ['1.1', ['mini_api_1.1', 'mini_edge_1.1', 'redis_7-12.0', 'debian_12.0']],
  ['1.2', ['mini_api_1.2', 'mini_edge_1.2', 'redis_7-12.1', 'debian_12.1']],
  ['1.3', ['mini_api_1.3', 'mini_edge_1.3', 'redis_7-12.1', 'debian_12.1']],
];

/** The layers of a set of saves, by diffID. */
function layersOf(names) {
  const layers = new Map();
  for (const name of names) {
    const member = (file) => execFileSync('tar', ['-xOf', save(name), file], { maxBuffer: 2 ** 31 - 1 });
    for (const { Layers } of JSON.parse(member('manifest.json'))) {
      for (const layer of Layers) {
        const bytes = member(layer);
        layers.set(createHash('sha256').update(bytes).digest('hex'), bytes);
      }
    }
  }
  return layers;
}

/** What `zstd -3` makes of bytes, in pieces of this size. */
function compressed(bytes, piece = Math.max(1, bytes.length)) {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += piece) {
    const input = bytes.subarray(at, at + piece);
    sum += spawnSync('zstd', ['-q', '-3', '-c'], { input, maxBuffer: 2 ** 31 - 1 }).stdout.length;
  }
  return sum;
}

const kB = (bytes) => (bytes / 1000).toFixed(1);
const MiB = 2 ** 20;
console.log(
  'release | all saves, zstd -19 | full | thin | changed layers, zstd -3 each | the same in 4 MiB frames | thin to these | thin + base = full',
);
let previous;
for (const [release, names] of releases) {
  const full = at(`${release}.tar.zst`);
  run('pack', ...names.map(save), '-o', full);
  // One docker save of all of them holds each layer once: the fairest reading of `docker save | zstd -19`.
  const plain = at(`${release}.tar`);
  run('pack', ...names.map(save), '-o', plain);
  const cells = [release, kB(zstd(19, plain)), kB(statSync(full).size)];
  if (previous !== undefined) {
    const thin = at(`${release}-thin.tar.zst`);
    run('pack', ...names.map(save), '--base', previous.full, '-o', thin);
    const changed = [...layersOf(names)].filter(([diffId]) => !previous.layers.has(diffId));
    const sums = [undefined, 4 * MiB].map((piece) =>
      changed.reduce((total, [, bytes]) => total + compressed(bytes, piece), 0),
    );
    const again = at('again.tar.zst');
    run('pack', thin, '--with', previous.full, '-o', again);
    const same = readFileSync(again).equals(readFileSync(full));
    const size = statSync(thin).size;
    const ratios = sums.map((sum) => (size / sum).toFixed(4)).join(', ');
    cells.push(kB(size), ...sums.map(kB), ratios, same ? 'same bytes' : 'DIFFERS');
    if (!same) process.exitCode = 1;
  }
  console.log(cells.join(' | '));
  previous = { full, layers: layersOf(names) };
}
if (values.work === undefined && existsSync(work)) rmSync(work, { recursive: true });
