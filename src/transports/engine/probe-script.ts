import { type ClientWords } from './probe-words.js';
import { IDS_AT_ONCE } from './chunks.js';
import { inspectFormat } from './inventory.js';

/** Where programs are that a login without a terminal may not have in its PATH. */
export const usualFolders: readonly string[] = [
  '/usr/local/bin',
  '/opt/bin',
  '/snap/bin',
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
];

/** What is looked for, in this order. */
export const lookedFor: readonly string[] = ['docker', 'podman', 'nerdctl', 'k3s', 'ctr'];

export interface ScriptOptions {
  /** Begins every line of the script's own, so that nothing a client prints is taken for one: random, of hex digits. */
  readonly nonce: string;
  /** The only client to try; undefined: all of `lookedFor`. */
  readonly wanted: ClientWords | undefined;
  /** Looked into after PATH. */
  readonly folders: readonly string[];
}

/**
 * A script for `sh -s` that tells of a machine and its engine. Everything is POSIX, and nothing runs before the last
 * line is there. What it prints is read by `sectionsOf` (probe-frames.ts).
 */
export function probeScript({ nonce, wanted, folders }: ScriptOptions): string {
  const call =
    wanted === undefined
      ? 'look'
      : `wanted ${wanted.kind} ${quoted(wanted.before)} ${quoted([wanted.program])} ${quoted(wanted.after)}`;
  return `nonce=${nonce}\nfolders=${quoted(folders)}\n${body}\nmachine; ${call}; frame end\n`;
}

/** None of these words has a quote or a blank in it (`clientWords`). */
const quoted = (words: readonly string[]): string => `'${words.join(' ')}'`;

// $before, $after and $folders are unquoted on purpose: they are words without anything that a shell would expand.
const body = String.raw`
LC_ALL=C; export LC_ALL

frame() { printf '\n%s %s\n' "$nonce" "$*"; }

has() { command -v "$1" >/dev/null 2>&1; }

machine() {
  frame machine
  user=$(id -u 2>/dev/null)
  for tool in zstd gzip; do has $tool && echo $tool; done
  for folder in "$TMPDIR" /var/tmp /tmp; do
    case $folder in /*) ;; *) continue ;; esac
    [ -d "$folder" ] && [ -w "$folder" ] || continue
    frame space
    printf '%s\n' "$folder"
    df -Pk "$folder" 2>/dev/null </dev/null
  done
}

# Sets program: a name that PATH knows, or a path.
find_program() {
  program=$1
  path=$(command -v "$1" 2>/dev/null) && return 0
  case $1 in */*) return 1 ;; esac
  for folder in $folders; do
    [ -x "$folder/$1" ] && [ -f "$folder/$1" ] || continue
    program=$folder/$1
    path=$program
    return 0
  done
  return 1
}

client() { $before "$program" $after "$@" </dev/null; }

# One question. Standard error comes first, then a frame with the exit status, then standard output.
ask() {
  frame "$1"
  shift
  said=$({ out=$(client "$@" 2>&3); printf '\n%s out %s\n%s' "$nonce" $? "$out"; } 3>&1)
  printf '%s\n' "$said"
  case $said in *"$nonce out 0"*) return 0 ;; esac
  return 1
}

# Whether the client reaches an engine; what it said is then in the last frames.
try() {
  frame try "$kind"
  for word in $before; do printf '%s\n' "$word"; done
  printf '%s\n' "$program"
  for word in $after; do printf '%s\n' "$word"; done
  if [ "$kind" = ctr ]; then
    ask version version || return 1
    ask info plugins ls
    return 0
  fi
  ask version version --format '{{json .}}' || return 1
  version=$said
  ask info info --format '{{json .}}'
  case $said in *'"host":'*) return 0 ;; esac
  case $version in *'"Server":null'*) return 1 ;; *'"Server":'*) ;; *) return 1 ;; esac
  case $said in *'"Driver":""'*) return 1 ;; *'"Driver":'*) return 0 ;; esac
  return 1
}

# An image that goes in between is no trouble: who reads the errors judges them.
inventory() {
  ids=$(client image ls -q --no-trunc 2>/dev/null) || return 0
  frame images
  [ -n "$ids" ] || { frame inspected 0; return 0; }
  { words=$(printf '%s\n' "$ids" | sort -u |
    xargs -n ${String(IDS_AT_ONCE)} $before "$program" $after image inspect --format '${inspectFormat}' 2>&1 >&4)
    status=$?
  } 4>&1
  frame inspected $status
  printf '%s\n' "$words"
}

answered() {
  case $kind in docker | podman) inventory ;; esac
}

# sudo looks in folders of its own, where it may not find what PATH knows.
for_sudo() {
  case $path in
    /bin/* | /sbin/* | /usr/bin/* | /usr/sbin/*) ;;
    /*) program=$path ;;
  esac
}

# kind, words before the program, program, words after it
wanted() {
  kind=$1 before=$2 after=$4
  # What only root may see, sudo finds all the same.
  if ! find_program "$3" && [ -z "$before" ]; then frame absent; return; fi
  [ -z "$before" ] || for_sudo
  try && answered
}

# Podman has no daemon to be kept from, and as root it keeps other images.
refused() {
  [ "$user" != 0 ] && [ "$kind" != podman ] || return 1
  case $said in *'ermission denied'* | *'ootless containerd not running'*) return 0 ;; esac
  return 1
}

look() {
  docker=
  for name in ${lookedFor.join(' ')}; do
    before='' after='' kind=$name
    case $name in k3s) kind=ctr after=ctr ;; esac
    find_program $name || continue
    # Docker brings a containerd, which runs when Docker does not: images put there are not where they are looked for.
    if [ $name = ctr ] && [ -n "$docker" ]; then frame skipped ctr; continue; fi
    [ $name = docker ] && docker=yes
    if try; then answered; return; fi
    refused || continue
    # It is there and runs: another one would not be the one that is meant.
    has sudo || return
    before='sudo -n'
    for_sudo
    if try; then answered; fi
    return
  done
}
`;
