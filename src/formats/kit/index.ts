import { readFile } from 'node:fs/promises';
import { digestOf } from '../../primitives/digest.js';
import { TransferError } from '../../primitives/errors.js';
import { whyNotPortable } from '../../primitives/drive/names.js';
import { checksumLines } from './checksums.js';
import { kitImages, type KitFacts } from './facts.js';
import { kitText, partsText } from './kit-text.js';
import { readmeText } from './readme.js';
import { bundleStatement } from './statement.js';

/** A small file of a kit, as it is written. */
export interface KitFile {
  readonly name: string;
  readonly text: string;
}

const CHECKSUMS = 'SHA256SUMS';
const own = ['load.sh', 'kit.txt', 'parts.txt', 'bundle.json', 'README.txt', CHECKSUMS, `${CHECKSUMS}.sig`];

/**
 * Everything in a kit besides the bundle, in the order in which it is to be written: the checksums, over all the others,
 * last. The same facts give the same files.
 */
export async function kitFiles(facts: KitFacts): Promise<readonly KitFile[]> {
  const files: readonly KitFile[] = [
    { name: 'load.sh', text: await loadScript() },
    { name: 'kit.txt', text: kitText(facts) },
    ...(hasParts(facts) ? [{ name: 'parts.txt', text: partsText(facts) }] : []),
    { name: 'bundle.json', text: bundleStatement(facts) },
    { name: 'README.txt', text: readmeText(facts) },
  ];
  const sums = files.map(({ name, text }) => ({ name, sha256: digestOf(text) }));
  return [...files, { name: CHECKSUMS, text: checksumLines([...facts.files, ...sums]) }];
}

/** One image needs no taking apart. */
const hasParts = (facts: KitFacts): boolean =>
  kitImages(facts).filter(({ manifests }) => manifests.length > 0).length > 1;

const loadScript = (): Promise<string> => readFile(new URL('./load.sh', import.meta.url), 'utf8');

/**
 * Whether a bundle may have this file name in a kit, which travels on drives of every kind and is read line by line.
 * @throws TransferError USAGE
 */
export function checkKitName(bundle: string): void {
  const taken = own.some((name) => name.toLowerCase() === bundle.toLowerCase());
  const reason =
    whyNotPortable(bundle) ??
    (/^[-\s]/.test(bundle) ? 'begins with a blank or a hyphen' : undefined) ??
    (taken ? 'is the name of a file that every kit has' : undefined);
  if (reason === undefined) return;
  throw new TransferError('USAGE', `${bundle}: this name ${reason}`, {
    side: 'sink',
    hint: 'Give the bundle another name, such as release.tar.zst.',
  });
}
