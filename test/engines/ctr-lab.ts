import { afterAll, beforeAll, beforeEach, expect, jest } from '@jest/globals';
import { engineDeps } from '../../src/commands/open.js';
import { type ImageNode, type ManifestNode, type TreeNode } from '../../src/model/graph.js';
import { type PlannedBlob } from '../../src/model/plan.js';
import { type Receipt } from '../../src/model/receipt.js';
import { type ByteStream } from '../../src/primitives/bytes.js';
import { type Digest } from '../../src/primitives/digest.js';
import { runClient } from '../../src/transports/engine/client.js';
import { contentOf } from '../../src/transports/engine/ctr-content.js';
import { ctrEngineFrom, ctrImages } from '../../src/transports/engine/ctr.js';
import { loadArgs } from '../../src/transports/engine/dialect.js';
import { type Engine } from '../../src/transports/engine/engine.js';
import { blobsOf, groupLoads, type LoadGroup } from '../../src/transports/engine/groups.js';
import { engineSink } from '../../src/transports/engine/index.js';
import { prove } from '../../src/transports/engine/proof.js';
import { localMachine } from '../../src/transports/machine/local.js';
import { testContext } from '../helpers/context.js';
import {
  type Blobs,
  depsWith,
  fresh,
  type ImageOptions,
  makeImage,
  makeIndex,
  opener,
  planOf,
} from '../transports/images.js';
import { clientOf, must, save, up, wipe } from './lab.js';

export const never: AbortSignal = new AbortController().signal;
const NAME = 'containerd2';

/** containerd of the lab, for all tests of a file. */
export function useCtrLab(): CtrLab {
  jest.setTimeout(120_000);
  const lab = new CtrLab();
  beforeAll(() => lab.up(), 600_000);
  beforeEach(() => {
    lab.next();
  });
  afterAll(() => lab.wipe());
  return lab;
}

/** containerd of the lab, with images that are a test's own: words for images and layers mean others in each test. */
export class CtrLab {
  readonly #run = fresh();
  #count = 0;
  #engine: Engine | undefined;
  blobs: Blobs = new Map();

  get engine(): Engine {
    if (this.#engine === undefined) throw new Error('containerd is not up');
    return this.#engine;
  }

  async up(): Promise<void> {
    await up(NAME);
    const client = { machine: localMachine, command: [clientOf(NAME)] };
    this.#engine = ctrEngineFrom(client, await must(NAME, ['version']), await must(NAME, ['plugins', 'ls']));
  }

  next(): void {
    this.blobs = new Map();
    this.#count++;
  }

  wipe(): Promise<void> {
    return wipe(NAME, this.#run);
  }

  readonly own = (word: string): string => `${this.#run}-${String(this.#count)}-${word}`;
  readonly name = (word: string): string => `docker.io/he/${this.own(word)}:1`;

  /** Each letter of `layers` is a layer. */
  image(layers: string, options?: ImageOptions): ManifestNode {
    return makeImage(this.blobs, Array.from(layers, this.own), options);
  }

  index(...children: readonly ManifestNode[]): TreeNode {
    return makeIndex(this.blobs, children);
  }

  node(word: string | undefined, root: TreeNode): ImageNode {
    return { name: word === undefined ? undefined : this.name(word), root };
  }

  groupOf(root: TreeNode, word = 'app'): LoadGroup {
    const [group] = groupLoads([this.node(word, root)], this.engine).groups;
    if (group === undefined) throw new Error('nothing to load');
    return group;
  }

  /** `ctr images import` of what ferry would send, without `omit`, as if `cutAt` bytes were all; its exit status. */
  async load(group: LoadGroup, omit: ReadonlySet<Digest> = new Set(), cutAt?: number): Promise<number | null> {
    const images: readonly ImageNode[] = [{ name: group.names[0], root: group.node }];
    const list = blobsOf(group).map((reached): PlannedBlob => ({
      ...reached,
      action: omit.has(reached.blob.digest) ? 'present' : 'copy',
    }));
    const deps = engineDeps(testContext());
    const blobs = opener(this.blobs);
    const archive = async function* (): AsyncGenerator<Uint8Array> {
      yield* deps.members(list, blobs);
      yield* deps.lists(images);
    };
    const input = cut(archive(), cutAt);
    const args = loadArgs(this.engine, images);
    return (await runClient({ client: this.engine, args, input, signal: never })).status;
  }

  /** A whole load, which must succeed. */
  async put(root: TreeNode, word?: string): Promise<LoadGroup> {
    const group = this.groupOf(root, word);
    expect(await this.load(group)).toBe(0);
    return group;
  }

  /** Asks for the proof of a load under `app`. */
  prove(group: LoadGroup): Promise<unknown> {
    return prove(this.engine, group, this.name('app'), never);
  }

  receive(
    images: readonly ImageNode[],
    { engine = this.engine, deps = depsWith(), opened }: Partial<Reception> = {},
  ): Promise<Receipt> {
    return engineSink(engine, deps).receive(planOf(images), opener(this.blobs, opened), never);
  }

  /** By the engine's own export, the judge of every load. */
  async expectWhole(word: string, image: ManifestNode): Promise<void> {
    expect(await save(NAME, this.name(word))).toEqual([
      {
        names: [this.name(word).replace('docker.io/', '')],
        config: image.config.digest,
        diffIds: image.layers.map(({ diffId }) => diffId),
      },
    ]);
  }

  async expectContent(group: LoadGroup): Promise<void> {
    const content = await contentOf(this.engine, never);
    expect(blobsOf(group).filter(({ blob }) => !content.has(blob.digest))).toEqual([]);
  }

  async expectNoTemporary(): Promise<void> {
    const left = (await ctrImages(this.engine, never)).filter(({ name }) => name.includes('ferry-incoming'));
    expect(left.filter(({ target }) => this.blobs.has(target))).toEqual([]);
  }

  async targetOf(word: string): Promise<Digest | undefined> {
    return (await ctrImages(this.engine, never, [this.name(word)]))[0]?.target;
  }

  /** Makes containerd collect what nothing refers to. */
  async collection(): Promise<void> {
    const stray = this.image('~');
    await this.put(stray, 'stray');
    await must(NAME, ['images', 'rm', this.name('stray')]);
    await this.collected(stray);
  }

  /** Waits until the first layer of an image that nothing refers to is gone. */
  async collected({ layers: [layer] }: ManifestNode): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      if (!(await contentOf(this.engine, never)).has(layer!.blob.digest)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${layer!.blob.digest} was not collected`);
  }
}

interface Reception {
  readonly engine: Engine;
  readonly deps: ReturnType<typeof depsWith>;
  /** Filled with what is opened. */
  readonly opened: Digest[];
}

async function* cut(bytes: ByteStream, at = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
  let left = at;
  for await (const chunk of bytes) {
    yield chunk.subarray(0, Math.min(left, chunk.length));
    left -= chunk.length;
    if (left <= 0) return;
  }
}
