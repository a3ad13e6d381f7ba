import { type AllowedSigners } from '../formats/signature/allowed-signers.js';
import { fingerprintOf } from '../model/fingerprint.js';
import { isTransferError, TransferError } from '../primitives/errors.js';
import { printable } from '../primitives/printable.js';
import { type Context, type VerifyOptions } from './options.js';
import { type Reading, toFault } from './read.js';
import { type Fault, type VerifyResult } from './results.js';
import { type Comparison } from './signing.js';
import { parseLocation } from './words.js';

/** What was found out about who a source comes from, and what came with it. */
export interface Origin {
  readonly signed: NonNullable<VerifyResult['signed']>;
  readonly faults: readonly Fault[];
}

/** @throws TransferError NOT_FOUND, IO, USAGE: it is the call that is wrong, whatever the sources are */
export async function signersOf({ allowedSigners }: VerifyOptions): Promise<AllowedSigners | undefined> {
  if (allowedSigners === undefined) return undefined;
  const { readAllowedSigners } = await import('./signing.js');
  return readAllowedSigners(allowedSigners);
}

/**
 * Who signed a source, where that is asked; else whether a kit is whole. That nobody did who may is a fault like others.
 */
export async function originOf(
  word: string,
  reading: Reading,
  signers: AllowedSigners | undefined,
  context: Context,
): Promise<Origin> {
  const location = parseLocation(word);
  if (location.kind !== 'path') {
    if (signers === undefined) return { signed: [], faults: [] };
    throw new TransferError('USAGE', `${printable(word)}: only files and folders are signed`, {
      hint: 'Leave --allowed-signers out, or name the bundle, its first volume or the folder of its kit.',
    });
  }
  const { checkKit, checkOrigin } = await import('./signing.js');
  const [source = word] = reading.labels;
  try {
    if (signers === undefined) {
      const kit = await checkKit(location.path, context);
      return { signed: [], faults: faultsIn(kit, source, reading, 'BAD_ARCHIVE') };
    }
    const origin = await checkOrigin(location.path, signers, context);
    const { principals, keyFingerprint } = origin;
    const faults = faultsIn(origin, source, reading, 'SIGNATURE');
    return { signed: faults.length === 0 ? [{ source, principals, keyFingerprint }] : [], faults };
  } catch (error) {
    if (!isTransferError(error)) throw error;
    return { signed: [], faults: [toFault(error, [])] };
  }
}

/** What is wrong with the files, and with what the bundle among them holds. */
function faultsIn(
  { statement, faults }: Partial<Comparison> = {},
  source: string,
  { facts }: Reading,
  code: 'SIGNATURE' | 'BAD_ARCHIVE',
): readonly Fault[] {
  const found = facts?.lists;
  const all = [...(faults ?? [])];
  if (statement !== undefined && found !== undefined && statement.lists !== found) {
    const expected = code === 'SIGNATURE' ? 'the one that was signed' : 'the one that was packed into this kit';
    const groups = `expected fingerprint ${fingerprintOf(statement.lists)}, found ${fingerprintOf(found)}`;
    const hint = 'Get the bundle again, with all the files that came with it.';
    all.push(
      new TransferError(code, `${source}: another bundle than ${expected}: ${groups}`, { side: 'source', hint }),
    );
  }
  return all.map((error) => toFault(error, []));
}
