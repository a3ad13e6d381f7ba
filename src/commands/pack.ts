import { statSync } from 'node:fs';
import { displayName } from '../engine/display.js';
import { transfer } from '../engine/transfer.js';
import { bundleSink } from '../formats/bundle/sink.js';
import { ociLayoutSink } from '../formats/oci-layout/sink.js';
import { type ImageNode, imagesIn } from '../model/graph.js';
import { statedCompression } from '../model/media-types.js';
import { type Plan } from '../model/plan.js';
import { parsePlatform } from '../model/platform.js';
import { type ImageSink } from '../ports.js';
import { type ByteStream } from '../primitives/bytes.js';
import { TransferError } from '../primitives/errors.js';
import { publishFile } from '../primitives/publish.js';
import { writeStream } from '../primitives/write-stream.js';
import { type Context, type PackOptions } from './options.js';
import { readImages, refuseFaults } from './read.js';
import { type PackResult } from './results.js';
import { summarize } from './summary.js';

/**
 * Writes what sources hold into one bundle, or into an OCI layout folder.
 * @throws TransferError see docs/cli.md, "Exit status"; the output is then as it was before.
 */
export async function pack(options: PackOptions, context: Context): Promise<PackResult> {
  const sink = sinkFor(options);
  const reading = await readImages(options, context);
  try {
    refuseFaults(reading);
    if (reading.images.length === 0) {
      throw new TransferError('NOT_FOUND', `${reading.labels.join(', ')}: there is no image in it`, {
        side: 'source',
        hint: 'See what it holds with: ferry list',
      });
    }
    const { source, images } = reading;
    const { plan, receipt } = await transfer({
      ...context,
      source,
      images,
      sink,
      dryRun: options.dryRun ?? false,
      what: 'packing',
    });
    return {
      output: options.output,
      dryRun: options.dryRun ?? false,
      images: summarize(plan.images),
      totals: plan.totals,
      twins: plan.twins,
      notes: [...reading.notes, ...notesOn(plan, options)],
      ...(receipt !== undefined && { receipt }),
    };
  } finally {
    await reading.close();
  }
}

type Format = NonNullable<PackOptions['format']>;

function sinkFor(options: PackOptions): ImageSink {
  const { output, level } = options;
  const format = options.format ?? formatByName(output);
  checkLevel(format, level);
  if (format === 'oci') {
    if (output === '-')
      throw new TransferError('USAGE', 'a folder cannot be written to standard output', {
        hint: 'Choose --format tar.zst, tar.gz or tar.',
      });
    return ociLayoutSink(output);
  }
  const platforms = (options.platforms ?? []).map(parsePlatform);
  return bundleSink({ label: output, format, level, platforms, write: writerFor(options) });
}

function writerFor({ output, standardOutput }: PackOptions): (bytes: ByteStream) => Promise<number> {
  if (output !== '-') return (bytes) => publishFile(output, bytes);
  if (standardOutput === undefined) throw new TransferError('INTERNAL', 'no standard output to write to');
  return (bytes) => writeStream(standardOutput, bytes);
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

/** What some engine cannot take of this bundle, and what else is worth knowing before it travels. */
function notesOn({ images, twins }: Plan, options: PackOptions): string[] {
  const notes: string[] = [];
  const zstd = images.filter(({ root }) =>
    [...imagesIn(root)].some(({ layers }) => layers.some(({ blob }) => statedCompression(blob.mediaType) === 'zstd')),
  );
  if (zstd.length > 0) {
    notes.push(
      `Docker before 23 cannot read the zstd layers of ${names(zstd)} without ferry; --layers plain makes them plain`,
    );
  }
  const several = images.filter(({ root }) => [...imagesIn(root)].length > 1);
  if (several.length > 0) {
    notes.push(
      `without the containerd image store, Docker loads one platform of ${names(several)}; --platform chooses`,
    );
  }
  if (twins.length > 0 && options.layers !== 'plain') {
    notes.push(
      `${String(twins.length)} ${twins.length === 1 ? 'layer is' : 'layers are'} stored in two forms, plain and compressed, so that manifest digests survive; --layers plain keeps one`,
    );
  }
  if (options.layers === 'plain')
    notes.push('--layers plain: image IDs are kept; manifests that had compressed layers have new digests');
  return notes;
}

function names(images: readonly ImageNode[]): string {
  const shown = images.slice(0, 3).map(displayName).join(', ');
  return images.length > 3 ? `${shown} and ${String(images.length - 3)} more` : shown;
}
