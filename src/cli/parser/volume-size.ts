import { readSize } from './amounts.js';

const MiB = 2 ** 20;
const SECTOR = 2048;

/** Bytes of the smallest volume. Smaller ones would make more files than are of use: 999 of them are the most. */
export const LEAST_VOLUME = MiB;

/**
 * What a volume leaves of a disc: for the anchors, descriptors and folders of ISO 9660 or UDF, the padding at the end,
 * the checksum files of up to 999 volumes (2 MB in sectors) and the small files of a kit.
 */
const DISC_RESERVE = 8 * MiB;

const disc = (sectors: number): number => sectors * SECTOR - DISC_RESERVE;

const media: Readonly<Record<string, number>> = {
  /** The largest file: its size is kept in 32 bits. */
  fat32: 2 ** 32 - 1,
  /** 80 minutes of 75 sectors a second, less the two seconds before the first. */
  cd: disc(80 * 60 * 75 - 150),
  /** One layer of DVD+R (ECMA-349): the smaller one; DVD-R (ECMA-359) has 2,298,496. */
  dvd: disc(2_295_104),
  /** One layer, 12,219,392, less the 12,288 clusters of 32 sectors that drives spare when they format a BD-R. */
  bd25: disc(12_219_392 - 12_288 * 32),
};

/**
 * Bytes of `4GiB`, `3.9G` (one letter stands for bytes here), or of the volume for a kind of medium: `fat32`, `cd`,
 * `dvd`, `bd25`; undefined: it is none of them.
 */
export function readVolumeSize(text: string): number | undefined {
  const word = text.trim().toLowerCase();
  return Object.hasOwn(media, word) ? media[word] : readSize(word.replace(/([kmgt]i?)$/, '$1b'));
}
