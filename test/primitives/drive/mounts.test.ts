import { expect, test } from '@jest/globals';
import { findMount, kindOfFuse } from '../../../src/primitives/drive/mounts.js';

const table = String.raw`22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard,data=journal
40 27 8:17 / /media/me/My\040Stick\134A rw,nosuid shared:5 master:1 - fuseblk /dev/sdb1 rw,user_id=0,blksize=4096
41 27 0:50 / /media/me rw - tmpfs none rw
42 41 0:51 / /mnt rw - fuse.sshfs host:/a - b rw
43 27 0:52 / /mnt rw - fuse.fusefat fusefat rw
`;

test.each([
  ['/', 'ext4', '/dev/vda'],
  ['/media', 'ext4', '/dev/vda'],
  ['/mntother', 'ext4', '/dev/vda'],
  ['/media/me/other', 'tmpfs', 'none'],
  ['/media/me/My Stick\\A', 'fuseblk', '/dev/sdb1'],
  ['/media/me/My Stick\\A/a/b', 'fuseblk', '/dev/sdb1'],
  ['/mnt/a', 'fuse.fusefat', 'fusefat'], // what was mounted last hides the other
])('%s is on %s', (folder, type, source) => {
  expect(findMount(table, folder)).toMatchObject({ type, source });
});

test('device and options', () => {
  expect(findMount(table, '/media/me/My Stick\\A')?.device).toBe('8:17');
  expect(findMount(table, '/')?.options).toEqual(['rw', 'discard', 'data=journal']);
});

test('no table, no mount', () => {
  expect(findMount('', '/')).toBeUndefined();
});

test('what FUSE is: by name, and unknown when the device cannot be looked at', async () => {
  const mount = { device: '0:0', options: [], source: '/nonexistent' };
  expect(await kindOfFuse({ ...mount, type: 'fuse.fusefat' })).toBe('fat');
  expect(await kindOfFuse({ ...mount, type: 'fuse.sshfs' })).toBeUndefined();
  expect(await kindOfFuse({ ...mount, type: 'fuseblk' })).toBeUndefined();
});
