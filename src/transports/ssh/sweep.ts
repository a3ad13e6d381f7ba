import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';

export const FOLDER_STEM = 'ferry-ssh-';
/** The master's socket, inside such a folder. */
export const SOCKET_NAME = 'c';
const folderName = /^ferry-ssh-[A-Za-z0-9]{6}$/;
/** Milliseconds. */
const OLD = 86_400_000;

/** Removes what a run that was killed has left in `parent`: folders of ours, a day old, without a master. Never throws. */
export async function sweepFolders(parent: string, now = Date.now()): Promise<void> {
  for (const name of namesIn(parent)) {
    const folder = path.join(parent, name);
    if (isStale(folder, now) && !(await hasMaster(path.join(folder, SOCKET_NAME)))) removeFolder(folder);
  }
}

function namesIn(parent: string): readonly string[] {
  try {
    return readdirSync(parent).filter((name) => folderName.test(name));
  } catch {
    return [];
  }
}

function isStale(folder: string, now: number): boolean {
  try {
    const stat = lstatSync(folder);
    const isOurs = stat.isDirectory() && stat.uid === process.getuid?.();
    return isOurs && now - stat.mtimeMs > OLD && readdirSync(folder).every((name) => name.startsWith(SOCKET_NAME));
  } catch {
    return false;
  }
}

function hasMaster(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const line = connect(socket);
    line.once('connect', () => {
      line.destroy();
      resolve(true);
    });
    line.once('error', () => {
      resolve(false);
    });
  });
}

/** Never throws. */
export function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // The next run may try again.
  }
}
