import { open, readFile } from 'node:fs/promises';
import { kindOfBootSector, kindOfType, type KindName } from './kinds.js';

/** One line of a mount table. */
export interface Mount {
  /** `ext4`, `fuse.sshfs`, `fuseblk`. */
  readonly type: string;
  /** What is mounted: a device, usually. */
  readonly source: string;
  /** Major and minor number, as `8:17`. */
  readonly device: string;
  readonly options: readonly string[];
}

/** What is mounted where `folder` (a real path) is; undefined where there is no such table. Linux only. */
export async function mountOf(folder: string): Promise<Mount | undefined> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return findMount(table, folder);
}

/** The mount of a table as in proc(5), "/proc/pid/mountinfo", that `folder` is in: the last of those nearest to it. */
export function findMount(table: string, folder: string): Mount | undefined {
  let found: Mount | undefined;
  let depth = 0;
  for (const line of table.split('\n')) {
    const { point, mount } = parseLine(line);
    const inside = folder === point || folder.startsWith(point.endsWith('/') ? point : `${point}/`);
    if (point === '' || !inside || point.length < depth) continue;
    depth = point.length;
    found = mount;
  }
  return found;
}

function parseLine(line: string): { readonly point: string; readonly mount: Mount } {
  const separator = line.indexOf(' - ');
  const [, , device = '', , point = ''] = line.slice(0, separator).split(' ');
  const [type = '', source = '', options = ''] = line.slice(separator + 3).split(' ');
  return { point: unescape(point), mount: { type, source: unescape(source), device, options: options.split(',') } };
}

/** The kernel writes blanks, tabs, line ends and backslashes as three octal digits, byte by byte. */
function unescape(word: string): string {
  return word.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

/** What a FUSE program made of a device: its name says it, or udev has looked, or the device's first sector says it. */
export async function kindOfFuse({ type, source, device }: Mount): Promise<KindName | undefined> {
  const named = kindOfType(type);
  if (named !== undefined || type !== 'fuseblk') return named;
  const udev = await readFile(`/run/udev/data/b${device}`, 'utf8').catch(() => '');
  const [, seen] = /^E:ID_FS_TYPE=(.*)$/m.exec(udev) ?? [];
  return seen === undefined ? kindOfBootSector(await firstSector(source)) : kindOfType(seen);
}

/** Readable for root, as a rule; empty otherwise. */
async function firstSector(device: string): Promise<Buffer> {
  const handle = await open(device, 'r').catch(() => undefined);
  if (handle === undefined) return Buffer.alloc(0);
  try {
    const { buffer } = await handle.read(Buffer.alloc(512), 0, 512, 0);
    return buffer;
  } catch {
    return Buffer.alloc(0);
  } finally {
    await handle.close();
  }
}
