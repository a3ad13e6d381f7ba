import { decompress } from '../codecs/decompress.js';
import { sniffCompression } from '../codecs/sniff.js';
import { checkImages } from '../engine/check.js';
import { displayName } from '../engine/display.js';
import { planTransfer } from '../engine/plan.js';
import { lackOf, mergeReliance } from '../engine/reliance.js';
import { type AllowedSigners } from '../formats/signature/allowed-signers.js';
import { blobsIn, type ImageNode } from '../model/graph.js';
import { type Reliance } from '../model/reliance.js';
import { type Digest } from '../primitives/digest.js';
import { type Context, type VerifyOptions } from './options.js';
import { originOf, signersOf } from './origin.js';
import { faultOf, readAsItIs, type Reading, toFault } from './read.js';
import { type Fault, type SampledPart, type VerifyResult } from './results.js';
import { addParts, samplingOf } from './sampling.js';
import { fingerprintsOf, reliedIn } from './summary.js';
import { allWords } from './words.js';

/**
 * Reads every byte of sources (of layers those that `sample` and `since` choose) and compares it with every digest that
 * is known of it. All faults are in the result.
 * Each source stands for itself: what one lacks, another does not make good.
 */
export async function verify(options: VerifyOptions, context: Context): Promise<VerifyResult> {
  let sum: VerifyResult = { sources: [], images: 0, blobs: 0, layers: 0, bytes: 0, fingerprints: [], faults: [] };
  const now = new Date();
  const signers = await signersOf(options);
  for (const word of await allWords(options)) {
    const one = await verifyOne(word, options, { now, signers }, context);
    sum = {
      sources: [...sum.sources, ...one.sources],
      images: sum.images + one.images,
      blobs: sum.blobs + one.blobs,
      layers: sum.layers + one.layers,
      bytes: sum.bytes + one.bytes,
      fingerprints: [...sum.fingerprints, ...one.fingerprints],
      ...signedBy([...(sum.signed ?? []), ...(one.signed ?? [])]),
      ...relying(mergeReliance([sum.reliance, one.reliance])),
      ...sampled(addParts(sum.sample, one.sample)),
      faults: [...sum.faults, ...one.faults],
    };
  }
  return sum;
}

async function verifyOne(
  word: string,
  options: VerifyOptions,
  { now, signers }: { readonly now: Date; readonly signers: AllowedSigners | undefined },
  context: Context,
): Promise<VerifyResult> {
  const sampling = await samplingOf(options, word, now);
  const reading = await readAsItIs({ ...options, sources: [word], sourceFiles: [], composeFiles: [] }, context);
  try {
    const { source, images, reliance } = reading;
    const relied = reliedIn(reliance);
    const origin = await originOf(word, reading, signers, context);
    const known = reading.faults.map(({ record }) => record.root.digest);
    const isCompressed = (head: Uint8Array): boolean => sniffCompression(head) !== 'none';
    const chosen = sampling?.chosen;
    const report = await checkImages({ ...context, source, images, decompress, isCompressed, chosen, relied, known });
    // What was removed meanwhile, by a prune of ours, is neither whole nor damaged.
    const changed = [...reading.faults, ...report.faults].find(({ error }) => error.code === 'SOURCE_CHANGED');
    if (changed !== undefined) throw changed.error;
    return {
      sources: reading.labels,
      images: images.length + reading.faults.length,
      blobs: report.blobs,
      layers: report.layers,
      bytes: report.bytes,
      fingerprints: fingerprintsOf(reading),
      ...signedBy(origin.signed),
      ...relying(reliance),
      ...sampled(sampling?.part()),
      faults: [
        ...origin.faults,
        ...lackFaults(reading, options.with ?? []),
        ...reading.faults.map(faultOf),
        ...report.faults.map(({ error, images: broken }) => toFault(error, broken)),
      ],
    };
  } finally {
    await reading.close();
  }
}

const signedBy = (signed: NonNullable<VerifyResult['signed']>): Pick<VerifyResult, 'signed'> =>
  signed.length === 0 ? {} : { signed };

const relying = (reliance: Reliance | undefined): Pick<VerifyResult, 'reliance'> =>
  reliance === undefined ? {} : { reliance };

const sampled = (sample: SampledPart | undefined): Pick<VerifyResult, 'sample'> =>
  sample === undefined ? {} : { sample };

/** A thin bundle alone is proven as far as it goes; with what should make it whole, it must be whole. */
function lackFaults({ images, source, reliance }: Reading, withs: readonly string[]): readonly Fault[] {
  if (withs.length === 0) return [];
  const plan = planTransfer(images, new Set());
  const lack = lackOf(plan, source, reliance, withs.join(', '));
  return lack === undefined ? [] : [toFault(lack, imagesLacking(plan.images, reliedIn(reliance)))];
}

const imagesLacking = (images: readonly ImageNode[], relied: ReadonlySet<Digest>): string[] =>
  images.filter(({ root }) => [...blobsIn(root)].some(({ blob }) => relied.has(blob.digest))).map(displayName);
