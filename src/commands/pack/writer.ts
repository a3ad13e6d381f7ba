import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCodec } from '../../codecs/zstd.js';
import { type BundleFormat, defaultLevel } from '../../formats/bundle/sink.js';
import { type VolumeMaker } from '../../formats/volumes/checksum-file.js';
import { type WrittenFile, writeVolumes } from '../../formats/volumes/write.js';
import { type Plan } from '../../model/plan.js';
import { type ByteStream, bytesOf } from '../../primitives/bytes.js';
import { type Digest, digestOf } from '../../primitives/digest.js';
import { readBack } from '../../primitives/drive/read-back.js';
import { checkRoom } from '../../primitives/drive/room.js';
import { TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { packageFacts } from '../../primitives/package-facts.js';
import { publishFile } from '../../primitives/publish.js';
import { type Context, type PackOptions } from '../options.js';
import { type PackResult } from '../results.js';
import { bytesNeeded } from './sizes.js';
import { type Target } from './target.js';

/** Writes a bundle, and what lies beside it, to a drive. */
export class Writer {
  /** What was written, in its order; not a bundle alone that nobody asked to prove or to describe. */
  readonly files: WrittenFile[] = [];
  readonly notes: string[] = [];
  readonly #target: Target;
  readonly #format: BundleFormat;
  readonly #options: PackOptions;
  readonly #context: Context;
  #readBack: PackResult['readBack'];

  constructor(target: Target, format: BundleFormat, options: PackOptions, context: Context) {
    this.#target = target;
    this.#format = format;
    this.#options = options;
    this.#context = context;
  }

  /** The bundle. @returns its bytes */
  async bundle(bytes: ByteStream, lists: Digest, plan: Plan): Promise<number> {
    const { volumeBytes } = this.#options;
    if (this.#options.kit === true) await mkdir(this.#target.folder, { recursive: true });
    const room = { ...bytesNeeded(plan, this.#format), inFilesOf: volumeBytes };
    checkCount(room.least, volumeBytes);
    // Volumes go to one medium after the other: what is needed here is known volume by volume.
    const note = this.#options.pause === true ? undefined : await checkRoom(this.#target.path, room);
    if (note !== undefined) this.notes.push(note);
    if (volumeBytes === undefined) return this.#file(this.#target.name, bytes);
    const written = await this.#volumes(bytes, lists, volumeBytes);
    return written.reduce((sum, { size }) => sum + size, 0);
  }

  /** A small file beside it. */
  async small(name: string, text: string): Promise<void> {
    await this.#file(name, bytesOf(Buffer.from(text)));
  }

  /** Where it was read back from; undefined: it was not. */
  get readBack(): PackResult['readBack'] {
    return this.#readBack;
  }

  /** @returns its bytes */
  async #file(name: string, bytes: ByteStream): Promise<number> {
    const path = join(this.#target.folder, name);
    const { verify, kit, sign } = this.#options;
    // What nobody asks for again need not be hashed once more.
    if (verify !== true && kit !== true && sign === undefined) return publishFile(path, bytes);
    const hash = createHash('sha256');
    let sha256: Digest | undefined;
    // Before it has its name: a drive that gives back other bytes does not take the place of what was there.
    const size = await publishFile(path, hashed(bytes, hash), (part) =>
      this.#check(part, (sha256 = digestOf(hash)), path),
    );
    this.files.push({ name, size, sha256: sha256 ?? digestOf(hash) });
    return size;
  }

  async #volumes(bytes: ByteStream, bundle: Digest, volumeBytes: number): Promise<readonly WrittenFile[]> {
    const { signal, emit } = this.#context;
    const { pause, resume } = this.#options;
    const volumes = await writeVolumes(this.#target.path, bytes, {
      volumeBytes,
      made: await this.#maker(bundle),
      resume: resume === true,
      nextMedium: pause === true ? (next, written) => this.#nextMedium(next, written) : undefined,
      checkRoom: async (folder, most) => {
        if (pause === true) await checkRoom(folder, { least: 0, most, inFilesOf: volumeBytes });
      },
      readBack: (path, expected) => this.#check(path, expected),
      signal,
      emit,
    });
    this.files.push(...volumes);
    return volumes;
  }

  async #maker(bundle: Digest): Promise<VolumeMaker> {
    const format = this.#format;
    const level = this.#options.level ?? defaultLevel[format];
    const codecs = { tar: 'none', 'tar.gz': `zlib ${process.versions.zlib}`, 'tar.zst': (await zstdCodec()).name };
    return { bundle, ferry: packageFacts().version, codec: codecs[format], level, format };
  }

  async #nextMedium(next: number, written: string): Promise<void> {
    const { ask, signal } = this.#context;
    if (ask === undefined) {
      throw new TransferError('USAGE', '--pause asks for the next medium, and there is nobody to ask', {
        hint: 'Run it on a terminal, or without --pause.',
      });
    }
    const question = `${written} is written and flushed. Put the next medium in for volume ${String(next)} and press Enter:`;
    if ((await ask.line(question, signal)) !== undefined) return;
    throw new TransferError('USAGE', `no next medium for volume ${String(next)}: the terminal was closed`, {
      hint: 'The volumes that are written stay: the same call with --resume goes on.',
    });
  }

  async #check(path: string, expected: Digest, label = path): Promise<void> {
    if (this.#options.verify !== true) return;
    const { fileSystem, cacheMayHaveAnswered } = await readBack(path, expected, {
      label,
      signal: this.#context.signal,
    });
    // One file of which it is not sure makes all of them unsure.
    if (this.#readBack?.cacheMayHaveAnswered !== true) this.#readBack = { fileSystem, cacheMayHaveAnswered };
  }
}

/** More volumes than there are numbers for are refused before the first is written, where that is known. */
function checkCount(least: number, volumeBytes = Infinity): void {
  if (least <= limits.volumes * volumeBytes) return;
  throw new TransferError(
    'USAGE',
    `--volume-size: at least ${String(Math.ceil(least / volumeBytes))} volumes, and there are numbers for ${String(limits.volumes)}`,
    { hint: 'Choose a larger size.' },
  );
}

async function* hashed(bytes: ByteStream, hash: ReturnType<typeof createHash>): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
}
