import { join } from 'node:path';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { type Volume } from './access.js';
import { differences, setIdOf, type VolumeFacts } from './checksum-file.js';
import { type VolumeFiles } from './find.js';
import { factsOf, type FoundVolume } from './folder.js';
import { checksumName, inWords, volumeName } from './names.js';

export interface CheckedSet {
  readonly volumes: readonly Volume[];
  /** Bytes of each volume but the last. */
  readonly volumeBytes: number;
  /** Whether a checksum file says which volume is the last. */
  readonly isEndKnown: boolean;
}

type Found = ReadonlyMap<number, FoundVolume>;

/**
 * The volumes of a set by what their names, sizes and checksum files say. Reads none of their contents.
 * @throws TransferError BAD_ARCHIVE that tells of every volume that is missing, foreign, swapped or of a wrong size.
 */
export function checkSet(files: VolumeFiles, found: Found): CheckedSet {
  const set = setOf(found);
  const count = countOf(found, set);
  const last = count ?? Math.max(...found.keys());
  const volumeBytes =
    set?.made.volumeBytes ?? [...found.values()].find(({ file }) => file !== undefined)?.file?.size ?? 0;
  const all: SetCheck = { files, found, set, count, last, volumeBytes };
  const problems = [...missing(all), ...checksumProblems(all), ...sizeProblems(all)];
  if (problems.length > 0) {
    throw new TransferError('BAD_ARCHIVE', `${files.label}: ${problems.join('; ')}`, {
      side: 'source',
      hint: 'Put all volumes of the set, and no others, into one folder under their own names.',
    });
  }
  const volumes = [...found].map(([number, volume]) => ({
    number,
    path: join(files.folder, volumeName(files.base, number)),
    offset: (number - 1) * volumeBytes,
    size: volume.file?.size ?? 0,
    modifiedMs: volume.file?.modifiedMs ?? 0,
    facts: factsOf(volume),
  }));
  return { volumes, volumeBytes, isEndKnown: count !== undefined };
}

interface SetCheck {
  readonly files: VolumeFiles;
  readonly found: Found;
  /** Facts of some volume of the set; undefined: there are no checksum files. */
  readonly set: VolumeFacts | undefined;
  readonly count: number | undefined;
  /** The number of the last volume, as far as it is known. */
  readonly last: number;
  readonly volumeBytes: number;
}

/** The set that most volumes are of; of two with the same number of them, that of the lower volume. */
function setOf(found: Found): VolumeFacts | undefined {
  const sets = new Map<string, { facts: VolumeFacts; volumes: number }>();
  for (const volume of found.values()) {
    const facts = factsOf(volume);
    if (facts === undefined) continue;
    const id = setIdOf(facts.made);
    sets.set(id, { facts, volumes: (sets.get(id)?.volumes ?? 0) + 1 });
  }
  return [...sets.values()].sort((a, b) => b.volumes - a.volumes)[0]?.facts;
}

function countOf(found: Found, set: VolumeFacts | undefined): number | undefined {
  const counts = [...found.values()].flatMap((volume) => {
    const facts = factsOf(volume);
    const isOurs = facts?.count !== undefined && set !== undefined && setIdOf(facts.made) === setIdOf(set.made);
    return isOurs ? [facts.count ?? 0] : [];
  });
  return counts.length === 0 ? undefined : Math.min(...counts);
}

function missing({ files: { base }, found, count, last }: SetCheck): string[] {
  const lost = Array.from({ length: last }, (_, i) => i + 1).filter((n) => found.get(n)?.file === undefined);
  const problems: string[] = [];
  if (lost.length > 0) {
    const of = count === undefined ? '' : ` of ${String(count)}`;
    const names = inWords(lost, (number) => volumeName(base, number));
    problems.push(
      lost.length === 1
        ? `volume ${inWords(lost)}${of} is missing (${names})`
        : `volumes ${inWords(lost)}${of} are missing (${names})`,
    );
  }
  // The checksum file of the last volume would say so.
  if (count === undefined && factsOf(found.get(last)) !== undefined) {
    problems.push(
      `the last volume is missing: ${volumeName(base, last)} is not the last, its checksum file says, and there is none after it`,
    );
  }
  return problems;
}

function checksumProblems({ files: { base }, found, set }: SetCheck): string[] {
  return [...found].flatMap(([number, volume]) => {
    if (isTransferError(volume.facts)) return [volume.facts.message];
    const facts = volume.facts;
    if (facts === undefined || set === undefined) return [];
    const name = checksumName(base, number);
    const unlike = differences(facts.made, set.made);
    if (unlike.length > 0) {
      return [
        `volume ${String(number)} (${volumeName(base, number)}) is foreign, of another set: ${unlike.join(', ')}`,
      ];
    }
    if (facts.number === number) return [];
    return [`${name} is the checksum file of volume ${String(facts.number)}: files were swapped or renamed`];
  });
}

function sizeProblems({ files: { base }, found, count, last, volumeBytes }: SetCheck): string[] {
  return [...found].flatMap(([number, volume]) => {
    const { file } = volume;
    const facts = factsOf(volume);
    // Of what is in the wrong place, the size says nothing.
    if (file === undefined || (facts !== undefined && facts.number !== number)) return [];
    const what = `volume ${String(number)} (${volumeName(base, number)})`;
    if (number > last) return [`${what} is beyond the last of ${String(count ?? last)}`];
    const isLast = facts === undefined && number === last;
    const expected = facts?.size ?? volumeBytes;
    if (isLast ? file.size <= expected : file.size === expected) return [];
    return [`${what} has ${String(file.size)} bytes, expected ${String(expected)}${isLast ? ' at most' : ''}`];
  });
}
