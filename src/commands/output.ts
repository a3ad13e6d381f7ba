import { statSync } from 'node:fs';
import { checkLevel as checkCodecLevel } from '../codecs/zstd-level.js';
import { zstdCodec } from '../codecs/zstd.js';
import { bundleSink, defaultLevel } from '../formats/bundle/sink.js';
import { ociLayoutSink } from '../formats/oci-layout/sink.js';
import { parsePlatform } from '../model/platform.js';
import { type ImageSink } from '../ports.js';
import { type ByteStream } from '../primitives/bytes.js';
import { ioError, isTransferError, systemCodeOf, TransferError } from '../primitives/errors.js';
import { checkPublishable, publishFile } from '../primitives/publish.js';
import { writeStream } from '../primitives/write-stream.js';
import { type PackOptions } from './options.js';

type Format = NonNullable<PackOptions['format']>;

/**
 * Where a pack goes. What can be wrong with it is found here, before anything is read: sources may take minutes.
 * @throws TransferError USAGE, UNSUPPORTED_HERE, NOT_FOUND or IO.
 */
export async function outputSink(options: PackOptions): Promise<ImageSink> {
  const { output, level } = options;
  const format = options.format ?? formatByName(output);
  checkLevel(format, level);
  if (format === 'tar.zst') checkCodecLevel(await zstdCodec(), level ?? defaultLevel[format]);
  if (format === 'oci') {
    if (output === '-')
      throw new TransferError('USAGE', 'a folder cannot be written to standard output', {
        hint: 'Choose --format tar.zst, tar.gz or tar.',
      });
    return ociLayoutSink(output);
  }
  if (output !== '-') await checkPublishable(output);
  const platforms = (options.platforms ?? []).map(parsePlatform);
  return bundleSink({ label: output, format, level, platforms, write: writerFor(options) });
}

function writerFor({ output, standardOutput }: PackOptions): (bytes: ByteStream) => Promise<number> {
  if (output !== '-') return (bytes) => publishFile(output, bytes);
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

/** The form that an output's name asks for. A folder has no ending. */
export function formatByName(output: string): Format {
  if (output === '-' || output.endsWith('.tar')) return 'tar';
  if (/\.(?:tar\.zst|tzst)$/.test(output)) return 'tar.zst';
  if (/\.(?:tar\.gz|tgz)$/.test(output)) return 'tar.gz';
  if (output.endsWith('/') || statSync(output, { throwIfNoEntry: false })?.isDirectory() === true) return 'oci';
  const ending = /\.(?:xz|txz|bz2|zip|7z|zst|gz|lz4)$/.exec(output)?.[0];
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
