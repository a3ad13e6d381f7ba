import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { layoutFiles } from '../formats/oci-layout/prune.js';
import { INDEX_FILE } from '../formats/tree/lists.js';
import { type Descriptor } from '../model/descriptor.js';
import { type Digest, hexOf } from '../primitives/digest.js';
import { TransferError } from '../primitives/errors.js';
import { type VerifyOptions } from './options.js';
import { type SampledPart } from './results.js';
import { parseLocation } from './words.js';

const DAY_MS = 86_400_000;
/** The circle of all digests, in parts that a percentage with four decimals is a whole number of. */
const CIRCLE = 1_000_000;

/** Which layers of an archive are read. */
export interface Sampling {
  /** Asked once for each layer; one whose file has another size is always read, so that the fault is found. */
  readonly chosen: (layer: Descriptor) => boolean;
  /** What was chosen, of what was asked for. */
  readonly part: () => SampledPart;
}

/**
 * The part of an OCI layout folder that `sample` and `since` ask for; undefined: all of it.
 * @throws TransferError USAGE when the source is something else
 */
export async function samplingOf(
  { sample, since }: VerifyOptions,
  word: string,
  now: Date,
): Promise<Sampling | undefined> {
  if (sample === undefined && since === undefined) return undefined;
  const { blobs: files } = await layoutFiles(await folderOf(word));
  const today = sample === undefined ? undefined : { sample, inWindow: windowOf(sample, now) };
  const read = { blobs: 0, bytes: 0 };
  const all = { blobs: 0, bytes: 0 };
  return {
    chosen: ({ digest, size }) => {
      const file = files.get(digest);
      const isNew = since !== undefined && file !== undefined && file.modified >= since.getTime();
      const chosen = file?.bytes !== size || isNew || today?.inWindow(digest) === true;
      for (const sum of chosen ? [read, all] : [all]) {
        sum.blobs++;
        sum.bytes += size;
      }
      return chosen;
    },
    part: () => ({
      ...(today !== undefined && { percent: today.sample, day: dateOf(now) }),
      ...(since !== undefined && { since: since.toISOString() }),
      ...read,
      of: { ...all },
    }),
  };
}

/** Two parts as one. */
export const addParts = (a: SampledPart | undefined, b: SampledPart | undefined): SampledPart | undefined =>
  a === undefined || b === undefined
    ? (a ?? b)
    : {
        ...a,
        blobs: a.blobs + b.blobs,
        bytes: a.bytes + b.bytes,
        of: { blobs: a.of.blobs + b.of.blobs, bytes: a.of.bytes + b.of.bytes },
      };

async function folderOf(word: string): Promise<string> {
  const location = parseLocation(word);
  const folder = location.kind === 'path' ? location.path : undefined;
  const index = folder === undefined ? undefined : await stat(join(folder, INDEX_FILE)).catch(() => undefined);
  if (folder !== undefined && index?.isFile() === true) return folder;
  throw new TransferError('USAGE', `${word}: --sample and --since are for an archive, an OCI layout folder`, {
    side: 'source',
    hint: 'Leave them out: anything else is read in full.',
  });
}

/**
 * Each day the next part of the circle on which digests lie, so that in 100 / `percent` days in a row every layer is
 * read. What comes or goes meanwhile moves no other layer to another day.
 */
function windowOf(percent: number, now: Date): (digest: Digest) => boolean {
  const width = Math.round((percent / 100) * CIRCLE);
  const day = Math.floor((now.getTime() - now.getTimezoneOffset() * 60_000) / DAY_MS);
  const start = (day * width) % CIRCLE;
  return (digest) => {
    const place = Math.floor((parseInt(hexOf(digest).slice(0, 12), 16) / 2 ** 48) * CIRCLE);
    return (place - start + CIRCLE) % CIRCLE < width;
  };
}

/** `2026-11-21`, as the clock on the wall has it. */
function dateOf(now: Date): string {
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}
