import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCodec } from '../../codecs/zstd.js';
import { type BundleFormat, defaultLevel } from '../../formats/bundle/sink.js';
import { KIT_NOTICE, kitNotice } from '../../formats/kit/notice.js';
import { type VolumeMaker } from '../../formats/volumes/checksum-file.js';
import { parseVolumeName } from '../../formats/volumes/names.js';
import { type WrittenFile, writeVolumes } from '../../formats/volumes/write.js';
import { type Plan } from '../../model/plan.js';
import { type ByteStream, bytesOf } from '../../primitives/bytes.js';
import { type Digest, digestOf } from '../../primitives/digest.js';
import { readBack } from '../../primitives/drive/read-back.js';
import { checkRoom } from '../../primitives/drive/room.js';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { packageFacts } from '../../primitives/package-facts.js';
import { publishFile } from '../../primitives/publish.js';
import { type Context, type PackOptions } from '../options.js';
import { type PackResult } from '../results.js';
import { bytesNeeded } from './sizes.js';
import { checkEmpty, type Target } from './target.js';

/** Writes a bundle, and what lies beside it, to a drive. */
export class Writer {
  /** What was written, in its order; not a bundle alone that nobody asked to prove or to describe. */
  readonly files: WrittenFile[] = [];
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
    const needed = bytesNeeded(plan, this.#format);
    try {
      if (volumeBytes === undefined) {
        this.#note(await this.#checkRoom(needed));
        return await this.#file(this.#target.name, bytes);
      }
      checkCount(needed.least, volumeBytes);
      const written = await this.#volumes(bytes, lists, { volumeBytes, needed });
      return written.reduce((sum, { size }) => sum + size, 0);
    } catch (error) {
      throw this.#withRemedy(error);
    }
  }

  /** Looks whether a bundle would fit, and writes nothing. */
  async plan(plan: Plan): Promise<{ readonly notes: readonly string[]; readonly bytesAtMost?: number }> {
    const { volumeBytes } = this.#options;
    const needed = bytesNeeded(plan, this.#format);
    checkCount(needed.least, volumeBytes);
    const doubt = await this.#checkRoom(needed).catch((error: unknown) => {
      throw this.#withRemedy(error);
    });
    const count = volumeBytes === undefined ? 0 : Math.ceil(needed.most / volumeBytes);
    return {
      notes: [
        ...(doubt === undefined ? [] : [doubt]),
        ...(count === 0 ? [] : [`at most ${String(count)} ${count === 1 ? 'volume' : 'volumes'}`]),
      ],
      ...(this.#format !== 'tar' && { bytesAtMost: needed.most }),
    };
  }

  /** @param placed the bytes that need no room */
  async #checkRoom(needed: ReturnType<typeof bytesNeeded>, placed = 0): Promise<string | undefined> {
    const { volumeBytes, pause } = this.#options;
    // Each medium has one volume, or all are in one place.
    const most = pause === true ? volumeBytes : undefined;
    const here = (bytes: number): number => Math.min(Math.max(0, bytes - placed), most ?? bytes);
    const need = { least: here(needed.least), most: here(needed.most), inFilesOf: volumeBytes, reserve: pause };
    return checkRoom(this.#target.path, need);
  }

  #withRemedy(error: unknown): unknown {
    const { volumeBytes, pause } = this.#options;
    if (!isTransferError(error) || error.code !== 'DISK_FULL' || !error.message.startsWith(this.#target.path)) {
      return error;
    }
    const { code, message, side, hint = '' } = error;
    const remedy = {
      file: '--volume-size SIZE --pause spreads it over several drives.',
      volumes: '--pause spreads the volumes over several drives.',
      media: 'A smaller --volume-size needs less on each drive.',
    }[pause === true ? 'media' : volumeBytes === undefined ? 'file' : 'volumes'];
    if (hint.includes('--volume-size')) return error;
    return new TransferError(code, message, { side, hint: `${hint} ${remedy}`.trim(), cause: error });
  }

  #note(message: string | undefined): void {
    if (message !== undefined) this.#context.emit({ type: 'note', message });
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

  async #volumes(
    bytes: ByteStream,
    bundle: Digest,
    { volumeBytes, needed }: { readonly volumeBytes: number; readonly needed: ReturnType<typeof bytesNeeded> },
  ): Promise<readonly WrittenFile[]> {
    const { signal, emit } = this.#context;
    const { pause, resume, kit } = this.#options;
    let isFirst = true;
    const volumes = await writeVolumes(this.#target.path, bytes, {
      volumeBytes,
      made: await this.#maker(bundle),
      resume: resume === true,
      nextMedium: pause === true ? (...of) => this.#nextMedium(Math.ceil(needed.most / volumeBytes), ...of) : undefined,
      makeFolder: kit === true,
      beforeVolume: async (_, placed) => {
        const doubt = await this.#checkRoom(needed, placed);
        if (isFirst) this.#note(doubt);
        isFirst = false;
        if (kit === true && pause === true) await this.#placeNotice();
      },
      readBack: (path, expected, label) => this.#check(path, expected, label),
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

  /** Whoever opens a medium of a kit that is not the last one finds no script there. */
  async #placeNotice(): Promise<void> {
    const { folder, name } = this.#target;
    if (this.#options.resume !== true) {
      await checkEmpty(folder, (file) => file === KIT_NOTICE || parseVolumeName(file)?.base === name);
    }
    await publishFile(join(folder, KIT_NOTICE), bytesOf(Buffer.from(kitNotice(name))));
  }

  async #nextMedium(atMost: number, next: number, written: string | undefined): Promise<void> {
    const { ask, signal } = this.#context;
    const which = `volume ${String(next)} of at most ${String(Math.max(atMost, next))}`;
    const question =
      written === undefined
        ? `Unmount this medium, put another in for ${which}, mount it and press Enter:`
        : `${written} is written and flushed. Unmount its medium first, then put the next medium in for ${which}, mount it and press Enter:`;
    if ((await ask?.line(question, signal)) !== undefined) return;
    throw new TransferError('USAGE', `no next medium for volume ${String(next)}: the terminal was closed`, {
      hint: 'The volumes that are written stay: the same call with --pause --resume goes on.',
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
