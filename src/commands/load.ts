import { transfer } from '../engine/transfer.js';
import { type Receipt } from '../model/receipt.js';
import { bytesOf } from '../primitives/bytes.js';
import { checkPublishable, publishFile } from '../primitives/publish.js';
import { describeEngine } from '../transports/engine/engine.js';
import { findEngine } from '../transports/engine/find.js';
import { engineSink } from '../transports/engine/sink.js';
import { engineDeps } from './open.js';
import { type Context, type LoadOptions } from './options.js';
import { readImages, requireImages } from './read.js';
import { type LoadResult } from './results.js';
import { reliedIn } from './summary.js';

/**
 * Brings what sources hold into the engine of this machine: only what it lacks, proven before its names move.
 * @throws TransferError see docs/cli.md, "Exit status"; names in the engine then lead where they did before.
 */
export async function load(options: LoadOptions, context: Context): Promise<LoadResult> {
  if (options.receipt !== undefined) await checkPublishable(options.receipt);
  const engine = await findEngine(options.engine, context.signal);
  const reading = await readImages(options, context);
  try {
    requireImages(reading);
    const { source, images, reliance } = reading;
    const relied = reliedIn(reliance);
    const sink = engineSink(engine, { ...engineDeps(context), isLeftOut: (layer) => relied.has(layer) });
    const { plan, receipt } = await transfer({
      ...context,
      source,
      reliance,
      images,
      sink,
      dryRun: options.dryRun ?? false,
      what: 'loading',
    });
    const dated = receipt && { ...receipt, engine: describeEngine(engine), date: new Date().toISOString() };
    if (options.receipt !== undefined && dated !== undefined) await writeReceipt(options.receipt, dated);
    return {
      engine: describeEngine(engine),
      dryRun: options.dryRun ?? false,
      totals: plan.totals,
      notes: reading.notes,
      ...(dated !== undefined && { receipt: dated }),
    };
  } finally {
    await reading.close();
  }
}

async function writeReceipt(path: string, receipt: Receipt): Promise<void> {
  await publishFile(path, bytesOf(Buffer.from(`${JSON.stringify(receipt, null, 2)}\n`)));
}
