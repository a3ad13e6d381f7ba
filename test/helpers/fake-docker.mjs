#!/usr/bin/env node
// A Docker 20.10 as far as `ferry send` sees one: a graph driver that keeps its layers by chain ID, in the folder that
// FAKE_DOCKER names. What real engines do is tested in test/engines.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const folder = process.env.FAKE_DOCKER ?? '';
const stateFile = join(folder, 'state.json');
const sha256 = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const read = () => (existsSync(stateFile) ? JSON.parse(readFileSync(stateFile, 'utf8')) : { images: {}, names: {} });
const blob = (digest) => join(folder, digest.slice(7));
const familiar = (name) => name.replace(/^docker\.io\/(library\/)?/, '');

const lock = join(folder, 'lock');
let locked = false;

/** Changes the state, one process at a time. */
async function change(work) {
  for (;;) {
    try {
      mkdirSync(lock);
      locked = true;
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  try {
    const state = read();
    work(state);
    // Tests read it at any time.
    writeFileSync(`${stateFile}.new`, JSON.stringify(state));
    renameSync(`${stateFile}.new`, stateFile);
  } finally {
    rmdirSync(lock);
  }
}

function fail(words, status = 1) {
  process.stderr.write(`${words}\n`);
  if (locked) rmdirSync(lock);
  process.exit(status);
}

async function input() {
  const parts = [];
  for await (const chunk of process.stdin) parts.push(chunk);
  const bytes = Buffer.concat(parts);
  return bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
}

function untar(tar) {
  const files = new Map();
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const text = (start, length) => tar.toString('latin1', at + start, at + start + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(text(124, 12), 8);
    if (at + 512 + size > tar.length) fail('unexpected EOF');
    files.set(text(0, 100), tar.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

const chains = (diffIds) =>
  diffIds.reduce((all, diffId) => [...all, all.length === 0 ? diffId : sha256(`${all.at(-1)} ${diffId}`)], []);

async function load() {
  if (process.env.FAKE_DOCKER_FULL) {
    await input();
    fail('write /var/lib/docker/tmp/docker-import-1/layer: no space left on device');
  }
  const files = untar(await input());
  const list = JSON.parse(files.get('manifest.json') ?? fail('no manifest.json'));
  await change((state) => {
    const there = new Set(Object.values(state.images).flatMap(({ diffIds }) => chains(diffIds)));
    for (const { Config, Layers, RepoTags } of list) {
      const config = files.get(Config);
      const diffIds = JSON.parse(config).rootfs.diff_ids;
      chains(diffIds).forEach((chain, i) => {
        if (there.has(chain)) return;
        const bytes = files.get(Layers[i]) ?? fail(`open ${Layers[i]}: no such file or directory`);
        const plain = bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
        if (sha256(plain) !== diffIds[i]) fail(`invalid diffID for layer ${i}`);
        writeFileSync(blob(diffIds[i]), plain);
        there.add(chain);
      });
      const id = sha256(config);
      writeFileSync(blob(id), config);
      state.images[id] = { diffIds };
      for (const name of RepoTags ?? []) state.names[familiar(name)] = id;
    }
  });
}

/** What `docker save` of Docker 25 and later writes, as far as it matters. */
function save(state, refs) {
  const members = [];
  const list = refs.map((ref) => {
    const id = find(state, ref);
    const { diffIds } = state.images[id];
    for (const digest of [id, ...diffIds])
      members.push([`blobs/sha256/${digest.slice(7)}`, readFileSync(blob(digest))]);
    const path = (digest) => `blobs/sha256/${digest.slice(7)}`;
    return { Config: path(id), RepoTags: [familiar(ref)], Layers: diffIds.map(path) };
  });
  members.push(['manifest.json', Buffer.from(JSON.stringify(list))]);
  for (const [name, bytes] of new Map(members)) {
    const header = Buffer.alloc(512);
    header.write(name, 0, 'latin1');
    header.write('0000644\u00000000000\u00000000000\u0000', 100, 'latin1');
    header.write(`${bytes.length.toString(8).padStart(11, '0')}\u000000000000000\u0000        0`, 124, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148, 'latin1');
    process.stdout.write(Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]));
  }
  process.stdout.write(Buffer.alloc(1024));
}

const find = (state, ref) =>
  state.images[ref] ? ref : (state.names[familiar(ref)] ?? fail(`Error: No such image: ${ref}`));

function inspect(state, refs) {
  let status = 0;
  for (const ref of refs) {
    const id = state.images[ref] ? ref : state.names[familiar(ref)];
    if (id === undefined) {
      process.stderr.write(`Error: No such image: ${ref}\n`);
      status = 1;
      continue;
    }
    const names = Object.keys(state.names).filter((name) => state.names[name] === id);
    const RootFS = { Type: 'layers', Layers: state.images[id].diffIds };
    process.stdout.write(`${JSON.stringify({ Id: id, RootFS, RepoTags: names, Size: 1000 })}\n`);
  }
  process.exitCode = status;
}

const args = process.argv.slice(2).filter((word) => !/^(-q|--no-trunc|--no-prune)$/.test(word));
const [verb, second] = args;
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'calls'), `${args.join(' ')}\n`, { flag: 'a' });
if (process.env.FAKE_DOCKER_DENIED && verb !== 'help')
  fail('permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock');
if (verb === 'version') {
  const part = { Version: '20.10.24', ApiVersion: '1.41', Os: 'linux', Arch: 'amd64' };
  console.log(JSON.stringify({ Client: part, Server: part }));
} else if (verb === 'info') console.log(JSON.stringify({ Driver: 'overlay2', DriverStatus: [] }));
else if (verb === 'image' && second === 'ls') console.log(Object.keys(read().images).join('\n'));
else if (verb === 'image' && second === 'inspect') inspect(read(), args.slice(args.indexOf('--format') + 2));
else if (verb === 'load') {
  await load();
  // The images are there, but nobody has been told.
  await new Promise((resolve) => setTimeout(resolve, Number(process.env.FAKE_DOCKER_LINGER ?? 0)));
} else if (verb === 'save') save(read(), args.slice(1));
else if (verb === 'tag' && args[2].endsWith(process.env.FAKE_DOCKER_REFUSES ?? '\n')) fail('name refused');
else if (verb === 'tag') await change((state) => (state.names[familiar(args[2])] = find(state, second)));
else if (verb === 'rmi')
  await change((state) => {
    for (const ref of args.slice(1)) {
      const id = state.images[ref] ? ref : find(state, ref);
      delete state.names[familiar(ref)];
      if (!Object.values(state.names).includes(id)) delete state.images[id];
    }
  });
else fail(`unknown command: ${args.join(' ')}; ${String(readdirSync(folder).length)} files`);
