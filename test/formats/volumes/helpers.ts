import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type VolumeFacts, type VolumeMaker, parseFacts } from '../../../src/formats/volumes/checksum-file.js';
import { findVolumes } from '../../../src/formats/volumes/find.js';
import { openVolumes, type VolumeSet } from '../../../src/formats/volumes/open.js';
import { type VolumeOptions, type WrittenFile, writeVolumes } from '../../../src/formats/volumes/write.js';
import { digestOf } from '../../../src/primitives/digest.js';
import { TransferError } from '../../../src/primitives/errors.js';
import { testContext } from '../../helpers/context.js';
import { dribble } from '../../helpers/dribble.js';

export const maker: VolumeMaker = {
  bundle: digestOf('the lists'),
  ferry: '0.4.0',
  codec: 'zstd 1.5.6',
  level: 3,
  format: 'tar.zst',
};

/** Writes volumes of `bytes`, which come in chunks of `chunk`. */
export function split(
  target: string,
  bytes: Uint8Array,
  volumeBytes: number,
  options: Partial<VolumeOptions> & { chunk?: number } = {},
): Promise<readonly WrittenFile[]> {
  const { emit, signal } = testContext();
  const { chunk = 64, ...others } = options;
  return writeVolumes(target, dribble(bytes, chunk), {
    volumeBytes,
    made: maker,
    resume: false,
    emit,
    signal,
    ...others,
  });
}

/** What `cat NAME.*` gives in a folder, in the order of a shell. */
export function cat(target: string): Buffer {
  const names = readdirSync(dirname(target)).filter((name) => name.startsWith(`${basename(target)}.`));
  return Buffer.concat(names.sort().map((name) => readFileSync(join(dirname(target), name))));
}

export async function openSet(path: string): Promise<VolumeSet> {
  const files = await findVolumes(path);
  if (files === undefined) throw new Error(`${path}: no volumes`);
  return openVolumes(files);
}

export const factsAt = (path: string): VolumeFacts => parseFacts(readFileSync(path), path);

/** Breaks off after so many bytes. */
export async function* until(bytes: Buffer, end: number): AsyncGenerator<Uint8Array> {
  yield* dribble(bytes.subarray(0, end), 64);
  throw new TransferError('IO', 'the source broke off');
}
