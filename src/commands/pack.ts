import { transfer } from '../engine/transfer.js';
import { type Context, type PackOptions } from './options.js';
import { openOutput } from './output.js';
import { checkIsNoSource } from './own-source.js';
import { notesOn } from './pack/notes.js';
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
  // What the site is known to have may decide the format.
  const bases = await readBases(options, context);
  const kitFormat = kitFormatFor(options, bases);
  const output = await openOutput({ ...options, format: options.format ?? kitFormat }, context);
  const { base = [], with: withs = [] } = options;
  // Once: a list of sources may be a pipe.
  const sources = await allWords(options);
  await checkIsNoSource(options.output, [...sources, ...base, ...withs]);
  const reading = await readImages({ ...options, sources, sourceFiles: [], composeFiles: [] }, context);
  try {
    requireImages(reading);
    const { source, images, reliance } = reading;
    const thin = thinning(options, bases, reading);
    const relied = output.canBeThin ? thin.reliance : undefined;
    const { plan, receipt } = await transfer({
      ...context,
      source,
      reliance,
      images,
      sink: output.sink(relied),
      ...(withs.length > 0 && { receiver: withs.join(', ') }),
      dryRun: options.dryRun ?? false,
      what: 'packing',
      tellImages: true,
    });
    const { notes, ...finished } = receipt
      ? await output.finish({ plan, receipt, reliance: relied, receivers: thin.receivers })
      : await output.plan(plan);
    return {
      output: options.output,
      dryRun: options.dryRun ?? false,
      images: summarize(plan.images, reliedIn(relied)),
      totals: plan.totals,
      twins: plan.twins,
      notes: [...reading.notes, ...notesOn({ plan, options, relied, stores: thin.stores, kitFormat }), ...notes],
      ...finished,
      ...(relied !== undefined && { reliance: relied }),
      ...(receipt !== undefined && { receipt }),
    };
  } finally {
    await reading.close();
  }
}
