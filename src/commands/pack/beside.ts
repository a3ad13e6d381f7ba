import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type BundleFormat } from '../../formats/bundle/sink.js';
import { checksumLines } from '../../formats/kit/checksums.js';
import { type KitFacts } from '../../formats/kit/facts.js';
import { kitFiles } from '../../formats/kit/index.js';
import { kitNames } from '../../formats/kit/names.js';
import { kitNotes } from '../../formats/kit/notes.js';
import { bundleStatement } from '../../formats/kit/statement.js';
import { checksumName, parseVolumeName } from '../../formats/volumes/names.js';
import { type WrittenFile } from '../../formats/volumes/write.js';
import { type StoreKind } from '../../model/inventory.js';
import { type Plan } from '../../model/plan.js';
import { parsePlatform } from '../../model/platform.js';
import { type Receipt } from '../../model/receipt.js';
import { type Reliance } from '../../model/reliance.js';
import { type Digest, digestOf, hexOf } from '../../primitives/digest.js';
import { ioError, systemCodeOf, TransferError } from '../../primitives/errors.js';
import { fileDigest } from '../../primitives/random-access.js';
import { type Signer } from '../../transports/ssh/signer.js';
import { type PackOptions } from '../options.js';
import { signFiles } from '../signing.js';
import { type Target } from './target.js';
import { type Writer } from './writer.js';

/** What was packed. */
export interface Packed {
  readonly plan: Plan;
  readonly receipt: Receipt;
  readonly reliance: Reliance | undefined;
  /** The stores that will receive it, where they are known. */
  readonly receivers: readonly StoreKind[];
}

/** A bundle that was written, and what is known of where it is. */
export interface Written {
  readonly options: PackOptions;
  readonly format: BundleFormat;
  readonly target: Target;
  readonly writer: Writer;
  readonly signer: Signer | undefined;
  readonly signal: AbortSignal;
}

/**
 * Writes what belongs beside a bundle: the other files of a kit, or of one that is signed its statement and checksums;
 * the signature last.
 * @returns what the site of a kit needs
 */
export async function writeBeside(written: Written, packed: Packed): Promise<readonly string[]> {
  const { options, target, writer, signer } = written;
  const isKit = options.kit === true;
  if (!isKit && signer === undefined) return removeStale(written);
  const facts = await factsOf(written, packed);
  const own = isKit ? '' : `${target.name}-`;
  const files = isKit ? await kitFiles(facts) : signedFiles(facts, own);
  for (const { name, text } of files) await writer.small(name, text);
  const sums = files.find(({ name }) => name === `${own}${kitNames.checksums}`);
  if (signer !== undefined && sums !== undefined) {
    const { name, text } = await signFiles({ prefix: own, sums: sums.text }, signer);
    await writer.small(name, text);
  }
  return isKit ? [...kitNotes(facts, packed.receivers), ...mediaNotes(written)] : [];
}

/** Where the script of a kit is, that several media have. */
function mediaNotes({ options, writer }: Written): readonly string[] {
  const volumes = writer.files.filter(({ name }) => parseVolumeName(name)?.kind === 'volume').length;
  if (options.pause !== true || volumes < 2) return [];
  return [
    `load.sh and SHA256SUMS are on the last medium, with volume ${String(volumes)}: at the site, copy the files of all media into one folder first`,
  ];
}

/**
 * Removes what was written beside a bundle that was signed, when another one that is not has taken its place: it would
 * speak of a bundle that is no more. Files that still have what was signed keep it.
 */
async function removeStale({ target, writer, signal }: Written): Promise<readonly string[]> {
  const { folder, name } = target;
  const sums = join(folder, `${name}-${kitNames.checksums}`);
  const text = await readFile(sums, 'utf8').catch(() => '');
  const signed = new Map(text.split('\n').map((line) => [line.slice(66), line.slice(0, 64)]));
  const files: readonly { name: string; sha256?: Digest }[] = writer.files.length > 0 ? writer.files : [{ name }];
  const isStale = async (file: { name: string; sha256?: Digest }): Promise<boolean> =>
    signed.has(file.name) &&
    signed.get(file.name) !== hexOf(file.sha256 ?? (await fileDigest(join(folder, file.name), signal)));
  let stale = false;
  for (const file of files) stale ||= await isStale(file);
  if (!stale) return [];
  const { signature, statement, checksums } = kitNames;
  const own = [signature, statement, checksums].map((file) => `${name}-${file}`);
  const removed: string[] = [];
  for (const file of own) {
    const path = join(folder, file);
    await unlink(path).then(
      () => removed.push(file),
      (error: unknown) => {
        if (systemCodeOf(error) !== 'ENOENT') throw ioError(error, path, 'sink');
      },
    );
  }
  return [`removed ${removed.join(', ')}: of the signed bundle that was there before`];
}

function signedFiles(facts: KitFacts, own: string): readonly { readonly name: string; readonly text: string }[] {
  const statement = { name: `${own}${kitNames.statement}`, text: bundleStatement(facts) };
  const sums = [...facts.files, { name: statement.name, sha256: digestOf(statement.text) }];
  return [statement, { name: `${own}${kitNames.checksums}`, text: checksumLines(sums) }];
}

async function factsOf({ options, format, target, writer }: Written, packed: Packed): Promise<KitFacts> {
  const { plan, receipt, reliance } = packed;
  const { lists, tarDigest } = receipt;
  if (lists === undefined || tarDigest === undefined) throw new TransferError('INTERNAL', 'a bundle without digests');
  const checksums: WrittenFile[] = [];
  for (const at of options.volumeBytes === undefined ? [] : writer.files.keys()) {
    const name = checksumName(target.name, at + 1);
    const bytes = await readFile(join(target.folder, name));
    checksums.push({ name, size: bytes.length, sha256: digestOf(bytes) });
  }
  return {
    bundle: target.name,
    format,
    files: [...writer.files, ...checksums],
    images: plan.images,
    platforms: (options.platforms ?? []).map(parsePlatform),
    reliance,
    lists,
    tarDigest,
  };
}
