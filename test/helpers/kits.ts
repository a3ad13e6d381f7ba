import { execFile } from 'node:child_process';
import { accessSync, chmodSync, constants, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { planTransfer } from '../../src/engine/plan.js';
import { openVerified } from '../../src/engine/transfer.js';
import { type BundleFormat, bundleSink } from '../../src/formats/bundle/sink.js';
import { type KitFacts } from '../../src/formats/kit/facts.js';
import { kitFiles } from '../../src/formats/kit/index.js';
import { type ImageNode, imagesIn } from '../../src/model/graph.js';
import { type Reliance } from '../../src/model/reliance.js';
import { digestOf } from '../../src/primitives/digest.js';
import { collect } from '../codecs/helpers.js';
import { imagesOf, openBytes } from './bundles.js';
import { testContext } from './context.js';
import { ociLayout, type TestImage } from './image-archives.js';
import { hexSha256, tarOf } from './members.js';

export interface KitShape {
  readonly bundle?: string;
  readonly format?: BundleFormat;
  /** Into how many volumes it is cut; 0: it is one file. */
  readonly volumes?: number;
  /** Images that the receiver has: their layers are left out. */
  readonly base?: readonly TestImage[];
}

/** Writes a kit of these images, or of those in an archive, into a new folder. */
export async function writeKit(
  folder: string,
  images: readonly TestImage[] | Buffer,
  { bundle = 'release.tar', format = 'tar', volumes = 0, base }: KitShape = {},
): Promise<KitFacts> {
  mkdirSync(folder);
  const source = await openBytes(Buffer.isBuffer(images) ? images : await tarOf(ociLayout(images, { hybrid: true })));
  const nodes = await imagesOf(source);
  const reliance = base && relianceOf(nodes, base);
  let bytes: Buffer = Buffer.alloc(0);
  const { emit, signal } = testContext();
  const sink = bundleSink({
    label: bundle,
    format,
    platforms: [],
    reliance,
    write: async (stream) => (bytes = await collect(stream)).length,
  });
  const plan = planTransfer(nodes, await sink.present(nodes, signal));
  const { tarDigest, lists } = await sink.receive(plan, openVerified(source, emit, signal), signal);
  const pieces: [string, Buffer][] = volumes === 0 ? [[bundle, bytes]] : volumesOf(bundle, bytes, volumes);
  for (const [name, piece] of pieces) writeFileSync(join(folder, name), piece);
  const facts: KitFacts = {
    bundle,
    format,
    files: pieces.map(([name, piece]) => ({ name, size: piece.length, sha256: digestOf(piece) })),
    images: plan.images,
    platforms: [],
    reliance,
    lists: lists!,
    tarDigest: tarDigest!,
  };
  for (const { name, text } of await kitFiles(facts)) writeFileSync(join(folder, name), text);
  return facts;
}

function volumesOf(bundle: string, bytes: Buffer, count: number): [string, Buffer][] {
  const size = Math.ceil(bytes.length / count);
  return Array.from({ length: count }, (_, i) => String(i + 1).padStart(3, '0')).flatMap((number, i) => [
    [`${bundle}.${number}`, bytes.subarray(i * size, (i + 1) * size)],
    [`${bundle}-${number}.json`, Buffer.from('{}\n')],
  ]);
}

/** What a bundle of `nodes` may leave out where `base` is. Layers are plain here. */
function relianceOf(nodes: readonly ImageNode[], base: readonly TestImage[]): Reliance {
  const there = new Set(base.flatMap(({ layers }) => layers.map((layer) => `sha256:${hexSha256(layer)}`)));
  const layers = nodes.flatMap(({ root }) => [...imagesIn(root)].flatMap((image) => image.layers));
  const relied = new Map(layers.filter(({ diffId }) => there.has(diffId)).map((layer) => [layer.blob.digest, layer]));
  return {
    bases: [{ digest: digestOf('the base'), kind: 'archive', names: base.flatMap(({ tags }) => tags ?? []).sort() }],
    layers: [...relied.values()]
      .map(({ blob, diffId }) => ({ digest: blob.digest, size: blob.size, diffId, bases: [0] }))
      .sort((a, b) => (a.digest < b.digest ? -1 : 1)),
  };
}

/** What `load.sh` uses, besides an engine, where nothing has to be unpacked. */
export const smallTools =
  'sh cat cut df dirname grep ls mkdir mktemp rm sed sha256sum sort tail tar gzip tr true chmod'.split(' ');

/** A folder for PATH with these programs and no others; with `busybox`, all of them are applets of it. */
export function toolbox(folder: string, tools: readonly string[], busybox?: string): string {
  mkdirSync(folder);
  for (const tool of tools) symlinkSync(busybox ?? programPath(tool), join(folder, tool));
  return folder;
}

/** Adds a program of one's own to it. */
export function addProgram(folder: string, name: string, script: string): void {
  writeFileSync(join(folder, name), script);
  chmodSync(join(folder, name), 0o755);
}

export function programPath(tool: string): string {
  const found = (process.env['PATH'] ?? '').split(delimiter).find((place) => existsExecutable(join(place, tool)));
  if (found === undefined) throw new Error(`this test needs the program ${tool}`);
  return join(found, tool);
}

function existsExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface Told {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the `load.sh` of a kit by the `sh` of a toolbox. */
export function runKit(
  kit: string,
  tools: string,
  args: readonly string[] = [],
  { env = {}, cwd = kit, shell = 'sh' }: { env?: NodeJS.ProcessEnv; cwd?: string; shell?: string } = {},
): Promise<Told> {
  return new Promise((resolve) => {
    const options = { env: { TMPDIR: process.env['TMPDIR'], ...env, PATH: tools }, cwd };
    execFile(join(tools, shell), [join(kit, 'load.sh'), ...args], options, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}
