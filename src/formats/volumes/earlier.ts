import { join } from 'node:path';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { differences, type Made, setIdOf, type VolumeFacts } from './checksum-file.js';
import { resumeWords } from './faults.js';
import { factsOf, type FoundVolume } from './folder.js';
import { inWords, volumeName } from './names.js';

export interface EarlierCheck {
  readonly folder: string;
  readonly base: string;
  readonly found: ReadonlyMap<number, FoundVolume>;
  /** Of the set that is being written. */
  readonly made: Made;
  /** The volumes of it that are there already: this run wrote or kept them. */
  readonly done: readonly VolumeFacts[];
  readonly resume: boolean;
  /** Given where media are changed. */
  readonly nextMedium?: unknown;
}

/**
 * Whether volumes can be written where others are.
 * @throws TransferError USAGE when those are of another set; without `resume` also for those of this one.
 */
export function checkEarlier(check: EarlierCheck): void {
  const { found, done, resume } = check;
  const others = [...found].filter(([number, volume]) => {
    const mine = done[number - 1];
    return mine === undefined || factsOf(volume)?.sha256 !== mine.sha256;
  });
  if (others.length === 0) return;
  if (!resume) throw isThere(check, others);
  for (const [number, volume] of others) checkSameSet(check, number, volume);
}

function isThere(check: EarlierCheck, others: readonly (readonly [number, FoundVolume])[]): TransferError {
  const { folder, base } = check;
  const numbers = inWords(
    others.map(([number]) => number),
    (number) => volumeName(base, number),
  );
  const known = others.map(([, volume]) => factsOf(volume)).find((facts) => facts !== undefined);
  return new TransferError(
    'USAGE',
    `${folder}: volumes of an earlier run are there: ${numbers}${known === undefined ? '' : ` (${describe(known.made)})`}`,
    {
      side: 'sink',
      hint: `Remove them with their checksum files, write elsewhere, or go on with them: ${resumeWords(check)}.`,
    },
  );
}

const describe = (made: Made): string =>
  `set ${setIdOf(made)}, by ferry ${printable(made.ferry, 40)}, level ${String(made.level)}`;

function checkSameSet(check: EarlierCheck, number: number, volume: FoundVolume): void {
  const facts = factsOf(volume);
  const path = join(check.folder, volumeName(check.base, number));
  const unlike = facts === undefined ? [] : differences(facts.made, check.made);
  if (facts === undefined || (unlike.length === 0 && facts.number === number)) {
    // Before the place that the writing has got to nothing is written again.
    if (check.done[number - 1] === undefined || isTransferError(volume.facts)) return;
  }
  throw new TransferError(
    'USAGE',
    unlike.length === 0
      ? `${path}: it is no volume ${String(number)} of this set`
      : `${path}: it is of another set: ${unlike.join(', ')}`,
    {
      side: 'sink',
      hint: 'Pack as that one was packed, or remove its volumes and checksum files, or write elsewhere.',
    },
  );
}

/** Files that the set which was just written makes no use of, but whoever joins it would. */
export function notOfTheSet(folder: string, base: string, numbers: readonly number[], count: number): TransferError {
  const names = inWords(numbers, (number) => volumeName(base, number));
  return new TransferError(
    'USAGE',
    `${folder}: the ${String(count)} volumes are written, but ${names} ${numbers.length === 1 ? 'is' : 'are'} there too`,
    { side: 'sink', hint: 'Remove what is beyond the last volume: it is of an earlier run.' },
  );
}
