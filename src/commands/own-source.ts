import { type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { TransferError } from '../primitives/errors.js';

/**
 * A file that takes the place of its own source would lose what was not asked for. A folder is added to.
 * @throws TransferError USAGE
 */
export async function checkIsNoSource(output: string, sources: readonly string[]): Promise<void> {
  const file = await fileAt(output);
  if (file === undefined) return;
  for (const word of sources) {
    const source = await fileAt(word.replace(/^file:/, ''));
    if (source?.ino !== file.ino || source.dev !== file.dev) continue;
    throw new TransferError('USAGE', `${output}: the output is a source as well`, {
      hint: 'Write to another file.',
    });
  }
}

async function fileAt(path: string): Promise<Stats | undefined> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() === true ? stats : undefined;
}
