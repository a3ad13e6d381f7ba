import { decompress } from '../codecs/decompress.js';
import { checkImages } from '../engine/check.js';
import { type Context, type SourceOptions } from './options.js';
import { faultOf, readImages, toFault } from './read.js';
import { type VerifyResult } from './results.js';

/** Reads every byte of sources and compares it with every digest that is known of it. All faults are in the result. */
export async function verify(options: SourceOptions, context: Context): Promise<VerifyResult> {
  const reading = await readImages(options, context);
  try {
    const { source, images } = reading;
    const report = await checkImages({ source, images, decompress, emit: context.emit, signal: context.signal });
    const faults = report.faults.map(({ error, images: broken }) => toFault(error, broken));
    return {
      sources: reading.labels,
      images: images.length,
      blobs: report.blobs,
      layers: report.layers,
      bytes: report.bytes,
      faults: [...reading.faults.map(faultOf), ...faults],
    };
  } finally {
    await reading.close();
  }
}
