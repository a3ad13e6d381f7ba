import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { localMachine } from '../../src/transports/machine/local.js';
import { type Engine } from '../../src/transports/engine/index.js';
import { type ManifestNode } from '../../src/model/graph.js';

const folders: string[] = [];

export function tempFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'ferry-engine-test-'));
  folders.push(folder);
  return folder;
}

/** For `afterAll`. */
export function removeTempFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** A program that is the given lines of shell. */
export function program(script: string, name = 'docker', folder = tempFolder()): string {
  const file = path.join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return file;
}

export interface FakeEngine extends Engine {
  /** Every call, one a line. */
  calls(): readonly string[];
  /** Puts an image there; `names` as the engine prints them, `refs` are other words by which it is found. */
  add(id: string, diffIds: readonly string[], names: readonly string[], refs?: readonly string[]): void;
  has(ref: string): boolean;
}

export interface FakeOptions extends Partial<Engine> {
  /** Shell for `load`; `$dir/next` is the inspect line of what is loaded. `register` gives it its temporary name. */
  readonly load?: string;
  readonly tag?: string;
  readonly save?: string;
  readonly dial?: string;
  readonly rmi?: string;
}

/** A Docker whose images are files: as much of one as the sink sees. */
export function fakeEngine(options: FakeOptions = {}): FakeEngine {
  const dir = tempFolder();
  mkdirSync(path.join(dir, 'refs'));
  const {
    load = 'receive; register',
    tag = 'cp "$(ref "$2")" "$(ref "$3")"',
    save = 'exit 1',
    dial = 'exit 1',
  } = options;
  const { rmi = 'shift 2; for r; do rm "$(ref "$r")" || bad=1; done; exit ${bad:-0}' } = options;
  const file = program(`
dir=${dir}
echo "$*" >>"$dir/calls"
ref() { echo "$dir/refs/$(echo "$1" | tr '/:' '__')"; }
receive() { cat >"$dir/tar"; }
register() {
  name=$(tar -xOf "$dir/tar" index.json | sed -n 's/.*"io.containerd.image.name":"\\([^"]*\\)".*/\\1/p')
  [ -z "$name" ] || cp "$dir/next" "$(ref "$name")"
}
case "$1 $2" in
  'image ls') cat "$dir/ids" 2>/dev/null; exit 0 ;;
  'image inspect')
    shift 4
    for r; do if [ -e "$(ref "$r")" ]; then cat "$(ref "$r")"; else echo "Error: No such image: $r" >&2; bad=1; fi; done
    exit \${bad:-0} ;;
esac
case $1 in
  load) ${load} ;;
  tag) ${tag} ;;
  rmi) ${rmi} ;;
  save) ${save} ;;
  system) ${dial} ;;
esac`);
  const refFile = (ref: string): string => path.join(dir, 'refs', ref.replaceAll(/[/:]/g, '_'));
  const lineOf = (id: string, diffIds: readonly string[], names: readonly string[]): string =>
    `${JSON.stringify({ Id: id, RootFS: { Type: 'layers', Layers: diffIds }, RepoTags: names, Size: 1000 })}\n`;
  writeFileSync(path.join(dir, 'next'), '');
  return {
    machine: localMachine,
    command: [file],
    family: 'graphdriver',
    version: '28.5.2',
    apiVersion: '1.51',
    storageDriver: 'overlay2',
    platform: { os: 'linux', architecture: 'amd64' },
    ...options,
    calls: () =>
      existsSync(path.join(dir, 'calls')) ? readFileSync(path.join(dir, 'calls'), 'utf8').trim().split('\n') : [],
    add: (id, diffIds, names, refs = []) => {
      writeFileSync(path.join(dir, 'ids'), `${id}\n`, { flag: 'a' });
      for (const ref of [id, ...names, ...refs]) writeFileSync(refFile(ref), lineOf(id, diffIds, names));
    },
    has: (ref) => existsSync(refFile(ref)),
  };
}

/** What `inspect` will say of the image once it is loaded. */
export function nextImage(
  engine: FakeEngine,
  image: ManifestNode,
  change: { readonly diffIds?: readonly string[] } = {},
): void {
  const line = {
    Id: engine.family === 'containerd' ? image.blob.digest : image.config.digest,
    RootFS: { Layers: change.diffIds ?? image.layers.map(({ diffId }) => diffId) },
    RepoTags: [],
    Size: 1,
  };
  writeFileSync(path.join(path.dirname(nextFileOf(engine)), 'next'), `${JSON.stringify(line)}\n`);
}

function nextFileOf(engine: FakeEngine): string {
  const [, dir] = /^dir=(.*)$/m.exec(readFileSync(engine.command[0] ?? '', 'utf8')) ?? [];
  return path.join(dir ?? '', 'next');
}
