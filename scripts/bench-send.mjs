// Measures `ferry send` against `docker save | zstd -3 | ssh HOST docker load`, on the engines of test/lab over test/lab/line.
//
//   node scripts/bench-send.mjs --what a|b|c|d [--from docker28|file] [--to docker26] [--runs 3] [--only pipe|ferry]
//     a  one changed 5 MB layer on a big image, the host has the rest, 100 Mbit/s
//     b  the big image to a host that has nothing of it, no limit: paired runs in turn
//     c  the same at 20 Mbit/s, the line fails three times (--break cut|reset|hang-up|kill, --seed N, --hold SECONDS)
//     d  four hosts at once, --to NAME,NAME,NAME,NAME: the third at a tenth of the speed, the fourth dies
//   --mbit N, --sizes MB,MB,...   other speed, other layers       --work DIR   where the images lie (default: temporary)
//   --ferry="ARGS"  more arguments for ferry   --program FILE   another build of it   --keep       leave images and lines where they are
//
// A JSON line on standard output for each run, tables on standard error. Needs root, the lab's engines up (LAB_DIR),
// and a build (npm run build). Bytes are those of TCP's data towards the host; CPU is that of the sending programs, not of
// the daemons.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  clear,
  clientOf,
  dataToFar,
  environmentOf,
  killBelow,
  labDir,
  line,
  measure,
  namesIn,
  prefix,
  say,
  tidy,
} from './bench-lab.mjs';
import { root } from './prepare.mjs';

const { values: given } = parseArgs({
  options: {
    what: { type: 'string' },
    from: { type: 'string', default: 'docker28' },
    to: { type: 'string' },
    runs: { type: 'string', default: '3' },
    only: { type: 'string' },
    break: { type: 'string', default: 'cut' },
    seed: { type: 'string', default: '1' },
    hold: { type: 'string', default: '45' },
    mbit: { type: 'string' },
    sizes: { type: 'string' },
    work: { type: 'string', default: join(tmpdir(), 'ferry-bench') },
    program: { type: 'string', default: join(root, 'bin', 'ferry.js') },
    ferry: { type: 'string', default: '' },
    keep: { type: 'boolean', default: false },
  },
});

const firstLine = 21; // away from the lines of the tests
const sourceEngine = given.from === 'file' ? 'docker28' : given.from;
const sshConfig = join(labDir, 'line', 'config');
const environment = environmentOf(sourceEngine);

// ---- images ----

const sizes = given.sizes ?? (given.what === 'd' ? '150,100' : '300,250,200,150,100');
const archive = join(given.work, `big-${sizes.replaceAll(',', '-')}.tar`);
const image = (tag) => `${prefix}big-${sizes.replaceAll(',', '-')}:${tag}`;
const fileOf = (tag) => `${archive.slice(0, -4)}.${tag}.tar`;

function prepareImages() {
  mkdirSync(given.work, { recursive: true });
  if (!existsSync(archive)) say(join(root, 'test/lab/make-image'), [archive, image('').slice(0, -1), sizes, '5,5']);
  clear(sourceEngine);
  say(clientOf(sourceEngine), ['load', '-q', '-i', archive]);
  for (const tag of ['1', '2']) {
    if (!existsSync(fileOf(tag)))
      say('bash', ['-c', `docker save ${image(tag)} >${fileOf(tag)}`], { env: environment });
  }
}

const diffIds = (tag) =>
  JSON.parse(say('tar', ['-xOf', archive, `config-${tag}.json`])).rootfs.diff_ids.map((id) => id.slice(7));
const zstdSize = (command) => Number(say('bash', ['-c', `set -o pipefail; ${command} | zstd -3 -q -c | wc -c`]));

/** Whether the engine saves the image with every layer as it should be. */
function proven(engine, tag) {
  const name = namesIn(engine).find((found) => found.endsWith(image(tag)));
  if (name === undefined) return false;
  const save = engine.startsWith('containerd') ? `images export --local - ${name}` : `save ${name}`;
  const script = `${clientOf(engine)} ${save} | tar -xf - --to-command='gzip -dcf | sha256sum'`;
  const sums = new Set(say('bash', ['-c', script]).match(/[0-9a-f]{64}/g));
  return diffIds(tag).every((id) => sums.has(id));
}

// ---- the two ways ----

const remoteLoad = (engine) =>
  engine === 'docker20'
    ? "'zstd -dc | docker load'" // this one does not read zstd
    : ({ p: 'podman load', c: 'ctr images import -' }[engine[0]] ?? 'docker load');
const host = (engine, number) => `${engine}.line${number}`;

const pipe = (engine, number, tag) => {
  const from = given.from === 'file' ? `zstd -3 -q -c ${fileOf(tag)}` : `docker save ${image(tag)} | zstd -3 -q`;
  return `${from} | ssh -F ${sshConfig} ${host(engine, number)} ${remoteLoad(engine)}`;
};
const ferry = (hosts, tag) => {
  const from = given.from === 'file' ? `file:${fileOf(tag)}` : image(tag);
  const to = hosts.map((name) => `--to ${name}`).join(' ');
  const engine = given.from === 'file' ? '' : `--engine ${clientOf(sourceEngine)}`;
  return `${process.execPath} ${given.program} send ${from} ${engine} ${to} -F ${sshConfig} --json --progress none ${given.ferry}`;
};

const results = [];
function record(row) {
  results.push(row);
  console.log(JSON.stringify(row));
}

/** One run of one way to one host, with its bytes and the proof. */
async function run(what, way, engine, number, tag, onStart) {
  const before = dataToFar(number);
  const ran = await measure(
    way === 'pipe' ? pipe(engine, number, tag) : ferry([host(engine, number)], tag),
    environment,
    onStart,
  );
  const bytes = dataToFar(number) - before;
  const sent = parsed(ran.out)?.hosts?.[0];
  const row = {
    what,
    way,
    from: given.from,
    to: engine,
    status: ran.status,
    seconds: round(ran.seconds),
    cpu: ran.cpu,
    bytes,
  };
  if (sent !== undefined)
    Object.assign(row, { sent: sent.bytesSent, retries: sent.retries, checkpoints: sent.checkpoints });
  if (ran.status !== 0) row.said = `${ran.out}\n${ran.error}`.trim().slice(-600);
  record({ ...row, proven: proven(engine, tag) });
  return { ...row, sent };
}

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
const round = (number) => Math.round(number * 100) / 100;
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const ways = given.only === undefined ? ['pipe', 'ferry'] : [given.only];

// ---- what is measured ----

async function changedLayer(engine = given.to ?? 'docker26') {
  const top = `tar -xOf ${archive} layer${sizes.split(',').length + 2}.tar`;
  record({ what: 'a', bound: zstdSize(top) });
  clear(engine);
  say(clientOf(engine), [...(engine.startsWith('containerd') ? ['images', 'import'] : ['load', '-i']), fileOf('1')]);
  line(firstLine, 'up', `${given.mbit ?? '100'}mbit`);
  for (let i = 0; i < Number(given.runs); i++) {
    for (const way of ways) {
      clear(engine, { stays: [image('1')] });
      await run('a', way, engine, firstLine, '2');
    }
  }
}

async function wholeImage(engine = given.to ?? 'docker26') {
  line(firstLine, 'up', given.mbit === undefined ? 'none' : `${given.mbit}mbit`);
  for (let i = 0; i < Number(given.runs); i++) {
    for (const way of i % 2 === 0 ? ways : ways.toReversed()) {
      clear(engine);
      await run('b', way, engine, firstLine, '1');
    }
  }
}

/** A number in [0, 1) that the seed and n decide. */
const chance = (n) => createHash('sha256').update(`${given.seed}/${n}`).digest().readUInt32BE() / 2 ** 32;

async function brokenLine(engine = given.to ?? 'docker26') {
  const mbit = Number(given.mbit ?? 20);
  const size = zstdSize(`cat ${fileOf('1')}`);
  const breaks = [0, 1, 2].map((n) => round(size * ((n + chance(n)) / 3))); // one in each third, in bytes on the line
  record({ what: 'c', size, break: given.break, breaks, atFullSpeed: round((size * 8) / mbit / 1e6) });
  clear(engine);
  line(firstLine, 'up', `${mbit}mbit`);
  const start = dataToFar(firstLine);
  const fail = breaker(breaks, start);
  const rows = [];
  do rows.push(await run('c', 'ferry', engine, firstLine, '1', fail.watch));
  while (given.break === 'kill' && rows.at(-1).status !== 0 && rows.length <= breaks.length);
  fail.stop();
  const bytes = dataToFar(firstLine) - start;
  record({
    what: 'c',
    total: bytes,
    over: bytes - size,
    broken: fail.done(),
    limit: size + fail.done() * 256 * 2 ** 20,
  });
  clear(engine, { names: rows.at(-1).sent?.checkpoints ?? [] });
}

/** Breaks the line each time that so many bytes have gone over it; a cut is mended after `--hold` seconds. */
function breaker(breaks, start) {
  let count = 0;
  let child;
  const timer = setInterval(() => {
    if (count >= breaks.length || dataToFar(firstLine) - start < breaks[count]) return;
    count++;
    console.error(`${given.break} ${count} at ${dataToFar(firstLine) - start} bytes`);
    if (given.break === 'kill') killBelow(child.pid);
    else line(firstLine, given.break);
    if (given.break === 'cut') setTimeout(() => line(firstLine, 'mend'), Number(given.hold) * 1000);
  }, 200);
  return { watch: (started) => (child = started), stop: () => clearInterval(timer), done: () => count };
}

async function fourHosts() {
  const engines = (given.to ?? 'docker26,docker28c,docker20,podman5').split(',');
  const mbit = Number(given.mbit ?? 40);
  engines.forEach((_, i) => line(firstLine + i, 'up', `${i === 2 ? mbit / 10 : mbit}mbit`));
  const hosts = engines.map((engine, i) => host(engine, firstLine + i));
  const dies = firstLine + 3;
  const send = async (label, some, onStart) => {
    engines.forEach((engine) => clear(engine));
    const ran = await measure(
      ferry(
        some.map((i) => hosts[i]),
        '1',
      ),
      environment,
      onStart,
    );
    const sent = parsed(ran.out)?.hosts ?? [];
    const rows = sent.map(({ state, seconds, bytesSent, error, checkpoints }, k) => {
      const engine = engines[some[k]];
      const row = { to: engine, state, seconds, bytesSent, error: error?.message, proven: proven(engine, '1') };
      clear(engine, { names: checkpoints });
      return row;
    });
    record({ what: 'd', label, status: ran.status, seconds: round(ran.seconds), hosts: rows });
    if (ran.status !== 0) console.error(ran.error.slice(-600));
  };
  await send('first alone', [0]);
  await send('second alone', [1]);
  await send('first and second', [0, 1]);
  const half = (zstdSize(`cat ${fileOf('1')}`) * 4) / mbit / 1e6;
  await send('all four', [0, 1, 2, 3], () =>
    setTimeout(() => {
      line(dies, 'cut');
      line(dies, 'hang-up');
    }, half * 1000),
  );
}

function summary() {
  for (const way of ways) {
    const rows = results.filter((row) => row.way === way);
    if (rows.length === 0) continue;
    const of = (key) => median(rows.map((row) => row[key] ?? 0));
    const line = [way, `${rows.length} runs`, `${of('seconds')} s`, `cpu ${of('cpu')} s`, `${of('bytes')} bytes`];
    console.error(
      `${line.join('  ')}${rows.every((row) => row.proven || row.status === 137) ? '  proven' : '  NOT PROVEN'}`,
    );
  }
  const of = (way) => results.filter((row) => row.way === way && row.status === 0).map((row) => row.seconds);
  const pairs = of('pipe')
    .map((seconds, i) => of('ferry')[i] / seconds)
    .filter((ratio) => ratio > 0);
  if (pairs.length > 0) console.error(`ferry / pipe, wall, median of ${pairs.length} pairs: ${round(median(pairs))}`);
}

const kinds = { a: changedLayer, b: wholeImage, c: brokenLine, d: fourHosts };
if (!(given.what in kinds)) throw new Error('--what a, b, c or d');
process
  .once('SIGINT', () => process.exit(130))
  .once('SIGTERM', () => process.exit(143))
  .once('exit', () => given.keep || tidy());
prepareImages();
await kinds[given.what]();
summary();
