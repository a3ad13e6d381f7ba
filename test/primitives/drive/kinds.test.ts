import { describe, expect, test } from '@jest/globals';
import { kindOfBootSector, kindOfMagic, kindOfType, kinds, remedyFor } from '../../../src/primitives/drive/kinds.js';

const KiB = 1024;
const GiB = KiB ** 3;
const TiB = KiB ** 4;

describe('the largest file of a file system', () => {
  test.each([
    ['fat', 512, 4_294_967_295],
    ['fat', 32 * KiB, 4_294_967_295],
    ['iso9660', 2 * KiB, 4_294_967_295],
    ['hfs', 4 * KiB, 2 * GiB - 1],
    ['ntfs', 4 * KiB, 16 * TiB - 4 * KiB],
    ['ntfs', 64 * KiB, 256 * TiB - 64 * KiB],
    ['ext2', 1 * KiB, 17_247_252_480],
    ['ext2', 2 * KiB, 275_415_851_008],
    ['ext3', 4 * KiB, 2 * TiB],
    ['ext4', 1 * KiB, 4 * TiB],
    ['ext4', 4 * KiB, 16 * TiB],
    ['ext4', 64 * KiB, 256 * TiB],
  ] as const)('%s with blocks of %i: %i bytes', (kind, block, bytes) => {
    expect(kinds[kind].largest?.(block)).toBe(bytes);
  });

  test.each([
    ['exfat'],
    ['xfs'],
    ['btrfs'],
    ['f2fs'],
    ['udf'],
    ['hfsplus'],
    ['zfs'],
    ['tmpfs'],
    ['overlay'],
    ['9p'],
    ['virtiofs'],
    ['nfs'],
    ['smb'],
    ['fuse'],
  ] as const)('%s: none that a bundle meets, or none that is known', (kind) => {
    expect(kinds[kind].largest).toBeUndefined();
  });

  test('what to do about it', () => {
    expect(remedyFor(2 ** 32 - 1)).toContain('--volume-size fat32');
    expect(remedyFor(4 * TiB)).not.toContain('fat32');
  });
});

test.each([
  [0x4d44, 'fat'],
  [0x2011_bab0, 'exfat'],
  [0x7366_746e, 'ntfs'],
  [0xef53, 'ext4'],
  [0x9123_683e, 'btrfs'],
  [0x9123_683e | 0, 'btrfs'], // as a signed number of 32 bits
  [0x6573_5546, 'fuse'],
  [0x1a, undefined], // macOS counts its file systems
  [0, undefined], // Windows
])('statfs says %i: %s', (magic, kind) => {
  expect(kindOfMagic(magic)).toBe(kind);
});

test.each([
  ['vfat', 'fat'],
  ['fuse.fusefat', 'fat'],
  ['exfat', 'exfat'],
  ['fuseblk.exfat', 'exfat'],
  ['fuse.exfat-fuse', 'exfat'],
  ['ntfs', 'ntfs'],
  ['ntfs3', 'ntfs'],
  ['fuse.ntfs-3g', 'ntfs'],
  ['fuse.lowntfs-3g', 'ntfs'],
  ['ext2', 'ext2'],
  ['ext3', 'ext3'],
  ['virtiofs', 'virtiofs'],
  ['fuseblk', undefined],
  ['fuse.sshfs', undefined],
])('a mount table says %s: %s', (type, kind) => {
  expect(kindOfType(type)).toBe(kind);
});

test.each([
  [3, 'EXFAT   ', 'exfat'],
  [3, 'NTFS    ', 'ntfs'],
  [82, 'FAT32   ', 'fat'],
  [54, 'FAT16   ', 'fat'],
  [54, 'FAT12   ', 'fat'],
  [82, 'FAT     ', undefined],
  [0, 'LUKS', undefined],
])('the first sector has at %i %j: %s', (offset, word, kind) => {
  const sector = Buffer.alloc(512);
  sector.write(word, offset, 'latin1');
  expect(kindOfBootSector(sector)).toBe(kind);
});

test('a sector that cannot be read says nothing', () => {
  expect(kindOfBootSector(Buffer.alloc(0))).toBeUndefined();
});
