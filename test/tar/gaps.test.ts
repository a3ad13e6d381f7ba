import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { bytesOf } from '../../src/primitives/bytes.js';
import { spool } from '../../src/primitives/spool.js';
import { withGaps } from '../../src/tar/gaps.js';
import { indexTar } from '../../src/tar/index-tar.js';
import { endOfArchive, fileHeader, padding } from '../../src/tar/write.js';
import { dribble } from '../helpers/dribble.js';

const members: readonly (readonly [string, number])[] = [
  ['blobs/sha256/aa', 10_000],
  ['blobs/sha256/bb', 512],
  ['empty', 0],
  ['blobs/sha256/cc', 3],
  [`${'long/'.repeat(40)}name`, 700],
  ['manifest.json', 20],
];

const contentOf = (name: string, size: number): Buffer =>
  Buffer.alloc(size, createHash('sha256').update(name).digest());

async function tarOf(): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const [name, size] of members) parts.push(await fileHeader(name, size), contentOf(name, size), padding(size));
  return Buffer.concat([...parts, endOfArchive]);
}

describe('members that are dropped', () => {
  test.each([1, 7, 512, 5_000, 1_000_000])('leave everything else in its place (pieces of %i bytes)', async (size) => {
    const tar = await tarOf();
    const dropped = new Set(['blobs/sha256/aa', 'blobs/sha256/cc']);
    const seen: string[] = [];
    const pieces = withGaps(dribble(tar, size), (name) => {
      seen.push(name);
      return dropped.has(name);
    });
    const access = await spool(pieces, 'a tar');
    expect(access.size).toBe(tar.length);
    const { entries } = await indexTar(access);
    expect(entries.map(({ name, size: bytes }) => [name, bytes])).toEqual(members);
    expect(seen).toEqual(members.map(([name]) => name));
    for (const { name, offset, size: bytes } of entries) {
      const expected = dropped.has(name) ? Buffer.alloc(bytes) : contentOf(name, bytes);
      expect(await access.read(offset, bytes)).toEqual(expected);
    }
  });

  test('take no room', async () => {
    let kept = 0;
    for await (const piece of withGaps(bytesOf(await tarOf()), (name) => name.startsWith('blobs/')))
      if (piece instanceof Uint8Array) kept += piece.byteLength;
    expect(kept).toBeLessThan((await tarOf()).length - 10_000);
  });

  test('what is no tar passes unchanged', async () => {
    const noise = Buffer.alloc(5000, 'noise');
    const pieces: Uint8Array[] = [];
    for await (const piece of withGaps(bytesOf(noise), () => true)) if (piece instanceof Uint8Array) pieces.push(piece);
    expect(Buffer.concat(pieces)).toEqual(noise);
  });
});
