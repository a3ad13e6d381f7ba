import { TransferError } from '../primitives/errors.js';
import { type ZstdCodec } from './zstd-codec.js';

/** @throws TransferError UNSUPPORTED_HERE, or USAGE for what no zstd has */
export function checkLevel(codec: Pick<ZstdCodec, 'name' | 'maxLevel'>, level: number): void {
  if (!Number.isInteger(level) || level < 1 || level > 22) {
    throw new TransferError('USAGE', `zstd level ${String(level)}: expected a whole number from 1 to 22`, {
      hint: 'Level 3 is the default.',
    });
  }
  if (level <= codec.maxLevel) return;
  throw new TransferError(
    'UNSUPPORTED_HERE',
    `zstd level ${String(level)}: ${codec.name} compresses with levels 1 to ${String(codec.maxLevel)}`,
    { hint: `Use Node.js 22.15 or later, or a level up to ${String(codec.maxLevel)}.` },
  );
}
