import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { checkKitName } from '../../formats/kit/index.js';
import { type BundleFormat } from '../../formats/bundle/sink.js';
import { checksumName } from '../../formats/volumes/names.js';
import { whyNotPortable } from '../../primitives/drive/names.js';
import { TransferError } from '../../primitives/errors.js';
import { removeStaleParts } from '../../primitives/publish.js';
import { type PackOptions } from '../options.js';

/** Where a bundle goes: a file, several, or with others in a folder. */
export interface Target {
  readonly folder: string;
  /** The bundle's file name; of volumes without their number. */
  readonly name: string;
  readonly path: string;
}

/** @throws TransferError USAGE, when the bundle cannot have this name or place; IO */
export async function targetOf(options: PackOptions, format: BundleFormat): Promise<Target> {
  const { output } = options;
  if (options.kit !== true) {
    const target = { folder: dirname(output), name: basename(output), path: output };
    if (options.volumeBytes !== undefined) checkPortable(target);
    return target;
  }
  const name = `${basename(resolve(output))}.${format}`;
  checkKitName(name);
  await checkIsFolder(output);
  if (options.resume !== true && options.dryRun !== true) await checkEmpty(output);
  return { folder: output, name, path: join(output, name) };
}

/** Volumes travel on drives of every kind. */
function checkPortable({ name, path }: Target): void {
  const why = whyNotPortable(name) ?? whyNotPortable(checksumName(name, 1));
  if (why === undefined) return;
  throw new TransferError('USAGE', `${path}: this name ${why}`, {
    side: 'sink',
    hint: 'Volumes go to FAT32, exFAT and NTFS drives: choose a name that all of them take.',
  });
}

async function checkIsFolder(folder: string): Promise<void> {
  const stats = await stat(folder).catch(() => undefined);
  if (stats === undefined || stats.isDirectory()) return;
  throw new TransferError('USAGE', `${folder}: a kit is a folder, and this is a file`, {
    side: 'sink',
    hint: 'Name a folder that does not exist yet.',
  });
}

/**
 * A kit is checked as a whole: what lies in its folder from before would travel with it, or be lost. Only what a kit
 * that was killed left unfinished is removed.
 */
export async function checkEmpty(folder: string, mayHold: (name: string) => boolean = () => false): Promise<void> {
  const isThere = (await stat(folder).catch(() => undefined)) !== undefined;
  if (!isThere) return;
  await removeStaleParts(folder);
  if ((await readdir(folder)).every(mayHold)) return;
  throw new TransferError('USAGE', `${folder}: a kit goes into a folder of its own, and this one is not empty`, {
    side: 'sink',
    hint: 'Name another folder, or empty this one; --resume goes on with volumes that are there.',
  });
}
