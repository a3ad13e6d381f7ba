import { createHash } from 'node:crypto';
import { readSeekTable } from '../../codecs/seek-table.js';
import { sniffCompression } from '../../codecs/sniff.js';
import { digestOf } from '../../primitives/digest.js';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { fileDigest, type RandomAccess } from '../../primitives/random-access.js';
import { type AuditedAccess } from '../tree/tar-tree.js';
import { checkUnchanged, joined, type Volume } from './access.js';
import { type CheckedSet, checkSet } from './check.js';
import { HEAD_BYTES } from './checksum-file.js';
import { type VolumeFiles } from './find.js';
import { volumesIn } from './folder.js';
import { volumeName } from './names.js';

export interface VolumeSet extends AuditedAccess {
  /** Hashes every volume that has a checksum file, and tells which of them are damaged. */
  auditUntouched(): AsyncIterable<TransferError>;
  /** A fault that was met while it was opened as an archive, with the volume to blame where that can be found out. */
  blame(fault: unknown): Promise<unknown>;
}

/**
 * The volumes of a set as one file, in place. Sizes, checksum files and the first bytes of each volume are compared
 * before it returns; the rest of their bytes by the frames that are read, and by the audit.
 * @throws TransferError BAD_ARCHIVE for volumes that are missing, foreign, swapped or of a wrong size; IO
 */
export async function openVolumes(files: VolumeFiles, signal?: AbortSignal): Promise<VolumeSet> {
  const checked = checkSet(files, await volumesIn(files.folder, files.base));
  const { volumes, isEndKnown } = checked;
  const access = joined(files.label, volumes, signal);
  try {
    await checkHeads(access, volumes);
    if (!isEndKnown) await checkEnd(access, checked, files);
  } catch (error) {
    await access.close();
    throw error;
  }
  const audit = (): AsyncGenerator<TransferError> => damagedVolumes(volumes, signal);
  return { ...access, auditUntouched: audit, blame: (fault) => blame(fault, checked, files, signal) };
}

/** What begins as another volume should was swapped with it: this is found before much is read. */
async function checkHeads(access: RandomAccess, volumes: readonly Volume[]): Promise<void> {
  const problems: string[] = [];
  for (const { number, path, offset, size, facts } of volumes) {
    if (facts === undefined) continue;
    const head = digestOf(createHash('sha256').update(await access.read(offset, Math.min(HEAD_BYTES, size))));
    if (head === facts.head) continue;
    const other = volumes.find((one) => one.facts?.head === head);
    problems.push(
      other === undefined
        ? `volume ${String(number)} (${path}) does not begin as its checksum file says: it is foreign or damaged`
        : `volume ${String(number)} (${path}) begins as volume ${String(other.number)}: files were swapped or renamed`,
    );
  }
  if (problems.length === 0) return;
  throw new TransferError('BAD_ARCHIVE', `${access.label}: ${problems.join('; ')}`, {
    side: 'source',
    hint: 'Copy these volumes again, each under its own name.',
  });
}

/** Where no checksum file says which volume is the last, the seek table does: it is the end of a bundle. */
async function checkEnd(
  access: RandomAccess,
  { volumes, volumeBytes }: CheckedSet,
  { base }: VolumeFiles,
): Promise<void> {
  const last = volumes.at(-1);
  // A smaller one is the last, whatever it ends with.
  if (last?.size !== volumeBytes) return;
  if (sniffCompression(await access.read(0, Math.min(HEAD_BYTES, access.size))) !== 'zstd') return;
  if ((await readSeekTable(access)) !== undefined) return;
  throw new TransferError(
    'BAD_ARCHIVE',
    `${access.label}: the last volume is missing: ${last.path} does not end with the seek table of a bundle`,
    {
      side: 'source',
      hint: `Put the volumes from ${volumeName(base, last.number + 1)} on into the folder too; decompress a file of other make that is cut in pieces with zstd -d.`,
    },
  );
}

async function* damagedVolumes(volumes: readonly Volume[], signal?: AbortSignal): AsyncGenerator<TransferError> {
  for (const volume of volumes) {
    if (volume.facts === undefined) continue;
    try {
      const fault = await compareWithFacts(volume, volumes, signal);
      if (fault !== undefined) yield fault;
    } catch (error) {
      if (!isTransferError(error)) throw error;
      yield error;
    }
  }
}

async function compareWithFacts(
  volume: Volume,
  volumes: readonly Volume[],
  signal: AbortSignal | undefined,
): Promise<TransferError | undefined> {
  const { path, number, facts } = volume;
  await checkUnchanged(volume);
  const digest = await fileDigest(path, signal);
  if (digest === facts?.sha256) return undefined;
  await checkUnchanged(volume);
  const other = volumes.find((one) => one.facts?.sha256 === digest);
  const what = `volume ${String(number)} of ${String(volumes.length)} (${path})`;
  return new TransferError(
    'BAD_ARCHIVE',
    other === undefined
      ? `${what} is damaged: expected ${String(facts?.sha256)}, found ${digest}`
      : `${what} has the bytes of volume ${String(other.number)}: files were swapped or renamed`,
    { side: 'source', hint: 'Copy this volume again.' },
  );
}

/** A stream of gzip or the like breaks somewhere after what is damaged; its last bytes may lie in a volume that is missing. */
async function blame(
  fault: unknown,
  { volumes, isEndKnown }: CheckedSet,
  { base }: VolumeFiles,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (!isTransferError(fault) || (fault.code !== 'BAD_ARCHIVE' && fault.code !== 'NOT_AN_IMAGE')) return fault;
  // The fault of a frame names its volume.
  if (volumes.some(({ path }) => fault.message.startsWith(`${path} `))) return fault;
  for await (const damage of damagedVolumes(volumes, signal)) return damage;
  if (isEndKnown) return fault;
  const hint =
    `${fault.hint ?? ''} If there is a ${volumeName(base, volumes.length + 1)}, put it beside the others.`.trim();
  return new TransferError(fault.code, fault.message, { side: fault.side, hint, cause: fault });
}
