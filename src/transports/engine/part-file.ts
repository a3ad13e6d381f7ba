import { type ByteStream } from '../../primitives/bytes.js';
import { type Machine } from '../machine/machine.js';
import { type ClientResult, QUERY_TIMEOUT, runClient } from './client.js';
import { engineFailed, wordsOf } from './failure.js';

/** A file on the engine's machine that takes what is sent in pieces: the only way to go on within one layer. */
export interface PartFile {
  readonly path: string;
  /** Bytes that are there already. */
  readonly size: number;
  /** Bytes that the disk has room for; undefined: it does not say. */
  readonly free: number | undefined;
}

interface Place {
  readonly machine: Machine;
  /** What messages call the receiver. */
  readonly label: string;
  readonly signal: AbortSignal;
}

// The folder is this user's alone: in a folder for everyone, somebody else could have put a link there. The file is
// copied: what a broken connection was writing may still get some late bytes, and they must not end up in ours.
const prepare = `umask 077
d=$1-$(id -u)
mkdir -p "$d" 2>/dev/null
[ -d "$d" ] && [ ! -L "$d" ] && [ -O "$d" ] || { echo "$d is not a folder of this user" >&2; exit 3; }
f=$d/$2
if [ -f "$f" ]; then cp "$f" "$f.$$" && mv -f "$f.$$" "$f" || rm -f "$f" "$f.$$"; fi
echo "$d"
if [ -f "$f" ]; then wc -c <"$f"; else echo 0; fi
df -Pk "$d" | tail -n 1`;

/** Looks at (or makes) the folder for such files: `folder`, with the number of the user there behind it. @throws TransferError ENGINE_FAILED */
export async function openPart(place: Place, folder: string, name: string): Promise<PartFile> {
  const result = await shell(place, prepare, [folder, name]);
  const [own, size, disk] = result.stdout.trim().split('\n');
  if (result.status !== 0 || own === undefined || size === undefined || !/^\s*\d+\s*$/.test(size)) {
    throw engineFailed(place.label, `making a temporary file in ${folder}`, wordsOf(result));
  }
  // POSIX df -P: file system, blocks, used, available, ...
  const free = /\s\d+\s+\d+\s+(\d+)\s+\d+%/.exec(disk ?? '')?.[1];
  return { path: `${own}/${name}`, size: Number(size), free: free === undefined ? undefined : Number(free) * 1024 };
}

/** Adds `bytes` to the end of the file. @throws TransferError ENGINE_FAILED, CONNECTION_LOST; what `bytes` throws */
export async function appendPart(place: Place, path: string, bytes: ByteStream): Promise<void> {
  const command = ['sh', '-c', 'umask 077; cat >>"$1"', 'ferry', path];
  const client = { machine: place.machine, command };
  const result = await runClient({ client, args: [], signal: place.signal, input: bytes });
  if (result.status !== 0) throw engineFailed(place.label, `writing ${path}`, wordsOf(result));
}

/** What to run so that a command reads the file, and then its own standard input. */
export const withPart = (path: string): readonly string[] => [
  'sh',
  '-c',
  'f=$1; shift; cat "$f" - | "$@"',
  'ferry',
  path,
];

export async function removePart(place: Place, path: string): Promise<void> {
  const result = await shell(place, 'rm -f "$1"', [path]);
  if (result.status !== 0) throw engineFailed(place.label, `removing ${path}`, wordsOf(result));
}

/** Removes every part file of this user. Gives their paths. */
export async function removeParts(place: Place, folder: string): Promise<readonly string[]> {
  const script =
    'd=$1-$(id -u); for f in "$d"/part-*; do if [ -f "$f" ]; then rm -f "$f" && echo "$f"; fi; done; rmdir "$d" 2>/dev/null; :';
  const result = await shell(place, script, [folder]);
  if (result.status !== 0) throw engineFailed(place.label, `tidying up ${folder}`, wordsOf(result));
  return result.stdout.split('\n').filter((line) => line !== '');
}

function shell({ machine, signal }: Place, script: string, args: readonly string[]): Promise<ClientResult> {
  const client = { machine, command: ['sh', '-c', script, 'ferry'] };
  return runClient({ client, args, signal, timeoutMs: QUERY_TIMEOUT });
}
