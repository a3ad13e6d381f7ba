import { decompress } from '../codecs/decompress.js';
import { sniffCompression } from '../codecs/sniff.js';
import { checkImages } from '../engine/check.js';
import { type Context, type SourceOptions } from './options.js';
import { faultOf, readAsItIs, toFault } from './read.js';
import { type VerifyResult } from './results.js';
import { allWords } from './words.js';

/**
 * Reads every byte of sources and compares it with every digest that is known of it. All faults are in the result.
 * Each source stands for itself: what one lacks, another does not make good.
 */
export async function verify(options: SourceOptions, context: Context): Promise<VerifyResult> {
  let sum: VerifyResult = { sources: [], images: 0, blobs: 0, layers: 0, bytes: 0, faults: [] };
  for (const word of await allWords(options)) {
    const one = await verifyOne({ ...options, sources: [word], sourceFiles: [], composeFiles: [] }, context);
    sum = {
      sources: [...sum.sources, ...one.sources],
      images: sum.images + one.images,
      blobs: sum.blobs + one.blobs,
      layers: sum.layers + one.layers,
      bytes: sum.bytes + one.bytes,
      faults: [...sum.faults, ...one.faults],
    };
  }
  return sum;
}

async function verifyOne(options: SourceOptions, context: Context): Promise<VerifyResult> {
  const reading = await readAsItIs(options, context);
  try {
    const { source, images } = reading;
    const known = reading.faults.map(({ record }) => record.root.digest);
    const isCompressed = (head: Uint8Array): boolean => sniffCompression(head) !== 'none';
    const report = await checkImages({ ...context, source, images, decompress, isCompressed, known });
    return {
      sources: reading.labels,
      images: images.length + reading.faults.length,
      blobs: report.blobs,
      layers: report.layers,
      bytes: report.bytes,
      faults: [
        ...reading.faults.map(faultOf),
        ...report.faults.map(({ error, images: broken }) => toFault(error, broken)),
      ],
    };
  } finally {
    await reading.close();
  }
}
