import { pack } from 'tar-stream';
import { BLOCK } from './header.js';

/** The largest size that twelve octal digits, one of them a NUL, can state. */
const LARGEST_OCTAL = 0o77777777777;

/**
 * The header of a regular file as ferry writes it: ustar, mode 0444, no time, no owner. A PAX record states sizes from
 * 8 GiB on. The encoding is tar-stream's.
 */
export async function fileHeader(name: string, size: number): Promise<Buffer> {
  const archive = pack();
  const pax = size > LARGEST_OCTAL ? { size: String(size) } : undefined;
  archive
    .entry({ name, size, mode: 0o444, mtime: new Date(0), uid: 0, gid: 0, ...(pax && { pax }) })
    .on('error', () => {
      // Destroying the archive below, before any content, is what ends this entry.
    });
  const blocks: Buffer[] = [];
  const wanted = pax === undefined ? BLOCK : 3 * BLOCK;
  let length = 0;
  for await (const block of archive) {
    blocks.push(block as Buffer);
    if ((length += (block as Buffer).length) >= wanted) break;
  }
  archive.destroy();
  return Buffer.concat(blocks);
}

/** The zeros after a content of `size` bytes. */
export function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** The two blocks of zeros that end an archive. */
export const endOfArchive = Buffer.alloc(2 * BLOCK);
