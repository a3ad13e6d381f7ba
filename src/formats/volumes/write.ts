import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Emit } from '../../ports.js';
import { type ByteStream, bytesOf, measure } from '../../primitives/bytes.js';
import { type Digest, digestOf } from '../../primitives/digest.js';
import { ioError, isTransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { checkPublishable, partOf, publishFile, removeStaleParts } from '../../primitives/publish.js';
import { fileDigest } from '../../primitives/random-access.js';
import { encodeFacts, HEAD_BYTES, type Made, madeBy, type VolumeFacts, type VolumeMaker } from './checksum-file.js';
import { Cutter } from './cutter.js';
import { checkEarlier, notOfTheSet } from './earlier.js';
import { factsOf, type FoundVolume, namesIn, volumesIn } from './folder.js';
import { goingOn, otherBytes, tooMany, withAdvice } from './faults.js';
import { checkMounted, deviceOf, type MountPoint, mountPointsOf, otherDrive, sameMedium } from './media.js';
import { checksumName, parseVolumeName, volumeName } from './names.js';

export interface VolumeOptions {
  readonly volumeBytes: number;
  readonly made: VolumeMaker;
  /** Keeps the volumes of an earlier run that are whole. */
  readonly resume: boolean;
  /**
   * Asked before each volume after the first; resolves when the next medium is at the same path. `written`: the volume
   * before it; undefined when the medium that came will not do, and another is asked for.
   */
  readonly nextMedium?: ((nextNumber: number, written: string | undefined) => Promise<void>) | undefined;
  /** Makes the folder on each further medium. */
  readonly makeFolder?: boolean | undefined;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  /**
   * Called before a volume is begun, on its medium, with the bytes of the whole that need no room there: written or kept
   * already.
   */
  readonly beforeVolume?: ((folder: string, placed: number) => Promise<void>) | undefined;
  /**
   * Called with each volume and checksum file that is whole and flushed, to read it back; what it throws on does not
   * stay. `label`: what messages call it, for a checksum file has not got its name yet.
   */
  readonly readBack?: ((path: string, expected: Digest, label: string) => Promise<void>) | undefined;
}

/** A file that was written, or kept. */
export interface WrittenFile {
  readonly name: string;
  readonly size: number;
  readonly sha256: Digest;
}

/** How often the next medium is asked for when what came will not do. */
const TRIES = 10;

/**
 * Cuts a stream into volumes: `TARGET.001`, `TARGET.002` and so on, beside each its checksum file. One after the other;
 * each is whole, flushed to the device and has its checksum file before the next begins. When it fails or is aborted,
 * the volumes that are whole stay, and nothing else does.
 * @returns the volumes, in their order.
 * @throws TransferError USAGE when volumes of another set, or without `resume` any, are there; or when it takes more
 * than 999; LOCKED, IO or DISK_FULL; and whatever `bytes` and the options' functions throw.
 */
export async function writeVolumes(
  target: string,
  bytes: ByteStream,
  options: VolumeOptions,
): Promise<readonly WrittenFile[]> {
  const input = new Cutter(bytes, options.signal);
  const writer = new VolumeWriter(target, options);
  try {
    return await writer.write(input);
  } catch (error) {
    if (options.signal.aborted && writer.whole > 0) {
      options.emit({ type: 'note', message: goingOn(writer.whole, options) });
    }
    throw error;
  } finally {
    await input.close();
  }
}

class VolumeWriter {
  readonly #folder: string;
  readonly #base: string;
  readonly #options: VolumeOptions;
  readonly #made: Made;
  readonly #done: VolumeFacts[] = [];
  /** What the medium that is in has of the set, as it was when it was put in. */
  #found: ReadonlyMap<number, FoundVolume> = new Map();
  #device: number | undefined;
  #mountPoints: readonly MountPoint[] = [];
  /** Whether a whole volume is on that medium. */
  #used = false;

  constructor(target: string, options: VolumeOptions) {
    this.#folder = dirname(target);
    this.#base = basename(target);
    this.#options = options;
    this.#made = madeBy(options.made, options.volumeBytes);
  }

  /** How many volumes are whole. */
  get whole(): number {
    return this.#done.length;
  }

  async write(input: Cutter): Promise<WrittenFile[]> {
    await this.#look(1);
    this.#mountPoints = await mountPointsOf(this.#folder);
    for (let number = 1, more = true; more; number++) {
      if (number > limits.volumes) throw tooMany(this.#options.volumeBytes);
      const kept = await this.#prepare(number);
      const facts = kept === undefined ? await this.#writeOne(number, input) : await this.#follow(kept, input);
      this.#done.push(facts);
      this.#used ||= kept === undefined || this.#found.get(number)?.file !== undefined;
      more = await input.more();
      if (more && facts.count !== undefined) throw otherBytes(this.#path(number));
    }
    await this.#finish();
    return this.#done.map(({ number, size, sha256 }) => ({ name: volumeName(this.#base, number), size, sha256 }));
  }

  /** Looks at the medium that is in, of which volume `next` is the first to be written. */
  async #look(next: number): Promise<void> {
    await checkPublishable(this.#path(next));
    for (const name of await namesIn(this.#folder)) {
      const { target } = partOf(name) ?? {};
      if (target === undefined || parseVolumeName(target)?.base !== this.#base) continue;
      await removeStaleParts(this.#folder, target);
    }
    const found = await volumesIn(this.#folder, this.#base);
    const { resume, emit, nextMedium } = this.#options;
    const set = { folder: this.#folder, base: this.#base, made: this.#made, done: this.#done };
    checkEarlier({ ...set, found, resume, nextMedium });
    if (resume && next === 1 && found.size === 0) {
      emit({
        type: 'note',
        message: `${this.#folder}: no volume of an earlier run is there: beginning with the first`,
      });
    }
    this.#found = found;
    this.#device = await deviceOf(this.#folder);
    this.#used = [...found].some(([number, { file }]) => number < next && file !== undefined);
  }

  /** Makes a place for a volume, on the next medium where it needs one. @returns what is known of it when it is there */
  async #prepare(number: number): Promise<VolumeFacts | undefined> {
    const { nextMedium } = this.#options;
    const kept = await this.#keepable(number);
    if (kept !== undefined) return kept;
    // A damaged one is written anew where it is.
    const isMediumTaken = this.#used && this.#found.get(number)?.file === undefined;
    if (nextMedium === undefined || !isMediumTaken) {
      await this.#beforeVolume(number);
      return undefined;
    }
    for (let tries = 1; ; tries++) {
      this.#options.signal.throwIfAborted();
      await nextMedium(number, tries === 1 ? this.#path(number - 1) : undefined);
      this.#options.signal.throwIfAborted();
      try {
        return await this.#beginMedium(number);
      } catch (error) {
        if (tries === TRIES || !isTransferError(error)) throw withAdvice(error, number, this.#options);
        // The hints are for those who begin anew.
        this.#options.emit({ type: 'note', message: `${error.message}: put in another medium` });
      }
    }
  }

  async #beginMedium(number: number): Promise<VolumeFacts | undefined> {
    await checkMounted(this.#folder, this.#mountPoints);
    if (this.#options.makeFolder === true) await this.#makeFolder();
    await this.#look(number);
    const kept = await this.#keepable(number);
    if (kept === undefined) {
      const there = [...this.#found].flatMap(([other, { file }]) => (file === undefined ? [] : [other]));
      // A damaged one is written anew where it is.
      if (this.#used && !there.includes(number)) throw sameMedium(this.#folder, there);
      await this.#beforeVolume(number);
    }
    // So that the last medium knows the whole set.
    for (const facts of this.#done) await this.#writeFacts(facts);
    return kept;
  }

  async #makeFolder(): Promise<void> {
    await mkdir(this.#folder, { recursive: true }).catch((error: unknown) => {
      throw ioError(error, this.#folder, 'sink');
    });
  }

  async #beforeVolume(number: number): Promise<void> {
    let placed = (number - 1) * this.#options.volumeBytes;
    for (const [other, { file }] of this.#found) if (other > number) placed += file?.size ?? 0;
    await this.#options.beforeVolume?.(this.#folder, placed);
  }

  /** What the checksum file says of a volume that need not be written again. */
  async #keepable(number: number): Promise<VolumeFacts | undefined> {
    const found = this.#found.get(number);
    const { resume, signal } = this.#options;
    if (!resume || found === undefined) return undefined;
    const facts = factsOf(found);
    if (facts !== undefined && found.file === undefined) {
      // It is on another medium, where media are changed.
      return this.#options.nextMedium === undefined ? undefined : facts;
    }
    const isWhole =
      facts !== undefined &&
      found.file?.size === facts.size &&
      (await fileDigest(this.#path(number), signal)) === facts.sha256;
    if (isWhole) return facts;
    const why = facts === undefined ? 'has no checksum file that is whole' : 'is not what its checksum file says';
    this.#options.emit({
      type: 'note',
      message: `volume ${String(number)} (${this.#path(number)}) ${why}: writing it anew`,
    });
    return undefined;
  }

  /** Reads the stream past a volume that is there. */
  async #follow(kept: VolumeFacts, input: Cutter): Promise<VolumeFacts> {
    const { digest, size } = await measure(input.take(this.#options.volumeBytes));
    if (digest !== kept.sha256 || size !== kept.size) throw otherBytes(this.#path(kept.number));
    if (this.#found.get(kept.number)?.file !== undefined) await this.#readBack(kept);
    return kept;
  }

  async #writeOne(number: number, input: Cutter): Promise<VolumeFacts> {
    const path = this.#path(number);
    if ((await deviceOf(this.#folder)) !== this.#device)
      throw withAdvice(otherDrive(this.#folder), number, this.#options);
    const whole = createHash('sha256');
    const head = createHash('sha256');
    let size = 0;
    const measured = async function* (bytes: ByteStream): AsyncGenerator<Uint8Array> {
      for await (const chunk of bytes) {
        whole.update(chunk);
        if (size < HEAD_BYTES) head.update(chunk.subarray(0, HEAD_BYTES - size));
        size += chunk.byteLength;
        yield chunk;
      }
    };
    const { volumeBytes } = this.#options;
    await publishFile(path, measured(input.take(volumeBytes))).catch((error: unknown) => {
      throw withAdvice(error, number, this.#options);
    });
    const offset = (number - 1) * volumeBytes;
    const facts = { number, offset, size, sha256: digestOf(whole), head: digestOf(head), made: this.#made };
    await this.#readBack(facts);
    // A full one may be the last: that is not known before more bytes have come, which may fail.
    const known = size < volumeBytes ? { ...facts, count: number } : facts;
    await this.#writeFacts(known);
    return known;
  }

  async #readBack({ number, sha256 }: VolumeFacts): Promise<void> {
    const path = this.#path(number);
    try {
      await this.#options.readBack?.(path, sha256, path);
    } catch (error) {
      if (this.#options.signal.aborted) throw error;
      // Or `resume` might keep what only the page cache has; a checksum file alone says "on another medium".
      await rm(this.#checksumPath(number), { force: true });
      await rm(path, { force: true });
      throw error;
    }
  }

  /** Says in the last checksum file that it is the last. */
  async #finish(): Promise<void> {
    const last = this.#done.at(-1);
    if (last === undefined) return;
    if (last.count === undefined) await this.#writeFacts({ ...last, count: last.number });
    const beyond = [...this.#found.keys()].filter((number) => number > last.number);
    if (beyond.length > 0) throw notOfTheSet(this.#folder, this.#base, beyond, last.number);
  }

  async #writeFacts(facts: VolumeFacts): Promise<void> {
    const path = this.#checksumPath(facts.number);
    const text = encodeFacts(facts);
    const check = async (part: string): Promise<void> => this.#options.readBack?.(part, digestOf(text), path);
    await publishFile(path, bytesOf(Buffer.from(text)), check).catch((error: unknown) => {
      throw withAdvice(error, facts.number, this.#options);
    });
  }

  #path(number: number): string {
    return join(this.#folder, volumeName(this.#base, number));
  }

  #checksumPath(number: number): string {
    return join(this.#folder, checksumName(this.#base, number));
  }
}
