import { TransferError } from '../primitives/errors.js';
import { limits } from '../primitives/limits.js';
import { printable } from '../primitives/printable.js';

/** What an extension header says of the member after it. */
export interface Overrides {
  readonly name?: string;
  readonly linkName?: string;
  readonly size?: number;
  /** The member's content is a map of a sparse file (GNU.sparse.*): its bytes are not the file's bytes. */
  readonly sparse?: boolean;
}

/**
 * Parses a PAX extended header (POSIX.1-2001, pax, "pax Extended Header": `LENGTH KEY=VALUE\n`).
 * @throws TransferError BAD_ARCHIVE when a record is malformed.
 */
export function parsePax(bytes: Buffer, where: string): Overrides {
  let overrides: Overrides = {};
  for (let at = 0; at < bytes.length;) {
    const blank = bytes.indexOf(0x20, at);
    const digits = bytes.toString('latin1', at, blank);
    const length = Number(digits);
    const end = at + length;
    if (blank === -1 || !/^[0-9]{1,9}$/.test(digits) || end > bytes.length || bytes[end - 1] !== 0x0a || end <= blank) {
      throw new TransferError('BAD_ARCHIVE', `${where}: a PAX record is malformed: ${printable(digits, 40)}`, {
        hint: 'The archive is damaged here: copy it again.',
      });
    }
    const record = bytes.toString('utf8', blank + 1, end - 1);
    const equals = record.indexOf('=');
    if (equals > 0) overrides = { ...overrides, ...override(record.slice(0, equals), record.slice(equals + 1), where) };
    at = end;
  }
  return overrides;
}

function override(key: string, value: string, where: string): Overrides {
  switch (key) {
    case 'path':
      return { name: checkedName(value, where) };
    case 'linkpath':
      return { linkName: checkedName(value, where) };
    case 'size': {
      const size = Number(value);
      if (!/^[0-9]{1,24}$/.test(value) || !Number.isSafeInteger(size)) {
        throw new TransferError('BAD_ARCHIVE', `${where}: expected a size in bytes, found ${printable(value, 40)}`, {
          hint: 'The archive is damaged here, or made to mislead: copy it again from a trusted place.',
        });
      }
      return { size };
    }
    default:
      return key.startsWith('GNU.sparse.') ? { sparse: true } : {};
  }
}

/** A GNU long name or long link (type flags `L` and `K`): the text up to the first NUL. */
export function parseGnuLong(bytes: Buffer, where: string): string {
  const end = bytes.indexOf(0);
  return checkedName(bytes.toString('utf8', 0, end === -1 ? bytes.length : end), where);
}

function checkedName(name: string, where: string): string {
  if (Buffer.byteLength(name) > limits.nameBytes) {
    throw new TransferError('LIMIT', `${where}: a name of ${String(Buffer.byteLength(name))} bytes`, {
      hint: `Names of up to ${String(limits.nameBytes)} bytes are read; no image archive has longer ones.`,
    });
  }
  if (name.includes('\0')) {
    throw new TransferError('BAD_ARCHIVE', `${where}: a name with a NUL byte in it: ${printable(name, 100)}`, {
      hint: 'The archive is damaged here, or made to mislead: copy it again from a trusted place.',
    });
  }
  return name;
}
