import { TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';

const MiB = 2 ** 20;
const SECTOR = 2048;

/** Smaller ones would make more files than are of use: 999 of them are the most. */
const LEAST = MiB;

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

/** Powers of 1000, with or without B, and of 1024. */
const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/**
 * Bytes of `4GiB`, `3.9G`, `700MB`, or of the volume for a kind of medium: `fat32`, `cd`, `dvd`, `bd25`.
 * @throws TransferError USAGE when it is none of them, or below 1 MiB.
 */
export function parseVolumeSize(text: string): number {
  const word = text.trim().toLowerCase();
  const bytes = Object.hasOwn(media, word) ? media[word] : sizeIn(word);
  if (bytes === undefined) {
    throw new TransferError('USAGE', `--volume-size ${printable(text, 40)}: no size`, {
      hint: 'Write a number with a unit (4GiB, 3.9G), or a medium: fat32, cd, dvd, bd25.',
    });
  }
  if (bytes >= LEAST) return bytes;
  throw new TransferError('USAGE', `--volume-size ${printable(text, 40)}: ${String(bytes)} bytes are too few`, {
    hint: `Choose ${String(LEAST)} bytes (1 MiB) or more.`,
  });
}

function sizeIn(word: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgt]i?)?b?$/.exec(word) ?? [];
  const bytes = Math.floor(Number(number) * (units[unit] ?? NaN));
  return number !== undefined && Number.isSafeInteger(bytes) ? bytes : undefined;
}
