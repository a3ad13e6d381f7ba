import { TransferError } from '../../primitives/errors.js';
import { matchesList } from '../../primitives/patterns.js';
import { printable } from '../../primitives/printable.js';
import { type AllowedSigner, type AllowedSigners } from './allowed-signers.js';
import { fitsMessage, NAMESPACE, parseSignature, type Signature } from './sshsig.js';

export interface SignatureCheck {
  /** The bytes of the signed file. */
  readonly message: Uint8Array;
  /** Armoured. */
  readonly signature: string;
  readonly allowedSigners: AllowedSigners;
  /** Keys must be valid now: a signature says nothing of its own time that could be trusted. */
  readonly now: Date;
  /** What messages call the signature. */
  readonly where: string;
}

export interface SignedBy {
  /** As the list has them: patterns, with commas between them. */
  readonly principals: string;
  readonly keyType: string;
  /** `SHA256:...`, as `ssh-keygen -l` shows it. */
  readonly keyFingerprint: string;
  readonly validUntil?: Date;
}

/**
 * Judges in the order of `ssh-keygen -Y verify`: what the signature is for, whether it fits, whether the key is allowed.
 * @throws TransferError SIGNATURE; BAD_ARCHIVE, LIMIT for what is no signature
 */
export function checkSignature({ message, signature, allowedSigners, now, where }: SignatureCheck): SignedBy {
  const parsed = parseSignature(signature, where);
  if (parsed.namespace !== NAMESPACE) {
    throw new TransferError(
      'SIGNATURE',
      `${where}: signed for "${printable(parsed.namespace, 60)}", expected "${NAMESPACE}"`,
      { hint: `Have it signed for this purpose: ferry pack --sign, or ssh-keygen -Y sign -n ${NAMESPACE}.` },
    );
  }
  if (!fitsMessage(parsed, message, where)) {
    throw new TransferError(
      'SIGNATURE',
      `${where}: the signature does not fit: the signed file has changed since, or this is the signature of another one`,
      { hint: 'Do not use it; get the files again from whoever signed them.' },
    );
  }
  const signer = chooseSigner(parsed, allowedSigners, now, where);
  return {
    principals: signer.principals,
    keyType: parsed.key.type,
    keyFingerprint: parsed.key.fingerprint,
    ...(signer.validBefore === undefined ? {} : { validUntil: signer.validBefore }),
  };
}

/** A key may have several lines: one that allows is enough. @throws TransferError SIGNATURE */
function chooseSigner({ key }: Signature, list: AllowedSigners, now: Date, where: string): AllowedSigner {
  const lines = list.signers.filter((signer) => !signer.isAuthority && signer.key.blob.equals(key.blob));
  const good = lines.find((signer) => objectionTo(signer, now) === undefined);
  if (good !== undefined) return good;
  const who = `signed with the ${key.type} key ${key.fingerprint}`;
  const [line] = lines;
  if (line === undefined) {
    const authorities = list.signers.some(({ isAuthority }) => isAuthority)
      ? ' Its lines with cert-authority are for certificates, which are not supported.'
      : '';
    throw new TransferError('SIGNATURE', `${where}: ${who}, which is not in ${list.where}`, {
      hint: `Compare the fingerprint with that of whoever should have signed, by phone; ssh-keygen -lf shows it.${authorities}`,
    });
  }
  const { why = '', hint } = objectionTo(line, now) ?? {};
  const named = `of ${printable(line.principals)} (${list.where}, line ${String(line.line)})`;
  throw new TransferError('SIGNATURE', `${where}: ${who} ${named}, ${why}`, { hint });
}

/** Why a line does not allow its key, now and for us. Times count in whole seconds, and both ends are within. */
function objectionTo(
  { namespaces, validAfter, validBefore }: AllowedSigner,
  now: Date,
): { readonly why: string; readonly hint: string } | undefined {
  const second = Math.floor(now.getTime() / 1000) * 1000;
  if (namespaces !== undefined && !matchesList(namespaces, NAMESPACE)) {
    return {
      why: `which is allowed for ${printable(namespaces.join(', '))} only`,
      hint: `If that key may sign images, add ${NAMESPACE} to the namespaces of this line.`,
    };
  }
  if (validAfter !== undefined && second < validAfter.getTime()) {
    return {
      why: `which is not valid before ${shown(validAfter)}; here it is ${shown(now)}`,
      hint: "Check this machine's clock, and the date in that line.",
    };
  }
  if (validBefore !== undefined && second > validBefore.getTime()) {
    return {
      why: `which has expired: it was valid until ${shown(validBefore)}; here it is ${shown(now)}`,
      hint: "Have it signed again with a key that is valid, or check this machine's clock.",
    };
  }
  return undefined;
}

const shown = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, 'Z');
