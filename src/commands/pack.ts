import { type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { transfer } from '../engine/transfer.js';
import { TransferError } from '../primitives/errors.js';
import { type Context, type PackOptions } from './options.js';
import { openOutput } from './output.js';
import { notesOn, thinNotes } from './pack/notes.js';
import { kitFormatFor, readBases, thinning } from './pack/thin.js';
import { readImages, requireImages } from './read.js';
import { type PackResult } from './results.js';
import { reliedIn, summarize } from './summary.js';
import { allWords } from './words.js';

/**
 * Writes what sources hold into one bundle, or into an OCI layout folder.
 * @throws TransferError see docs/cli.md, "Exit status"; the output is then as it was before.
 */
export async function pack(options: PackOptions, context: Context): Promise<PackResult> {
  const first = await openOutput(options, context);
  // Once: a list of sources may be a pipe.
  const sources = await allWords(options);
  await checkIsNoSource(options.output, [...sources, ...(options.base ?? []), ...(options.with ?? [])]);
  const bases = await readBases(options, context);
  const kitFormat = kitFormatFor(options, bases);
  const output = kitFormat === undefined ? first : await openOutput({ ...options, format: kitFormat }, context);
  const reading = await readImages({ ...options, sources, sourceFiles: [], composeFiles: [] }, context);
  try {
    requireImages(reading);
    const { source, images, reliance } = reading;
    const thin = thinning(options, bases, reading);
    const { plan, receipt } = await transfer({
      ...context,
      source,
      reliance,
      images,
      sink: output.sink(thin.leaveOut),
      dryRun: options.dryRun ?? false,
      what: 'packing',
      tellImages: true,
    });
    const relied = thin.leaveOut(plan.images);
    const { notes = [], ...finished } = receipt
      ? await output.finish({ plan, receipt, reliance: relied, receivers: thin.receivers })
      : {};
    return {
      output: options.output,
      dryRun: options.dryRun ?? false,
      images: summarize(plan.images, reliedIn(relied)),
      totals: plan.totals,
      twins: plan.twins,
      notes: [
        ...reading.notes,
        ...notesOn(plan, options),
        ...(relied === undefined ? [] : thinNotes(plan, relied, { stores: thin.stores, isKit: options.kit === true })),
        ...(kitFormat === undefined ? [] : ['the Docker of the site reads no zstd: the kit is compressed with gzip']),
        ...notes,
      ],
      ...finished,
      ...(relied !== undefined && { reliance: relied }),
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
