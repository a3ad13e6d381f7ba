import { execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { engineDeps } from '../../src/commands/open.js';
import { type ImageNode, type TreeNode } from '../../src/model/graph.js';
import { type PlannedBlob } from '../../src/model/plan.js';
import { type ByteStream } from '../../src/primitives/bytes.js';
import { type Digest } from '../../src/primitives/digest.js';
import { runClient } from '../../src/transports/engine/client.js';
import { contentOf } from '../../src/transports/engine/ctr-content.js';
import { ctrEngineFrom, ctrImages } from '../../src/transports/engine/ctr.js';
import { loadArgs, saveArgs } from '../../src/transports/engine/dialect.js';
import { type Engine } from '../../src/transports/engine/engine.js';
import { blobsOf, groupLoads, type LoadGroup } from '../../src/transports/engine/groups.js';
import { localMachine } from '../../src/transports/machine/local.js';
import { testContext } from '../helpers/context.js';
import { type Blobs, fresh, makeImage, opener } from '../transports/images.js';
import { imagesOfSave, labDir, type SavedImage } from './lab.js';

const program = path.join(labDir, 'containerd2', 'bin', 'ctr');
const never = new AbortController().signal;

/** containerd of the lab, with images that are a test's own. */
export class CtrLab {
  readonly #run = fresh();
  #count = 0;
  #engine: Engine | undefined;
  blobs: Blobs = new Map();

  get engine(): Engine {
    if (this.#engine === undefined) throw new Error('containerd is not up');
    return this.#engine;
  }

  /** For `beforeAll`. */
  async up(): Promise<void> {
    await engineUp();
    const client = { machine: localMachine, command: [program] };
    this.#engine = ctrEngineFrom(client, await must('version'), await must('plugins', 'ls'));
  }

  /** For `beforeEach`. */
  next(): void {
    this.blobs = new Map();
    this.#count++;
  }

  /** For `afterAll`. */
  async wipe(): Promise<void> {
    const names = (await must('images', 'ls', '-q')).split('\n').filter((name) => name.includes(this.#run));
    if (names.length > 0) await must('images', 'rm', '--sync', ...names);
  }

  readonly own = (word: string): string => `${this.#run}-${String(this.#count)}-${word}`;
  readonly name = (word: string): string => `docker.io/he/${this.own(word)}:1`;

  groupOf(root: TreeNode, word = 'app'): LoadGroup {
    const [group] = groupLoads([{ name: this.name(word), root }], this.engine).groups;
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

  /** What the engine's own export has of an image: the judge of every load. */
  async exported(ref: string): Promise<SavedImage | undefined> {
    return imagesOfSave(await ctr(saveArgs(this.engine, [ref])))[0];
  }

  async targetOf(ref: string): Promise<Digest | undefined> {
    return (await ctrImages(this.engine, never, [ref]))[0]?.target;
  }

  async has(digest: Digest): Promise<boolean> {
    return (await contentOf(this.engine, never)).has(digest);
  }

  /** Makes containerd collect what nothing refers to. */
  async collection(): Promise<void> {
    const stray = makeImage(this.blobs, [this.own('stray')]);
    await this.load(this.groupOf(stray, 'stray'));
    await must('images', 'rm', this.name('stray'));
    await this.collected(stray.layers[0]!.blob.digest);
  }

  /** Waits until a blob that nothing refers to is gone. */
  async collected(digest: Digest): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      if (!(await this.has(digest))) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${digest} was not collected`);
  }
}

async function* cut(bytes: ByteStream, at = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
  let left = at;
  for await (const chunk of bytes) {
    yield chunk.subarray(0, Math.min(left, chunk.length));
    left -= chunk.length;
    if (left <= 0) return;
  }
}

function engineUp(): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = path.resolve(import.meta.dirname, '../lab/engines');
    const child = spawn(script, ['up', 'containerd2'], { stdio: ['ignore', 'ignore', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (status) => {
      if (status === 0) resolve();
      else reject(new Error(`test/lab/engines up containerd2: exit status ${String(status)}`));
    });
  });
}

function ctr(args: readonly string[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { encoding: 'buffer', maxBuffer: 1024 ** 3 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`ctr ${args.join(' ')}: ${stderr.toString()}`));
    });
  });
}

const must = async (...args: readonly string[]): Promise<string> => (await ctr(args)).toString().trim();
