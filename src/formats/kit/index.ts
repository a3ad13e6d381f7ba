import { readFile } from 'node:fs/promises';
import { digestOf } from '../../primitives/digest.js';
import { TransferError } from '../../primitives/errors.js';
import { whyNotPortable } from '../../primitives/drive/names.js';
import { checksumName } from '../volumes/names.js';
import { checksumLines } from './checksums.js';
import { type KitFacts } from './facts.js';
import { kitText, partsText } from './kit-text.js';
import { kitNames } from './names.js';
import { hasParts } from './notes.js';
import { readmeText } from './readme.js';
import { bundleStatement } from './statement.js';

/** A small file of a kit, as it is written. */
export interface KitFile {
  readonly name: string;
  readonly text: string;
}

/**
 * Everything in a kit besides the bundle, in the order in which it is to be written: the checksums, over all the others,
 * last. The same facts give the same files.
 */
export async function kitFiles(facts: KitFacts): Promise<readonly KitFile[]> {
  const files: readonly KitFile[] = [
    { name: kitNames.script, text: await loadScript() },
    { name: kitNames.images, text: kitText(facts) },
    ...(hasParts(facts) ? [{ name: kitNames.parts, text: partsText(facts) }] : []),
    { name: kitNames.statement, text: bundleStatement(facts) },
    { name: kitNames.readme, text: readmeText(facts) },
  ];
  const sums = files.map(({ name, text }) => ({ name, sha256: digestOf(text) }));
  return [...files, { name: kitNames.checksums, text: checksumLines([...facts.files, ...sums]) }];
}

const loadScript = (): Promise<string> => readFile(new URL('./load.sh', import.meta.url), 'utf8');

/**
 * Whether a bundle may have this file name in a kit, which travels on drives of every kind and is read line by line.
 * @throws TransferError USAGE
 */
export function checkKitName(bundle: string): void {
  const taken = Object.values(kitNames).some((name) => name.toLowerCase() === bundle.toLowerCase());
  const reason =
    whyNotPortable(bundle) ??
    whyNotPortable(checksumName(bundle, 1)) ??
    (/^[-\s]/.test(bundle) ? 'begins with a blank or a hyphen' : undefined) ??
    (taken ? 'is the name of a file that every kit has' : undefined);
  if (reason === undefined) return;
  throw new TransferError('USAGE', `${bundle}: this name ${reason}`, {
    side: 'sink',
    hint: 'Give the bundle another name, such as release.tar.zst.',
  });
}
