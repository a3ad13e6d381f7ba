import { realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { TransferError } from '../../primitives/errors.js';
import { inWords } from './names.js';

/** Where the file system of an output folder is mounted. */
export interface MountPoint {
  readonly path: string;
  /** The number of the file system that the mount point is on: what is written there when nothing is mounted. */
  readonly beneath: number;
}

/** None for a folder on the root file system. Two where a link leads to the folder: of the link, and of what it leads to. */
export async function mountPointsOf(folder: string): Promise<readonly MountPoint[]> {
  const paths = new Set([resolve(folder), await realpath(folder)]);
  const points = await Promise.all([...paths].map(mountPointAbove));
  return points.filter((point) => point !== undefined);
}

async function mountPointAbove(folder: string): Promise<MountPoint | undefined> {
  const own = await deviceOf(folder);
  for (let path = folder; dirname(path) !== path; path = dirname(path)) {
    const beneath = await deviceOf(dirname(path));
    if (beneath !== undefined && beneath !== own) return { path, beneath };
  }
  return undefined;
}

/**
 * Whether a medium is in, where the first one was mounted: an empty mount point is a folder of this machine's own disk.
 * @throws TransferError IO
 */
export async function checkMounted(folder: string, points: readonly MountPoint[]): Promise<void> {
  // What mounts media by itself removes their folders again.
  let path = resolve(folder);
  let device = await deviceOf(path);
  while (device === undefined && dirname(path) !== path) device = await deviceOf((path = dirname(path)));
  const empty = points.find(({ beneath }) => beneath === device);
  if (empty === undefined) return;
  throw new TransferError('IO', `no medium is mounted at ${empty.path}`, {
    side: 'sink',
    hint: 'Mount one there.',
  });
}

/** The number of the file system that a folder is on. */
export async function deviceOf(folder: string): Promise<number | undefined> {
  return (await stat(folder).catch(() => undefined))?.dev;
}

/** Where nothing is mounted any more, the next volume would go to this machine's own disk. */
export function otherDrive(folder: string): TransferError {
  return new TransferError('IO', `${folder}: it is not on the drive any more on which the volumes were begun`, {
    side: 'sink',
    hint: 'Was it removed or unmounted? Mount it again.',
  });
}

export function sameMedium(folder: string, numbers: readonly number[]): TransferError {
  const volumes = numbers.length === 1 ? 'volume' : 'volumes';
  return new TransferError('USAGE', `${folder}: this medium has ${volumes} ${inWords(numbers)} already`, {
    side: 'sink',
    hint: 'Put in another medium.',
  });
}
