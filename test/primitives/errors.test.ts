import { describe, expect, test } from '@jest/globals';
import { exitStatusOf, ioError, isTransferError, systemCodeOf, TransferError } from '../../src/primitives/errors.js';

const system = (code: string): Error => Object.assign(new Error(`${code}: what Node.js says`), { code });

describe('TransferError', () => {
  test('carries code, hint, side and cause', () => {
    const cause = new Error('below');
    const error = new TransferError('BLOB_CORRUPT', 'a.tar: broken', { hint: 'Copy it again.', side: 'source', cause });
    expect(error).toMatchObject({
      code: 'BLOB_CORRUPT',
      message: 'a.tar: broken',
      hint: 'Copy it again.',
      side: 'source',
    });
    expect(error.cause).toBe(cause);
    expect(error).toBeInstanceOf(Error);
  });

  test('is known by its mark, not by its class', () => {
    expect(isTransferError(new TransferError('IO', 'x'))).toBe(true);
    expect(isTransferError({ [Symbol.for('image-ferry.TransferError')]: true })).toBe(true);
    for (const other of [new Error('x'), system('EIO'), undefined, null, 'text', {}])
      expect(isTransferError(other)).toBe(false);
  });

  test('exit statuses are those of the table in DESIGN section 7', () => {
    const byStatus = new Map<number, string[]>();
    for (const [code, status] of Object.entries(exitStatusOf))
      byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
    expect(Object.fromEntries(byStatus)).toEqual({
      1: ['INTERNAL'],
      2: ['USAGE', 'NAME_CONFLICT', 'UNSUPPORTED_HERE'],
      3: ['NOT_AN_IMAGE', 'BAD_ARCHIVE', 'BLOB_CORRUPT', 'BLOB_MISSING', 'LIMIT', 'SOURCE_CHANGED', 'SIGNATURE'],
      4: ['ENGINE_FAILED', 'ENGINE_UNREACHABLE', 'HOST_UNREACHABLE', 'HOST_REFUSED', 'CONNECTION_LOST'],
      5: ['NOT_FOUND'],
      6: ['BASE_MISSING'],
      7: ['IO', 'DISK_FULL', 'LOCKED'],
    });
  });
});

describe('ioError', () => {
  test.each([
    ['ENOENT', 'NOT_FOUND', 'no such file or folder'],
    ['ENOTDIR', 'NOT_FOUND', 'no folder'],
    ['EACCES', 'IO', 'permission denied'],
    ['EPERM', 'IO', 'not permitted'],
    ['EROFS', 'IO', 'read-only'],
    ['ENOSPC', 'DISK_FULL', 'no space left'],
    ['EDQUOT', 'DISK_FULL', 'quota'],
    ['EFBIG', 'DISK_FULL', 'this size'],
    ['EISDIR', 'USAGE', 'folder'],
    ['EIO', 'IO', 'read or write error'],
  ])('%s is %s', (from, code, words) => {
    const error = ioError(system(from), '/mnt/usb/a.tar', 'sink');
    expect(error).toMatchObject({ code, side: 'sink', hint: expect.any(String) });
    expect(error.message).toBe(`/mnt/usb/a.tar: ${error.message.slice('/mnt/usb/a.tar: '.length)}`);
    expect(error.message).toContain(words);
  });

  test('anything else keeps its own words', () => {
    expect(ioError(system('EMFILE'), 'a')).toMatchObject({ code: 'IO', message: 'a: EMFILE: what Node.js says' });
    expect(ioError('a text', 'a')).toMatchObject({ code: 'IO', message: 'a: a text' });
  });

  test('a TransferError passes unchanged', () => {
    const error = new TransferError('LIMIT', 'x');
    expect(ioError(error, 'a')).toBe(error);
  });

  test('systemCodeOf knows texts only', () => {
    expect(systemCodeOf(system('EIO'))).toBe('EIO');
    for (const other of [{ code: 5 }, {}, null, 'EIO']) expect(systemCodeOf(other)).toBeUndefined();
  });
});
