import { planTransfer } from '../engine/plan.js';
import { type Context, type SourceOptions } from './options.js';
import { faultOf, readAsItIs } from './read.js';
import { type ListResult } from './results.js';
import { fingerprintsOf, reliedIn, summarize } from './summary.js';

/** What sources hold. Reads indexes, manifests and configs; of layers, nothing. */
export async function list(options: SourceOptions, context: Context): Promise<ListResult> {
  const reading = await readAsItIs(options, context);
  try {
    const { images, reliance } = reading;
    const relied = reliedIn(reliance);
    const plan = planTransfer(images, relied);
    return {
      sources: reading.labels,
      images: summarize(plan.images, relied),
      totals: plan.totals,
      twins: plan.twins,
      fingerprints: fingerprintsOf(reading),
      ...(reliance !== undefined && { reliance }),
      faults: reading.faults.map(faultOf),
    };
  } finally {
    await reading.close();
  }
}
