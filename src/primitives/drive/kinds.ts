const KiB = 1024;
const GiB = KiB ** 3;
const TiB = KiB ** 4;

/** The largest file of FAT12, FAT16 and FAT32: its size is a field of 32 bits. */
const FAT_LARGEST = 2 ** 32 - 1;

/**
 * Whose answer a read is that finds no page of the file in memory. `device`: the drive's. `other`: nobody knows, because
 * there is a cache of another kind, another machine, or no drive at all.
 */
type Beneath = 'device' | 'other';

/** What is known of a kind of file system. */
export interface Kind {
  /** As messages call it. */
  readonly name: string;
  /** Bytes of the largest file, by the size of a block; undefined when no bundle comes near it, or nobody knows. */
  readonly largest: ((block: number) => number) | undefined;
  readonly beneath: Beneath;
  /** Every O_DIRECT read comes from the device; elsewhere it may be served from memory without a word. */
  readonly direct: boolean;
}

const kind = (name: string, beneath: Beneath, largest?: Kind['largest'], direct = false): Kind => ({
  name,
  largest,
  beneath,
  direct,
});

/**
 * ext2 and ext3 map blocks through three levels of pointers of 4 bytes, and count a file in sectors of 512 bytes with 32
 * bits (kernel fs/ext2/super.c, ext2_max_size): 16 GiB with blocks of 1 KiB, 2 TiB with 4 KiB.
 */
function indirectLargest(block: number): number {
  const pointers = block / 4;
  return Math.min((12 + pointers + pointers ** 2 + pointers ** 3) * block, 2 * TiB);
}

/**
 * The kinds, by our own word for them. Sources: FAT: Microsoft FAT specification 1.03 (DIR_FileSize). exFAT: Microsoft
 * exFAT specification 7.6.7 (DataLength, 64 bits). NTFS: 2^32-1 clusters (Microsoft, "NTFS overview"). ext4: 2^32 blocks
 * of a file (kernel Documentation/filesystems/ext4/overview.rst). XFS, btrfs, F2FS, tmpfs, UDF (ECMA-167 4/14.9.10), HFS+
 * (TN1150), APFS: 64 bits, or terabytes. HFS: 31 bits (Inside Macintosh: Files). ISO 9660: 32 bits an extent (ECMA-119
 * 9.1.4). Of overlays and of what a server stores, only the file system below knows.
 */
export const kinds = {
  fat: kind('FAT', 'device', () => FAT_LARGEST, true),
  exfat: kind('exFAT', 'device', undefined, true),
  ntfs: kind('NTFS', 'device', (cluster) => (2 ** 32 - 1) * cluster),
  ext2: kind('ext2', 'device', indirectLargest, true),
  ext3: kind('ext3', 'device', indirectLargest, true),
  ext4: kind('ext4', 'device', (block) => 2 ** 32 * block, true),
  xfs: kind('XFS', 'device', undefined, true),
  btrfs: kind('btrfs', 'device'),
  f2fs: kind('F2FS', 'device'),
  udf: kind('UDF', 'device'),
  iso9660: kind('ISO 9660', 'device', () => 4 * GiB - 1),
  hfs: kind('HFS', 'device', () => 2 * GiB - 1),
  hfsplus: kind('HFS+', 'device'),
  zfs: kind('ZFS', 'other'),
  tmpfs: kind('tmpfs', 'other'),
  overlay: kind('overlay', 'other'),
  '9p': kind('9p', 'other'),
  virtiofs: kind('virtiofs', 'other'),
  nfs: kind('NFS', 'other'),
  smb: kind('SMB', 'other'),
  fuse: kind('FUSE', 'other'),
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof kinds;

/** What `statfs` calls them on Linux (linux/magic.h; ZFS: its own sources). ext2 to ext4 have one number in common. */
const magics: ReadonlyMap<number, KindName> = new Map<number, KindName>([
  [0x4d44, 'fat'],
  [0x2011_bab0, 'exfat'],
  [0x5346_544e, 'ntfs'],
  [0x7366_746e, 'ntfs'],
  [0xef53, 'ext4'],
  [0x5846_5342, 'xfs'],
  [0x9123_683e, 'btrfs'],
  [0xf2f5_2010, 'f2fs'],
  [0x1501_3346, 'udf'],
  [0x9660, 'iso9660'],
  [0x4244, 'hfs'],
  [0x482b, 'hfsplus'],
  [0x2fc1_2fc1, 'zfs'],
  [0x0102_1994, 'tmpfs'],
  [0x8584_58f6, 'tmpfs'],
  [0x794c_7630, 'overlay'],
  [0x0102_1997, '9p'],
  [0x6969, 'nfs'],
  [0x517b, 'smb'],
  [0xff53_4d42, 'smb'],
  [0xfe53_4d42, 'smb'],
  [0x6573_5546, 'fuse'],
]);

/** How to get around a limit of one file. */
export function remedyFor(largestFile: number): string {
  return largestFile === FAT_LARGEST
    ? 'Split it into volumes: --volume-size fat32.'
    : 'Split it into volumes with --volume-size, or choose another place.';
}

/** The kind by `statfs`'s number; those of macOS and Windows are others, and mean nothing here. */
export function kindOfMagic(magic: number): KindName | undefined {
  return magics.get(magic >>> 0);
}

/** The kind by the word of a mount table or of udev: `ext3`, `vfat`, `fuse.exfat`, `ntfs-3g`. */
export function kindOfType(type: string): KindName | undefined {
  const word = type.replace(/^fuse(?:blk)?\./, '');
  if (/^(?:vfat|msdos|fusefat|fusefatfs)$/.test(word)) return 'fat';
  if (/^exfat(?:-fuse)?$/.test(word)) return 'exfat';
  if (/^(?:low)?ntfs(?:3|-3g)?$/.test(word)) return 'ntfs';
  return word === 'ext2' || word === 'ext3' || word === 'ext4' || word === 'virtiofs' ? word : undefined;
}

/** The kind by the first sector of a drive: what a FUSE program is asked to mount. */
export function kindOfBootSector(sector: Buffer): KindName | undefined {
  const at = (offset: number): string => sector.toString('latin1', offset, offset + 8);
  if (at(3) === 'EXFAT   ') return 'exfat';
  if (at(3) === 'NTFS    ') return 'ntfs';
  return at(82) === 'FAT32   ' || /^FAT1[26] {3}$/.test(at(54)) ? 'fat' : undefined;
}
