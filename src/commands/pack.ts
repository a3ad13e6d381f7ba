import { type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { displayName } from '../engine/display.js';
import { transfer } from '../engine/transfer.js';
import { type ImageNode, imagesIn } from '../model/graph.js';
import { statedCompression } from '../model/media-types.js';
import { type Plan } from '../model/plan.js';
import { TransferError } from '../primitives/errors.js';
import { type Context, type PackOptions } from './options.js';
import { outputSink } from './output.js';
import { readImages, requireImages } from './read.js';
import { type PackResult } from './results.js';
import { summarize } from './summary.js';
import { allWords } from './words.js';

/**
 * Writes what sources hold into one bundle, or into an OCI layout folder.
 * @throws TransferError see docs/cli.md, "Exit status"; the output is then as it was before.
 */
export async function pack(options: PackOptions, context: Context): Promise<PackResult> {
  const sink = await outputSink(options);
  // Once: a list of sources may be a pipe.
  const sources = await allWords(options);
  await checkIsNoSource(options.output, sources);
  const reading = await readImages({ ...options, sources, sourceFiles: [], composeFiles: [] }, context);
  try {
    requireImages(reading);
    const { source, images } = reading;
    const { plan, receipt } = await transfer({
      ...context,
      source,
      images,
      sink,
      dryRun: options.dryRun ?? false,
      what: 'packing',
      tellImages: true,
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

/** A file that takes the place of its own source would lose what was not asked for. A folder is added to. */
async function checkIsNoSource(output: string, sources: readonly string[]): Promise<void> {
  const file = await fileAt(output);
  if (file === undefined) return;
  for (const word of sources) {
    const source = await fileAt(word.replace(/^file:/, ''));
    if (source?.ino !== file.ino || source.dev !== file.dev) continue;
    throw new TransferError('USAGE', `${output}: the output is a source as well`, {
      hint: 'Write to another file.',
    });
  }
}

async function fileAt(path: string): Promise<Stats | undefined> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() === true ? stats : undefined;
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
