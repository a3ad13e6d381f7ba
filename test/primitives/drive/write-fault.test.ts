import { expect, test } from '@jest/globals';
import { openFault, writeFault } from '../../../src/primitives/drive/write-fault.js';
import { useTempFolder } from '../../helpers/temp-folder.js';

const at = useTempFolder();
const systemError = (code: string): Error => Object.assign(new Error(`${code}: so it is`), { code });

test('a full drive: where, and how far it came', async () => {
  const fault = await writeFault(systemError('ENOSPC'), at('out.tar'), 5_000_000, 6_000_000);
  expect(fault).toMatchObject({ code: 'DISK_FULL', side: 'sink' });
  expect(fault.message).toContain(`no space left on ${at()}`);
  expect(fault.message).toContain('after 5.0 MB');
});

test('a file that grew too large: the remedy', async () => {
  const fault = await writeFault(systemError('EFBIG'), at('out.tar'), 0, 5_000_000_000);
  expect(fault).toMatchObject({ code: 'DISK_FULL', hint: expect.stringContaining('--volume-size') });
});

test.each([
  ['EIO', 'IO'],
  ['EPERM', 'IO'],
  ['EDQUOT', 'DISK_FULL'],
])('%s stays what it is where there is room', async (code, expected) => {
  const fault = await writeFault(systemError(code), at('out.tar'), 0, 1000);
  expect(fault.code).toBe(expected);
  expect(fault.message).not.toContain('no space left on');
});

test('a drive that Linux has switched to read-only has failed', async () => {
  const fault = await writeFault(systemError('EROFS'), at('out.tar'), 0, 1000);
  expect(fault).toMatchObject({ code: 'IO', message: expect.stringContaining('became read-only') });
});

test('a folder that is gone hides no error', async () => {
  expect(await writeFault(systemError('EIO'), at('gone/out.tar'), 0, 1000)).toMatchObject({ code: 'IO' });
  expect(await openFault(systemError('EINVAL'), at('gone/out:1.tar'))).toMatchObject({ code: 'IO' });
});
