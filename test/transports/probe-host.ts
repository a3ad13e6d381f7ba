import { existsSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { localMachine } from '../../src/transports/machine/local.js';
import { type Machine } from '../../src/transports/machine/machine.js';
import { program, tempFolder } from './fake-client.js';

const tools = ['id', 'df', 'sort', 'xargs', 'sleep', 'gzip', 'cat', 'sed', 'seq'];

/** Shells that are here, of those that may be `sh` on a host; busybox brings the tools as well. */
export const shells: readonly (readonly string[])[] = [['sh'], ['dash'], ['bash', '--posix'], ['busybox', 'sh']].filter(
  ([name]) => pathOf(name) !== undefined,
);

function pathOf(name = ''): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
}

export interface FakeHost extends Machine {
  /** The folder that is its PATH. */
  readonly folder: string;
  /** How many commands were started. */
  readonly count: { started: number };
}

/** A machine with these programs (shell scripts) and some stock tools; `shell` is what `sh` is there. */
export function fakeHost(programs: Readonly<Record<string, string>>, shell: readonly string[] = ['sh']): FakeHost {
  const folder = tempFolder();
  for (const [name, script] of Object.entries(programs)) program(script, name, folder);
  const box = shell[0] === 'busybox' ? pathOf('busybox') : undefined;
  for (const name of tools) {
    const target = box ?? pathOf(name);
    if (programs[name] === undefined && target !== undefined) symlinkSync(target, path.join(folder, name));
  }
  const [first = 'sh', ...rest] = shell;
  const sh = [pathOf(first) ?? first, ...rest];
  const count = { started: 0 };
  return {
    host: 'box',
    folder,
    count,
    start: (argv, withInput) => {
      count.started += 1;
      const before = process.env['PATH'];
      process.env['PATH'] = folder;
      try {
        return localMachine.start(argv[0] === 'sh' ? [...sh, ...argv.slice(1)] : argv, withInput);
      } finally {
        process.env['PATH'] = before;
      }
    },
  };
}

const hex = (id: number): string => id.toString(16).padStart(64, '0');
export const idOf = (id: number): string => `sha256:${hex(id)}`;

/** The line of `image inspect` for an image, as shell prints it. */
const record = '{"Id":"%s","RootFS":{"Type":"layers","Layers":["%s"]},"RepoTags":["app:1"],"Size":7}\\n';

export interface FakeDocker {
  readonly count?: number;
  /** Shell that runs first, with the arguments. */
  readonly first?: string;
  readonly inspect?: string;
}

export const dockerVersion =
  '{"Client":{"ApiVersion":"1.51"},"Server":{"Version":"28.5.2","ApiVersion":"1.51","Os":"linux","Arch":"arm64"}}';
const dockerInfo = '{"Driver":"overlay2","DriverStatus":[["Backing Filesystem","extfs"]]}';

/** A `docker` with images 1 to `count`, each of which is listed twice. */
export function docker({ count = 2, first = '', inspect = '' }: FakeDocker = {}): string {
  return `${first}
case "$1 $2" in
  'version --format') echo '${dockerVersion}' ;;
  'info --format') echo '${dockerInfo}' ;;
  'image ls') for again in 1 2; do for i in $(seq ${String(count)}); do printf 'sha256:%064x\\n' $i; done; done ;;
  'image inspect')
    ${inspect}
    shift 4
    for id; do printf '${record}' "$id" "$id"; done ;;
  *) echo "unknown: $*" >&2; exit 1 ;;
esac`;
}

/** Runs what comes after \`-n\` as root. */
export const sudo = '[ "$1" = -n ] || { echo "would ask" >&2; exit 9; }; shift; AS_ROOT=1; export AS_ROOT; exec "$@"';
export const sudoWithPassword = 'echo "sudo: a password is required" >&2; exit 1';
export const user = 'echo 1000';
export const denied =
  '[ -n "$AS_ROOT" ] || { echo "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock" >&2; exit 1; }';
export const down =
  'echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?" >&2; exit 1';
