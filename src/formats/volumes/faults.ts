import { isTransferError, TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { inWords } from './names.js';

/** Whether media are changed. */
interface Media {
  readonly nextMedium?: unknown;
}

/** The options that go on with volumes. */
export const resumeWords = ({ nextMedium }: Media): string =>
  nextMedium === undefined ? '--resume' : '--pause --resume';

/** What to do about volumes that are whole when the others are not written. */
export function goingOn(whole: number, media: Media): string {
  const numbers = inWords(Array.from({ length: whole }, (_, i) => i + 1));
  const are = whole === 1 ? `Volume ${numbers} is` : `Volumes ${numbers} are`;
  return `${are} whole: the same call with ${resumeWords(media)} goes on from there.`;
}

/** What the device refuses need not lose what is written. */
export function withAdvice(error: unknown, number: number, media: Media): unknown {
  if (!isTransferError(error) || error.side !== 'sink' || number === 1) return error;
  const hint = `${error.hint ?? ''} ${goingOn(number - 1, media)}`.trim();
  return new TransferError(error.code, error.message, { side: error.side, hint, cause: error });
}

export function otherBytes(path: string): TransferError {
  return new TransferError('USAGE', `${path}: --resume: the volume of the earlier run has other bytes than this pack`, {
    side: 'sink',
    hint: 'Remove the volumes and their checksum files, and pack without --resume.',
  });
}

export function tooMany(volumeBytes: number): TransferError {
  const most = String(limits.volumes);
  return new TransferError(
    'USAGE',
    `--volume-size: the bundle takes more than ${most} volumes of ${String(volumeBytes)} bytes`,
    { side: 'sink', hint: `Remove those that were written, and choose a larger size: ${most} are the most.` },
  );
}
