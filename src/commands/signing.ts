import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { isKitFolder, isOfMacOs, kitNames } from '../formats/kit/names.js';
import { type AllowedSigners, parseAllowedSigners } from '../formats/signature/allowed-signers.js';
import { checkSignature, type SignedBy } from '../formats/signature/check.js';
import { parseChecksums } from '../formats/signature/checksum-list.js';
import { parseStatement, type Statement } from '../formats/signature/statement.js';
import { parseVolumeName } from '../formats/volumes/names.js';
import { type ByteStream, measure, readAll } from '../primitives/bytes.js';
import { type Digest, digestOf } from '../primitives/digest.js';
import { exitStatusOf, ioError, isTransferError, systemCodeOf, TransferError } from '../primitives/errors.js';
import { limits } from '../primitives/limits.js';
import { printable } from '../primitives/printable.js';
import { type Signer } from '../transports/ssh/signer.js';
import { type Context } from './options.js';

const { checksums: SUMS, signature: SIGNATURE, statement: STATEMENT } = kitNames;
/** What that runs or reads. */
const scripted: readonly string[] = [kitNames.script, kitNames.images, kitNames.parts];

/** What was found when files were compared with their checksums. */
export interface Comparison {
  /** Undefined where `faults` say why. */
  readonly statement: Statement | undefined;
  /** Names of the files that are right. */
  readonly files: readonly string[];
  readonly faults: readonly TransferError[];
}

/** Who signed a bundle, and whether its files are what they signed. */
export interface Origin extends SignedBy, Comparison {}

/** The signature of checksums: to be written beside them. `prefix`: `` in a kit, `release.tar.zst-` beside a bundle. */
export async function signFiles(
  { prefix, sums }: { readonly prefix: string; readonly sums: string },
  signer: Signer,
): Promise<{ readonly name: string; readonly text: string }> {
  return { name: `${prefix}${SIGNATURE}`, text: await signer.sign(Buffer.from(sums)) };
}

/**
 * The keys that a file lists.
 * @throws TransferError NOT_FOUND, IO; USAGE for what is no such list: whoever named it has to mend it
 */
export async function readAllowedSigners(file: string): Promise<AllowedSigners> {
  const where = printable(file, 500);
  try {
    const bytes = await orFault(readAll(createReadStream(file), limits.signersBytes, where), file);
    return parseAllowedSigners(bytes.toString('utf8'), where);
  } catch (error) {
    if (!isTransferError(error) || exitStatusOf[error.code] !== 3) throw error;
    const hint = 'Name a file of allowed signers: docs/signing.md and ssh-keygen(1) describe it.';
    throw new TransferError('USAGE', error.message, { hint, cause: error });
  }
}

/**
 * Whether a bundle, its volumes or a kit are as somebody signed them who is allowed to: first the signature of the
 * checksums, then every file that they name. Nothing is believed that is not signed; what the bundle holds is for the
 * caller to compare with `statement`.
 * @param word path of the bundle, of one of its volumes, or of the folder of a kit
 * @throws TransferError SIGNATURE when there is no signature that counts; BAD_ARCHIVE, LIMIT, NOT_FOUND, IO, USAGE
 */
export async function checkOrigin(word: string, allowedSigners: AllowedSigners, context: Context): Promise<Origin> {
  const place = await findSigned(word);
  const sumsPath = place.inFolder(SUMS);
  const where = `${sumsPath}.sig`;
  const signature = (await sideFile(place, where, limits.signatureBytes)).toString('latin1');
  const message = await sideFile(place, sumsPath, limits.sumsBytes);
  const signedBy = checkSignature({ message, signature, allowedSigners, now: new Date(), where });
  return { ...signedBy, ...(await compare(place, message, context)) };
}

/**
 * Whether the files of a kit are as they were written, whoever wrote them: what `load.sh` looks at.
 * @param word path; undefined is returned when it is not the folder of a kit
 * @throws TransferError BAD_ARCHIVE, LIMIT, IO
 */
export async function checkKit(word: string, context: Context): Promise<Comparison | undefined> {
  const names = await readdir(word).catch((): string[] => []);
  if (!isKitFolder(names)) return undefined;
  const inFolder = (name: string): string => path.join(word, name);
  const place: Place = { folder: word, prefix: '', bundle: undefined, isSigned: false, inFolder };
  return compare(place, await sideFile(place, inFolder(SUMS), limits.sumsBytes), context);
}

/** `message`: the text of the checksums. */
async function compare(place: Place, message: Buffer, context: Context): Promise<Comparison> {
  const sums = parseChecksums(message.toString('utf8'), place.inFolder(SUMS));
  const faults: TransferError[] = [];
  const files = await compareFiles(place, sums, faults, context);
  const statement = await settled(faults, () => statementIn(place, sums, files));
  faults.push(...(await gapsIn(place, statement?.bundle ?? place.bundle, sums)));
  return { statement, files, faults };
}

interface Place {
  readonly folder: string;
  readonly prefix: string;
  /** File name of the bundle, where the user named it. */
  readonly bundle: string | undefined;
  /** Whether somebody answers for the checksums. */
  readonly isSigned: boolean;
  readonly inFolder: (name: string) => string;
}

/** Where the side files lie. @throws TransferError SIGNATURE when there are none */
async function findSigned(word: string): Promise<Place> {
  const isFolder = (await orFault(stat(word), word)).isDirectory();
  const folder = isFolder ? word : path.dirname(word);
  const names = new Set(await orFault(readdir(folder), folder));
  const file = path.basename(word);
  const parsed = parseVolumeName(file);
  const named = parsed?.kind === 'volume' ? parsed.base : file;
  const bundle = isFolder ? undefined : named;
  const endings = [...names]
    .filter((name) => name.endsWith(`-${SIGNATURE}`) && !isOfMacOs(name))
    .map((name) => name.slice(0, -SIGNATURE.length));
  const wanted = bundle === undefined ? endings : [`${bundle}-`];
  const prefixes = ['', ...wanted].filter((prefix) => names.has(`${prefix}${SIGNATURE}`));
  const prefix = prefixes.at(-1);
  if (prefix === undefined) {
    const expected = path.join(folder, `${bundle === undefined ? '' : `${bundle}-`}${SIGNATURE}`);
    throw new TransferError('SIGNATURE', `${printable(word, 500)}: unsigned: there is no ${printable(expected, 500)}`, {
      hint: 'Get the signature from whoever sent the bundle; ferry pack --sign KEY writes it.',
      side: 'source',
    });
  }
  if (isFolder && prefixes.length > 1) {
    throw new TransferError('USAGE', `${printable(word, 500)}: several signatures are in it`, {
      hint: 'Name the bundle, or its first volume, instead of the folder.',
    });
  }
  return { folder, prefix, bundle, isSigned: true, inFolder: (name) => path.join(folder, `${prefix}${name}`) };
}

/** Undefined: it is one of the files that `compareFiles` has told of. @throws TransferError SIGNATURE, BAD_ARCHIVE, LIMIT */
async function statementIn(
  place: Place,
  sums: ReadonlyMap<string, Digest>,
  right: readonly string[],
): Promise<Statement | undefined> {
  const where = place.inFolder(STATEMENT);
  const name = path.basename(where);
  const expected = sums.get(name);
  if (expected === undefined) throw notSigned(place, `does not name ${name}`);
  if (!right.includes(name)) return undefined;
  const bytes = await sideFile(place, where, limits.listBytes);
  const found = digestOf(bytes);
  if (found !== expected) throw changed(place, where, expected, found);
  const statement = parseStatement(bytes, where);
  if (place.bundle === undefined || statement.bundle === place.bundle) return statement;
  throw new TransferError(
    'SIGNATURE',
    `${where}: it is about ${printable(statement.bundle)}, expected ${printable(place.bundle)}`,
    { hint: 'Give the bundle its own name back, or get its own side files.', side: 'source' },
  );
}

/** What lies there to be read or run, or should, and is not among the checksums. */
async function gapsIn(
  place: Place,
  bundle: string | undefined,
  sums: ReadonlyMap<string, Digest>,
): Promise<readonly TransferError[]> {
  const names = await orFault(readdir(place.folder), place.folder);
  const isKit = place.prefix === '' && names.includes(kitNames.script);
  const isData = (name: string): boolean => {
    const volume = parseVolumeName(name);
    return name === bundle || (volume?.kind === 'volume' && volume.base === bundle);
  };
  const isUsed = (name: string): boolean =>
    isData(name) ||
    (bundle !== undefined && parseVolumeName(name)?.base === bundle) ||
    (isKit && scripted.includes(name));
  const gaps = new Set(names.filter((name) => isUsed(name) && !sums.has(name)));
  if (bundle !== undefined && ![...sums.keys(), ...gaps].some(isData)) gaps.add(bundle);
  if (isKit && !sums.has(kitNames.images)) gaps.add(kitNames.images);
  return [...gaps].map((name) => notSigned(place, `does not name ${printable(name)}`));
}

/** Reads each file that is named. Returns the names of those that are right; the rest become faults. */
async function compareFiles(
  place: Place,
  sums: ReadonlyMap<string, Digest>,
  faults: TransferError[],
  { emit, signal }: Context,
): Promise<readonly string[]> {
  const { folder, isSigned } = place;
  const found = new Map<string, number>();
  for (const name of sums.keys()) {
    const file = path.join(folder, name);
    const size = await settled(faults, () => sizeWithin(place, file));
    if (size !== undefined) found.set(name, size);
  }
  const right: string[] = [];
  const what = isSigned ? 'checking signed files' : 'checking the files of the kit';
  emit({ type: 'start', what, bytes: [...found.values()].reduce((a, b) => a + b, 0) });
  for (const [name, expected] of sums) {
    if (!found.has(name)) continue;
    const file = path.join(folder, name);
    const reading = async (): Promise<Digest> => (await orFault(measure(counted(file, emit, signal)), file)).digest;
    const digest = await settled(faults, reading);
    signal.throwIfAborted();
    if (digest === expected) right.push(name);
    else if (digest !== undefined) faults.push(changed(place, file, expected, digest));
  }
  emit({ type: 'end' });
  return right;
}

/** Ends when the signal is aborted, for the caller to see. */
async function* counted(file: string, emit: Context['emit'], signal: AbortSignal): ByteStream {
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
    if (signal.aborted) return;
    emit({ type: 'bytes', bytes: (chunk as Uint8Array).byteLength });
    yield chunk as Uint8Array;
  }
}

/** @throws TransferError SIGNATURE, in a kit BAD_ARCHIVE, when it is no file of this folder; IO */
async function sizeWithin({ folder, isSigned }: Place, file: string): Promise<number> {
  const code = isSigned ? 'SIGNATURE' : 'BAD_ARCHIVE';
  const home = await orFault(realpath(folder), folder);
  const real = await realpath(file).catch((error: unknown) => {
    if (systemCodeOf(error) !== 'ENOENT') throw ioError(error, printable(file, 500), 'source');
    const which = isSigned ? 'though it was signed with the rest' : 'though the kit was written with it';
    throw new TransferError(code, `${printable(file, 500)}: missing, ${which}`, {
      hint: 'Copy it again from where it came from.',
      side: 'source',
    });
  });
  const stats = await orFault(stat(real), file);
  if (stats.isFile() && path.dirname(real) === home) return stats.size;
  const why = stats.isFile() ? 'a link that leads out of its folder' : 'no file';
  throw new TransferError(code, `${printable(file, 500)}: ${why}; expected the file that was ${written(isSigned)}`, {
    hint: 'Copy the whole folder again from where it came from.',
    side: 'source',
  });
}

const written = (isSigned: boolean): string => (isSigned ? 'signed' : 'written');

async function sideFile(place: Place, file: string, max: number): Promise<Buffer> {
  await sizeWithin(place, file);
  return orFault(readAll(createReadStream(file), max, file), file);
}

const orFault = <T>(work: Promise<T>, what: string): Promise<T> =>
  work.catch((error: unknown) => {
    throw ioError(error, printable(what, 500), 'source');
  });

/** Undefined: it failed, and `faults` say how. */
async function settled<T>(faults: TransferError[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!isTransferError(error)) throw error;
    faults.push(error);
    return undefined;
  }
}

function changed({ isSigned }: Place, file: string, expected: Digest, found: Digest): TransferError {
  return new TransferError(
    isSigned ? 'SIGNATURE' : 'BAD_ARCHIVE',
    `${printable(file, 500)}: not the file that was ${written(isSigned)}: expected ${expected}, found ${found}`,
    { hint: 'It was damaged or replaced on its way: copy it again from where it came from.', side: 'source' },
  );
}

function notSigned({ isSigned, inFolder }: Place, why: string): TransferError {
  const sums = printable(inFolder(SUMS), 500);
  if (!isSigned) {
    return new TransferError('BAD_ARCHIVE', `${sums}: it ${why}, so the kit is not whole`, {
      hint: 'Copy the whole folder again from where it came from.',
      side: 'source',
    });
  }
  return new TransferError('SIGNATURE', `${sums}: what is signed ${why}`, {
    hint: 'It was added, or signed with something else: use only what came in one piece from the signer.',
    side: 'source',
  });
}
