import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { namesIn } from './folder.js';
import { parseVolumeName, volumeName } from './names.js';

/** Where a set of volumes lies. */
export interface VolumeFiles {
  /** What messages call it: the path that the user gave. */
  readonly label: string;
  readonly folder: string;
  /** The name of the bundle that was cut: `release.tar.zst`. */
  readonly base: string;
}

/** What makes a folder an image layout or an unpacked save. */
const LAYOUT = ['oci-layout', 'index.json', 'manifest.json', 'repositories'];

/**
 * The set that a path stands for: that of one of its volumes, or the only one in a folder which is no image layout.
 * Undefined: the path is something else, or nothing.
 * @throws TransferError USAGE when a folder holds several sets; IO.
 */
export async function findVolumes(path: string): Promise<VolumeFiles | undefined> {
  // A volume that is missing is told of by those that are there.
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isDirectory() === true) return inFolder(path);
  if (stats !== undefined && !stats.isFile()) return undefined;
  const parsed = parseVolumeName(basename(path));
  if (parsed?.kind !== 'volume') return undefined;
  const folder = dirname(path);
  const isSet = basesIn(await namesIn(folder).catch(() => [])).has(parsed.base);
  return isSet ? { label: path, folder, base: parsed.base } : undefined;
}

async function inFolder(folder: string): Promise<VolumeFiles | undefined> {
  const names = await namesIn(folder).catch(() => []);
  if (names.some((name) => LAYOUT.includes(name))) return undefined;
  const bases = [...basesIn(names)].sort();
  const [base] = bases;
  if (base === undefined) return undefined;
  if (bases.length === 1) return { label: folder, folder, base };
  const shown = bases.slice(0, 5).map((one) => printable(volumeName(one, 1), 80));
  throw new TransferError(
    'USAGE',
    `${folder}: ${String(bases.length)} sets of volumes are in it: ${shown.join(', ')}${bases.length > 5 ? ', …' : ''}`,
    { side: 'source', hint: `Name one of them: ${join(folder, shown[0] ?? '')}` },
  );
}

/** The sets among files: what has a first volume or a checksum file. Any file may happen to end in a number. */
function basesIn(names: readonly string[]): Set<string> {
  const parsed = names.map(parseVolumeName).filter((name) => name !== undefined);
  const withFiles = new Set(parsed.filter(({ kind }) => kind === 'volume').map(({ base }) => base));
  const isStart = ({ kind, number }: (typeof parsed)[number]): boolean => kind === 'checksum' || number === 1;
  return new Set(parsed.filter((name) => isStart(name) && withFiles.has(name.base)).map(({ base }) => base));
}
