import { TransferError } from '../primitives/errors.js';
import { printable } from '../primitives/printable.js';

/** Bytes of a tar block: headers are one, contents are padded to whole ones. */
export const BLOCK = 512;

export type TarEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';

/** One header block, decoded. POSIX.1-1988 ustar, GNU tar and the v7 format before them. */
export interface TarHeader {
  /** Raw: not yet replaced by a long name, not yet cleaned. */
  readonly name: string;
  /** Bytes of content that follow. */
  readonly size: number;
  /** The type flag as a character; NUL is the old form of `0`. */
  readonly flag: string;
  readonly linkName: string;
}

const zeros = Buffer.alloc(BLOCK);

/**
 * Decodes one header block; undefined for a block of zeros, which ends an archive.
 * @throws TransferError BAD_ARCHIVE when the checksum or a number is wrong; `where` names the archive and the offset.
 */
export function decodeHeader(block: Buffer, where: string): TarHeader | undefined {
  if (block.equals(zeros)) return undefined;
  const stated = octal(block, 148, 8, `${where}: header checksum`);
  if (!checksums(block).includes(stated)) {
    throw new TransferError('BAD_ARCHIVE', `${where}: expected a tar header, found one with a wrong checksum`, {
      hint: 'The archive is damaged here: copy it again.',
    });
  }
  const name = text(block, 0, 100);
  // Only POSIX archives have a prefix; GNU tar keeps times there ("ustar  " with blanks, no NUL).
  const posix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = posix ? text(block, 345, 155) : '';
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size: size(block, `${where}: size of ${printable(name, 100)}`),
    flag: block[156] === 0 ? '0' : String.fromCharCode(block[156] ?? 0),
    linkName: text(block, 157, 100),
  };
}

/** Whether a block could be a tar header: the test that tells a tar from anything else. */
export function looksLikeTar(block: Buffer): boolean {
  if (block.length < BLOCK) return false;
  try {
    return decodeHeader(block, '') !== undefined;
  } catch {
    return false;
  }
}

/** What a type flag stands for. Contiguous files (`7`) are files. */
export function entryType(flag: string, name: string): TarEntryType {
  switch (flag) {
    case '0':
    case '7':
      return name.endsWith('/') ? 'directory' : 'file';
    case '1':
      return 'hardlink';
    case '2':
      return 'symlink';
    case '5':
      return 'directory';
    default:
      return 'other';
  }
}

/** The checksum that POSIX defines, and the one that old programs with signed characters wrote. */
function checksums(block: Buffer): [number, number] {
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < BLOCK; i++) {
    const byte = i >= 148 && i < 156 ? 0x20 : (block[i] ?? 0);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  return [unsigned, signed];
}

function text(block: Buffer, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? length : end);
}

function octal(block: Buffer, start: number, length: number, where: string): number {
  const digits = block
    .toString('latin1', start, start + length)
    .replace(/[\0 ]+$/, '')
    .trimStart();
  if (digits === '') return 0;
  if (/^[0-7]+$/.test(digits)) return parseInt(digits, 8);
  throw badNumber(where, 'an octal number', digits);
}

function size(block: Buffer, where: string): number {
  const first = block[124] ?? 0;
  if ((first & 0x80) === 0) return octal(block, 124, 12, where);
  // GNU base-256, for sizes from 8 GiB: the first byte is 0x80 for a positive number, 0xff for a negative one.
  const digits = block.subarray(125, 136);
  const value = first === 0x80 ? digits.reduce((sum, byte) => sum * 256 + byte, 0) : -1;
  if (value < 0 || !Number.isSafeInteger(value))
    throw badNumber(where, 'a size', `0x${block.toString('hex', 124, 136)}`);
  return value;
}

function badNumber(where: string, expected: string, found: string): TransferError {
  return new TransferError('BAD_ARCHIVE', `${where}: expected ${expected}, found ${printable(found, 40)}`, {
    hint: 'The archive is damaged here, or made to mislead: copy it again from a trusted place.',
  });
}
