import { type ByteStream } from '../../primitives/bytes.js';
import { type Machine } from '../machine/machine.js';
import { type ClientResult, QUERY_TIMEOUT, runClient } from './client.js';
import { engineFailed, wordsOf } from './failure.js';

/** A file on the engine's machine that takes what is sent in pieces: the only way to go on within one layer. */
export interface PartFile {
  readonly path: string;
  /** A word by which a transfer knows its files. */
  readonly owner: string;
  /** Bytes that are there already. */
  readonly size: number;
  /** Bytes that the disk has room for; undefined: it does not say. */
  readonly free: number | undefined;
}

/** Where it is. */
export interface Place {
  readonly machine: Machine;
  /** What messages call the receiver. */
  readonly label: string;
  readonly signal: AbortSignal;
}

/** The end of the name of the file that says who is at a part file: a word of its own, and a process there. */
const OWNER = '.owner';

// The folder is this user's alone: in a folder for everyone, somebody else could have put a link there.
const ownFolder = `d=$1-$(id -u)
own() { [ -d "$d" ] && [ ! -L "$d" ] && [ -O "$d" ]; }
alive() { read -r who pid <"$1${OWNER}" && kill -0 "$pid"; } 2>/dev/null`;

/** Bytes a second that a disk copies at the least. */
const SLOWEST_DISK = 5_000_000;

// Two transfers of one layer to one machine must not write into one file. Between two commands of the other one there
// is a moment in which no process of it is there: hence the second look. What a broken connection of our own was
// writing may still get some late bytes: it is ended, and should it not end, the file is copied away from under it.
const prepare = `umask 077
${ownFolder}
mkdir -p "$d" 2>/dev/null
own || { echo "$d is not a folder of this user" >&2; exit 3; }
f=$d/$2 o=$d/$2${OWNER} me=$3
if ! (set -C; echo "$me $$" >"$o") 2>/dev/null; then
  before=$(cat "$o" 2>/dev/null) mine= n=0
  if [ "\${before%% *}" = "$me" ]; then mine=1; kill "\${before#* }" 2>/dev/null; fi
  while alive "$f" && [ "$n" -lt 5 ]; do sleep 1; n=$((n + 1)); done
  if [ "$mine" ]; then
    if alive "$f"; then cp "$f" "$f.$$" && mv -f "$f.$$" "$f" || rm -f "$f" "$f.$$"; fi
  else
    sleep 2
    if alive "$f" || [ "$(cat "$o" 2>/dev/null)" != "$before" ]; then echo "another transfer is sending it" >&2; exit 4; fi
  fi
  echo "$me $$" >"$o"
fi
echo "$d"
if [ -f "$f" ]; then wc -c <"$f"; else echo 0; fi
df -Pk "$d" | tail -n 1`;

/** A part file that is wanted. */
export interface PartWish {
  /** The number of the user there is put behind it. */
  readonly folder: string;
  readonly name: string;
  readonly owner: string;
  /** Bytes that it will hold at the most. */
  readonly bytes: number;
}

/**
 * Looks at the file (or makes it), and takes it for `owner`.
 * @throws TransferError ENGINE_FAILED, also when another transfer is at it
 */
export async function openPart(place: Place, { folder, name, owner, bytes }: PartWish): Promise<PartFile> {
  const timeoutMs = QUERY_TIMEOUT + Math.ceil(bytes / SLOWEST_DISK) * 1000;
  const result = await shell(place, prepare, [folder, name, owner], timeoutMs);
  const [own, size, disk] = result.stdout.trim().split('\n');
  if (result.status !== 0 || own === undefined || size === undefined || !/^\s*\d+\s*$/.test(size)) {
    throw engineFailed(place.label, `making a temporary file in ${folder}`, wordsOf(result));
  }
  // POSIX df -P: file system, blocks, used, available, ...
  const free = /\s\d+\s+\d+\s+(\d+)\s+\d+%/.exec(disk ?? '')?.[1];
  const path = `${own}/${name}`;
  return { path, owner, size: Number(size), free: free === undefined ? undefined : Number(free) * 1024 };
}

/** Adds `bytes` to the end of the file. @throws TransferError ENGINE_FAILED, CONNECTION_LOST; what `bytes` throws */
export async function appendPart(place: Place, { path, owner }: PartFile, bytes: ByteStream): Promise<void> {
  const script = `umask 077; echo "$2 $$" >"$1${OWNER}"; exec cat >>"$1"`;
  const client = { machine: place.machine, command: ['sh', '-c', script, 'ferry', path, owner] };
  const result = await runClient({ client, args: [], signal: place.signal, input: bytes });
  if (result.status !== 0) throw engineFailed(place.label, `writing ${path}`, wordsOf(result));
}

/** What to run so that a command reads the file, and then its own standard input. */
export const withPart = ({ path, owner }: PartFile): readonly string[] => [
  'sh',
  '-c',
  `f=$1; echo "$2 $$" >"$f${OWNER}"; shift 2; cat "$f" - | "$@"`,
  'ferry',
  path,
  owner,
];

export async function removePart(place: Place, path: string): Promise<void> {
  const result = await shell(place, `rm -f "$1" "$1${OWNER}"`, [path]);
  if (result.status !== 0) throw engineFailed(place.label, `removing ${path}`, wordsOf(result));
}

const removeAll = `for base in "\${TMPDIR:-/tmp}" /var/tmp /tmp; do
set -- "$base/$name"
${ownFolder}
own || continue
for f in "$d"/part-*; do
  case $f in *${OWNER})
    f=\${f%${OWNER}}
    if [ ! -e "$f" ] && ! alive "$f"; then rm -f "$f${OWNER}"; fi
    continue ;;
  esac
  [ -f "$f" ] || continue
  if alive "$f"; then echo "another transfer is at $f" >&2; else rm -f "$f" "$f${OWNER}" && echo "$f"; fi
done
rmdir "$d" 2>/dev/null
done
:`;

/** Removes every part file of this user that no transfer is at, wherever `openPart` may have made one. Gives their paths. */
export async function removeParts(place: Place, name: string): Promise<readonly string[]> {
  const result = await shell(place, `name=$1\n${removeAll}`, [name]);
  if (result.status !== 0) throw engineFailed(place.label, 'removing temporary files', wordsOf(result));
  return [...new Set(result.stdout.split('\n').filter((line) => line !== ''))];
}

function shell(
  { machine, signal }: Place,
  script: string,
  args: readonly string[],
  timeoutMs = QUERY_TIMEOUT,
): Promise<ClientResult> {
  const client = { machine, command: ['sh', '-c', script, 'ferry'] };
  return runClient({ client, args, signal, timeoutMs });
}
