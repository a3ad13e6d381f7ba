import { fingerprintOf } from '../model/fingerprint.js';
import { type Digest } from '../primitives/digest.js';
import { isTransferError, TransferError } from '../primitives/errors.js';
import { printable } from '../primitives/printable.js';
import { type Context, type VerifyOptions } from './options.js';
import { type Reading, toFault } from './read.js';
import { type Fault, type VerifyResult } from './results.js';
import { parseLocation } from './words.js';

/** What was found out about who a source comes from. */
export interface Origin {
  readonly signed: NonNullable<VerifyResult['signed']>;
  readonly faults: readonly Fault[];
}

/** Who signed a source, where that is asked. That nobody did who may is a fault like others. */
export async function originOf(
  word: string,
  { facts, labels: [source = word] }: Reading,
  { allowedSigners }: VerifyOptions,
  context: Context,
): Promise<Origin> {
  if (allowedSigners === undefined) return { signed: [], faults: [] };
  const location = parseLocation(word);
  if (location.kind !== 'path') {
    throw new TransferError('USAGE', `${printable(word)}: only files and folders are signed`, {
      hint: 'Leave --allowed-signers out, or name the bundle, its first volume or the folder of its kit.',
    });
  }
  const { checkOrigin } = await import('./signing.js');
  try {
    const { principals, keyFingerprint, statement, faults } = await checkOrigin(location.path, allowedSigners, context);
    const found = facts?.lists;
    const isOther = statement !== undefined && found !== undefined && statement.lists !== found;
    const all = isOther ? [...faults, otherBundle(source, statement.lists, found)] : faults;
    return {
      signed: all.length === 0 ? [{ source, principals, keyFingerprint }] : [],
      faults: all.map((error) => toFault(error, [])),
    };
  } catch (error) {
    if (!isTransferError(error)) throw error;
    return { signed: [], faults: [toFault(error, [])] };
  }
}

const otherBundle = (source: string, signed: Digest, found: Digest): TransferError =>
  new TransferError(
    'SIGNATURE',
    `${source}: another bundle than the one that was signed: expected fingerprint ${fingerprintOf(signed)}, found ${fingerprintOf(found)}`,
    { side: 'source', hint: 'Get the bundle and its signature again, together.' },
  );
