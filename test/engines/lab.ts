import { execFile, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type ByteStream } from '../../src/primitives/bytes.js';
import { type Digest, digestOf } from '../../src/primitives/digest.js';

/** Engines of test/lab/engines that `docker` or `podman` drives. */
export const engineNames = ['docker20', 'docker26', 'docker28', 'docker28c', 'podman', 'podman5'] as const;
/** And containerd by its own client, `ctr`. */
export const labNames = [...engineNames, 'containerd2'] as const;
export type EngineName = (typeof labNames)[number];

const script = path.resolve(import.meta.dirname, '../lab/engines');
export const labDir = process.env['LAB_DIR'] ?? path.join(tmpdir(), 'lab');

/** Brings an engine up; one that runs already is used as it is. Building a chroot for the first time takes minutes. */
export function up(name: EngineName): Promise<void> {
  return new Promise((resolve, reject) => {
    // The daemons it starts must not hold our pipes: its words go to our own standard error.
    const child = spawn(script, ['up', name], { stdio: ['ignore', 'ignore', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (status) => {
      if (status === 0) resolve();
      else reject(new Error(`test/lab/engines up ${name}: exit status ${String(status)}`));
    });
  });
}

/** The engine's own client, as a path for `--engine`. */
export const clientOf = (name: EngineName): string =>
  path.join(labDir, name, 'bin', isCtr(name) ? 'ctr' : name.startsWith('podman') ? 'podman' : 'docker');

const isCtr = (name: EngineName): boolean => name === 'containerd2';

/** The environment in which `docker` or `podman` without a path is this engine. */
export function envOf(name: EngineName): NodeJS.ProcessEnv {
  const bin = path.join(labDir, name, 'bin');
  return { ...process.env, DOCKER_HOST: `unix://${labDir}/${name}/sock`, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
}

export interface Said {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs the engine's client. */
export function client(name: EngineName, args: readonly string[], input?: Buffer): Promise<Said> {
  return new Promise((resolve) => {
    const options = { encoding: 'buffer', maxBuffer: 1024 ** 3 } as const;
    const child = execFile(clientOf(name), args, options, (error, stdout, stderr) => {
      const status = error === null ? 0 : Number(error.code ?? 1);
      resolve({ status, stdout, stderr: stderr.toString() });
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** `client`, which must succeed. */
export async function must(name: EngineName, args: readonly string[], input?: Buffer): Promise<string> {
  const said = await client(name, args, input);
  if (said.status !== 0) throw new Error(`${name}: ${args.join(' ')}: ${said.stderr}`);
  return said.stdout.toString().trim();
}

export interface SavedImage {
  readonly names: readonly string[];
  readonly config: Digest;
  /** Digests of the layers' plain tars as they were found in the save: not what the config says of them. */
  readonly diffIds: readonly Digest[];
}

/** What the engine's own `save` has of an image: the judge of every load. */
export async function save(name: EngineName, ...refs: readonly string[]): Promise<readonly SavedImage[]> {
  const several = name.startsWith('podman') && refs.length > 1 ? ['-m'] : [];
  const command = isCtr(name) ? ['images', 'export', '--local', '-', ...refs] : ['save', ...several, ...refs];
  const said = await client(name, command);
  if (said.status !== 0) throw new Error(`${name}: save ${refs.join(' ')}: ${said.stderr}`);
  return imagesOfSave(said.stdout);
}

export async function collect(bytes: ByteStream): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of bytes) parts.push(chunk);
  return Buffer.concat(parts);
}

/** The images of a `docker save` archive of any age, by its manifest.json. */
export function imagesOfSave(tar: Buffer): readonly SavedImage[] {
  const files = filesOf(tar);
  const read = (name: string): Buffer => {
    const bytes = files.get(name);
    if (bytes === undefined) throw new Error(`the save lacks ${name}`);
    return bytes;
  };
  const list = JSON.parse(read('manifest.json').toString()) as {
    readonly Config: string;
    readonly RepoTags: readonly string[] | null;
    readonly Layers: readonly string[];
  }[];
  return list.map(({ Config, RepoTags, Layers }) => ({
    names: RepoTags ?? [],
    config: digestOf(read(Config)),
    diffIds: Layers.map((layer) => digestOf(plain(read(layer)))),
  }));
}

const plain = (bytes: Buffer): Buffer => (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes);

/** Regular files, and symlinks as the files that they lead to (Docker 20 and podman write some). */
function filesOf(tar: Buffer): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>();
  const links = new Map<string, string>();
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const text = (start: number, length: number): string =>
      tar.toString('latin1', at + start, at + start + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(text(124, 12), 8);
    const name = text(0, 100);
    const type = text(156, 1);
    if (type === '0' || type === '') files.set(name, tar.subarray(at + 512, at + 512 + size));
    if (type === '2') links.set(name, path.posix.join(path.posix.dirname(name), text(157, 100)));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  for (const [name, target] of links) {
    const bytes = files.get(target);
    if (bytes !== undefined) files.set(name, bytes);
  }
  return files;
}

/** The image ID that a name leads to, as this engine numbers images; undefined when it is not there. */
export async function idOf(name: EngineName, ref: string): Promise<string | undefined> {
  if (isCtr(name)) return (await ctrImages(name)).get(ref);
  const said = await client(name, ['image', 'inspect', '--format', '{{.Id}}', ref]);
  const id = said.stdout.toString().trim();
  if (said.status !== 0 || id === '') return undefined;
  return id.includes(':') ? id : `sha256:${id}`;
}

/** Every name in the engine that contains `part`. */
export async function namesWith(name: EngineName, part: string): Promise<readonly string[]> {
  const list = isCtr(name)
    ? [...(await ctrImages(name)).keys()]
    : (await must(name, ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}'])).split('\n');
  return list.filter((line) => line.includes(part)).sort();
}

/** Removes every image that has a name with `part` in it. */
export async function wipe(name: EngineName, part: string): Promise<void> {
  const names = await namesWith(name, part);
  if (names.length > 0) await client(name, isCtr(name) ? ['images', 'rm', ...names] : ['rmi', '-f', ...names]);
}

/** Names in containerd, and what each leads to. */
async function ctrImages(name: EngineName): Promise<ReadonlyMap<string, string>> {
  const rows = (await must(name, ['images', 'ls'])).split('\n').slice(1);
  return new Map(rows.map((row) => row.split(/\s+/)).map(([ref = '', , digest = '']) => [ref, digest]));
}
