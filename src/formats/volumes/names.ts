/** `release.tar.zst` and 3: `release.tar.zst.003`. */
export const volumeName = (base: string, number: number): string => `${base}.${digits(number)}`;

/** `release.tar.zst` and 3: `release.tar.zst-003.json`, which `release.tar.zst.*` does not match. */
export const checksumName = (base: string, number: number): string => `${base}-${digits(number)}.json`;

/** Always three: with more of them for some, a shell would list `.1000` before `.999`. */
const digits = (number: number): string => String(number).padStart(3, '0');

export interface VolumeName {
  /** The name of the bundle that was cut. */
  readonly base: string;
  /** From 1 on. */
  readonly number: number;
  readonly kind: 'volume' | 'checksum';
}

/** What a file's name says that it is, of a set of volumes; undefined: it is another file. */
export function parseVolumeName(name: string): VolumeName | undefined {
  const [, volumeOf, volume] = /^(.+)\.([0-9]{3})$/.exec(name) ?? [];
  const [, checksumOf, checksum] = /^(.+)-([0-9]{3})\.json$/.exec(name) ?? [];
  const base = volumeOf ?? checksumOf;
  const number = Number(volume ?? checksum);
  // macOS puts `._NAME` beside each file on a drive that is not its own.
  if (base === undefined || number === 0 || name.startsWith('._')) return undefined;
  return { base, number, kind: volumeOf === undefined ? 'checksum' : 'volume' };
}

/** Numbers in rising order, in words: `2`, `2 and 4`, `1 to 3, 5 and 7 to 9`. */
export function inWords(numbers: readonly number[], show: (number: number) => string = String): string {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  const parts = runs.flatMap(([from, to]) => {
    if (to > from + 1) return [`${show(from)} to ${show(to)}`];
    return to > from ? [show(from), show(to)] : [show(from)];
  });
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;
}
