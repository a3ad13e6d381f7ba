import { statSync } from 'node:fs';
import { checkLevel as checkCodecLevel } from '../codecs/zstd-level.js';
import { zstdCodec } from '../codecs/zstd.js';
import { type BundleFormat, bundleSink, type BundleSinkOptions, defaultLevel } from '../formats/bundle/sink.js';
import { ociLayoutSink } from '../formats/oci-layout/sink.js';
import { type Plan } from '../model/plan.js';
import { parsePlatform } from '../model/platform.js';
import { type Reliance } from '../model/reliance.js';
import { type ImageSink } from '../ports.js';
import { ioError, isTransferError, systemCodeOf, TransferError } from '../primitives/errors.js';
import { checkFolder, checkRoom } from '../primitives/drive/room.js';
import { checkPublishable } from '../primitives/publish.js';
import { writeStream } from '../primitives/write-stream.js';
import { type Signer } from '../transports/ssh/signer.js';
import { type Context, type PackOptions } from './options.js';
import { type Packed, writeBeside } from './pack/beside.js';
import { targetOf } from './pack/target.js';
import { Writer } from './pack/writer.js';
import { type PackResult } from './results.js';

type Format = NonNullable<PackOptions['format']>;

/** Where a pack goes. */
export interface Output {
  /** `reliance`: what is left out of it, where that can be. */
  readonly sink: (reliance: Reliance | undefined) => ImageSink;
  /** Whether anything can be left out: an archive folder has whole images. */
  readonly canBeThin: boolean;
  /** Looks whether it would fit, and writes nothing. */
  readonly plan: (plan: Plan) => Promise<Planned>;
  /** Writes what belongs beside a bundle, once that is whole. */
  readonly finish: (packed: Packed) => Promise<Finished>;
}

type Planned = Pick<PackResult, 'bytesAtMost' | 'notes'>;

export type Finished = Pick<PackResult, 'files' | 'signer' | 'readBack'> & { readonly notes: readonly string[] };

/**
 * Where a pack goes. What can be wrong with it is found here, before a source is read: that may take minutes.
 * @throws TransferError USAGE, UNSUPPORTED_HERE, NOT_FOUND or IO.
 */
export async function openOutput(options: PackOptions, context: Context): Promise<Output> {
  const { output, level } = options;
  const format = options.format ?? (options.kit === true ? 'tar.zst' : formatByName(output));
  checkLevel(format, level);
  if (format === 'tar.zst') checkCodecLevel(await zstdCodec(), level ?? defaultLevel[format]);
  checkCombination(options, format);
  // Before the first volume, not after it.
  if (options.pause === true && context.ask === undefined) {
    throw usage(
      '--pause asks for the next medium, and there is nobody to ask',
      'Run it on a terminal, or without --pause.',
    );
  }
  if (format === 'oci' || options.kit === true) await checkFolder(output);
  const finish = (): Promise<Finished> => Promise.resolve({ notes: [] });
  if (format === 'oci') {
    const plan = async (planned: Plan): Promise<Planned> => {
      await checkLayoutRoom(output, planned);
      return { notes: [] };
    };
    return { canBeThin: false, sink: () => withRoom(ociLayoutSink(output), output), plan, finish };
  }
  if (output === '-') {
    return { canBeThin: true, sink: bundleTo(options, format, streamWriter(options)), plan: finish, finish };
  }
  return openFiles(options, format, context);
}

/** `sink`, a folder, with its free space looked at before anything is written there. */
const withRoom = (sink: ImageSink, folder: string): ImageSink => ({
  label: sink.label,
  present: (images, signal) => sink.present(images, signal),
  receive: async (plan, open, signal) => {
    await checkLayoutRoom(folder, plan);
    return sink.receive(plan, open, signal);
  },
});

async function checkLayoutRoom(folder: string, plan: Plan): Promise<void> {
  const sizes = plan.blobs.flatMap(({ blob, action }) => (action === 'copy' ? [blob.size] : []));
  const inFilesOf = sizes.reduce((most, size) => Math.max(most, size), 0);
  await checkRoom(folder, { least: plan.totals.bytesToCopy, inFilesOf });
}

async function openFiles(options: PackOptions, format: BundleFormat, context: Context): Promise<Output> {
  const target = await targetOf(options, format);
  if (options.kit !== true && options.volumeBytes === undefined) await checkPublishable(target.path);
  const signer = await openSignerOf(options, context);
  const writer = new Writer(target, format, options, context);
  return {
    canBeThin: true,
    sink: bundleTo(options, format, (bytes, lists, plan) => writer.bundle(bytes, lists, plan)),
    plan: (plan) => writer.plan(plan),
    finish: async (packed) => {
      const notes = await writeBeside({ options, format, target, writer, signer, signal: context.signal }, packed);
      const { files, readBack } = writer;
      return {
        ...(files.length > 0 && { files }),
        ...(signer !== undefined && { signer: signer.describe() }),
        ...(readBack !== undefined && { readBack }),
        notes,
      };
    },
  };
}

async function openSignerOf({ sign }: PackOptions, { ask, signal }: Context): Promise<Signer | undefined> {
  if (sign === undefined) return undefined;
  const { openSigner } = await import('../transports/ssh/signer.js');
  return openSigner(sign, { ask, signal });
}

const bundleTo =
  (options: PackOptions, format: BundleFormat, write: BundleSinkOptions['write']): Output['sink'] =>
  (reliance) => {
    const platforms = (options.platforms ?? []).map(parsePlatform);
    return bundleSink({ label: options.output, format, level: options.level, platforms, reliance, write });
  };

/** Standard output. */
function streamWriter({ standardOutput }: PackOptions): BundleSinkOptions['write'] {
  return async (bytes) => {
    // A dry run has none, and does not come here.
    if (standardOutput === undefined) throw new TransferError('INTERNAL', 'no standard output to write to');
    return writeStream(standardOutput, bytes).catch((error: unknown) => {
      // A reader that has gone is no fault of this machine's.
      throw isTransferError(error) || systemCodeOf(error) === 'EPIPE'
        ? error
        : ioError(error, 'standard output', 'sink');
    });
  };
}

/** What cannot be asked for together. */
function checkCombination(options: PackOptions, format: Format): void {
  const { output, kit, volumeBytes, sign, verify, pause, resume, base = [] } = options;
  const media = { '--kit': kit, '--volume-size': volumeBytes, '--sign': sign, '--verify': verify };
  const [medium] = Object.entries(media).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (format === 'oci') {
    if (output === '-') {
      throw usage('a folder cannot be written to standard output', 'Choose --format tar.zst, tar.gz or tar.');
    }
    const bundle = 'Write a bundle: a name that ends in .tar.zst, .tar.gz or .tar.';
    if (base.length > 0)
      throw usage(`${output}: an OCI layout folder has all of its images, --base leaves layers out`, bundle);
    if (medium !== undefined) throw usage(`${output}: an OCI layout folder, and ${medium} is for bundles`, bundle);
  }
  if (output === '-' && medium !== undefined) {
    throw usage(`${medium} needs a file, and the output is standard output`, 'Name one with -o.');
  }
  if (volumeBytes !== undefined) return;
  if (pause === true) throw usage('--pause is for volumes', 'Give their size with --volume-size.');
  if (resume === true) throw usage('--resume is for volumes', 'Give their size with --volume-size, as before.');
}

const usage = (message: string, hint: string): TransferError => new TransferError('USAGE', message, { hint });

/** The form that an output's name asks for. A folder has no ending. */
export function formatByName(output: string): Format {
  if (output === '-' || output.endsWith('.tar')) return 'tar';
  if (/\.(?:tar\.zst|tzst)$/.test(output)) return 'tar.zst';
  if (/\.(?:tar\.gz|tgz)$/.test(output)) return 'tar.gz';
  if (output.endsWith('/') || statSync(output, { throwIfNoEntry: false })?.isDirectory() === true) return 'oci';
  const ending = /\.(?:xz|txz|bz2|zip|7z|zst|gz|lz4)$|\.tar\.[^/]+$/.exec(output)?.[0];
  if (ending === undefined) return 'oci';
  throw new TransferError('USAGE', `${output}: ferry writes no ${ending} files of its own`, {
    side: 'sink',
    hint: 'Call it .tar.zst, .tar.gz or .tar; a name without an ending is an OCI layout folder.',
  });
}

function checkLevel(format: Format, level: number | undefined): void {
  if (level === undefined) return;
  const highest: Record<Format, number> = { tar: 0, oci: 0, 'tar.gz': 9, 'tar.zst': 19 };
  const max = highest[format];
  if (max === 0)
    throw new TransferError('USAGE', `--level ${String(level)}: ${format} is not compressed`, {
      hint: 'Leave --level out, or write a .tar.zst.',
    });
  if (Number.isInteger(level) && level >= 1 && level <= max) return;
  throw new TransferError('USAGE', `--level ${String(level)}: ${format} has levels 1 to ${String(max)}`, {
    hint: `Choose a whole number from 1 to ${String(max)}.`,
  });
}
