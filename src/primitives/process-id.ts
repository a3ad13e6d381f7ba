import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemCodeOf } from './errors.js';

/**
 * Where process numbers mean what they mean here: this machine since it was started, and its namespace. In two
 * containers that share a volume, process 1 is two processes.
 */
const place = createHash('sha256')
  .update(
    [
      hostname(),
      orNothing(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
      orNothing(() => readlinkSync('/proc/self/ns/pid')),
    ].join(),
  )
  .digest('hex')
  .slice(0, 8);

function orNothing(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

/** A process of this place, as files name their writer: `<pid>-<place>`. */
export const idOf = (pid: number): string => `${String(pid)}-${place}`;

/** This process. */
export const ownId = idOf(process.pid);

export type Writer = 'self' | 'alive' | 'gone' | 'elsewhere';

/** What has become of the process with such a name. `elsewhere`: on another machine or in another namespace. */
export function writerOf(id: string): Writer {
  const [, pid, where] = /^([0-9]+)-([0-9a-f]{8})$/.exec(id) ?? [];
  if (pid === undefined) return 'gone';
  if (where !== place) return 'elsewhere';
  if (Number(pid) === process.pid) return 'self';
  return isAlive(Number(pid)) ? 'alive' : 'gone';
}

function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) === 'EPERM';
  }
}
