import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isKitFolder, isOfMacOs } from '../formats/kit/names.js';
import { parseVolumeName } from '../formats/volumes/names.js';
import { TransferError } from '../primitives/errors.js';
import { printable } from '../primitives/printable.js';

const BUNDLE = /\.(?:tar|tgz|tzst|tar\.(?:zst|gz))$/;

/** The bundle in the folder that `--kit` writes; undefined: it is no such folder, or the bundle is in volumes. */
export async function bundleInKit(folder: string): Promise<string | undefined> {
  const names = await readdir(folder).catch((): string[] => []);
  const bundles = names.filter((name) => BUNDLE.test(name) && !isOfMacOs(name));
  return isKitFolder(names) && bundles.length === 1 && bundles[0] !== undefined ? join(folder, bundles[0]) : undefined;
}

/**
 * What to name instead of a folder that is no image, but holds some: bundles, kits, volumes without the first. Undefined:
 * it holds none.
 */
export async function nameInstead(folder: string): Promise<TransferError | undefined> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const shown = entries.filter(({ name }) => !isOfMacOs(name));
  const files = shown.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const found = files.filter((name) => BUNDLE.test(name)).sort();
  for (const entry of shown) {
    if (entry.isDirectory() && (await isKit(join(folder, entry.name)))) found.push(`${entry.name}/`);
  }
  const [first] = found;
  if (first !== undefined) return instead(folder, found, first);
  const base = files.map(parseVolumeName).find((name) => name?.kind === 'volume' && BUNDLE.test(name.base))?.base;
  if (base === undefined) return undefined;
  return new TransferError('NOT_AN_IMAGE', `${folder}: volumes of ${printable(base, 80)}, but volume 1 is missing`, {
    side: 'source',
    hint: `Put ${printable(base, 80)}.001 beside the others.`,
  });
}

const isKit = async (folder: string): Promise<boolean> => isKitFolder(await readdir(folder).catch((): string[] => []));

function instead(folder: string, found: readonly string[], first: string): TransferError {
  const some = found.slice(0, 5).map((name) => printable(name, 80));
  const list = `${some.join(', ')}${found.length > 5 ? ', …' : ''}`;
  return new TransferError('NOT_AN_IMAGE', `${folder}: it is no image itself, but holds ${list}`, {
    side: 'source',
    hint: found.length === 1 ? `Name that: ${join(folder, first)}` : `Name one of them: ${join(folder, first)}`,
  });
}
