import { type ImageSource } from '../ports.js';
import { type EngineDeps } from '../transports/engine/deps.js';
import { type Client } from '../transports/engine/client.js';
import { type Engine } from '../transports/engine/engine.js';
import { engineSource } from '../transports/engine/source.js';
import { type HostWord } from '../transports/ssh/index.js';
import { type Context, type OpenOptions } from './options.js';
import { openRemote, parseRemoteImage, type Remote } from './remote.js';

/**
 * Opens `ssh://HOST/NAME` words: one connection and one save for each host.
 * @throws TransferError as `openRemote` and `engineSource`; what was opened before is closed
 */
export async function openRemoteSources(
  words: readonly string[],
  { ssh, remoteEngine, unneeded }: OpenOptions,
  deps: EngineDeps,
  context: Context,
): Promise<readonly ImageSource[]> {
  const hosts = new Map<string, { readonly host: HostWord; readonly names: string[] }>();
  for (const { host, name } of words.map(parseRemoteImage)) {
    const known = hosts.get(host.label) ?? { host, names: [] };
    known.names.push(name);
    hosts.set(host.label, known);
  }
  const sources: ImageSource[] = [];
  try {
    for (const { host, names } of hosts.values()) {
      const remote = await openRemote(host, { ssh, engine: remoteEngine }, context);
      sources.push(await openOn(remote, names, deps, unneeded));
    }
    return sources;
  } catch (error) {
    await Promise.all(sources.map((source) => source.close()));
    throw error;
  }
}

async function openOn(
  remote: Remote,
  names: readonly string[],
  deps: EngineDeps,
  unneeded: OpenOptions['unneeded'],
): Promise<ImageSource> {
  const { connection, engine } = remote;
  try {
    const saving = (): Client => packing(engine, remote.programs);
    const source = await engineSource(engine, names, { ...deps, saving }, unneeded);
    const close = async (): Promise<void> => {
      await source.close();
      await connection.close();
    };
    return closedWith(source, close);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function closedWith(source: ImageSource, close: () => Promise<void>): ImageSource {
  return {
    label: source.label,
    images: () => source.images(),
    has: (digest) => source.has(digest),
    open: (blob) => source.open(blob),
    audit: (reached) => source.audit(reached),
    close,
  };
}

// The exit status of a pipeline is its last command's; what counts here is the first one's.
const PIPE = `exec 4>&1
status=$({ { "$@" 3>&- 4>&-; echo $? >&3; } | PACK >&4; } 3>&1)
exit "$status"`;

/** The client with its output compressed on the way, by what there is: a line is slower than a processor. */
function packing({ machine, command }: Engine, programs: Remote['programs']): Client {
  const pack = programs.zstd ? 'zstd -3 -q -c' : programs.gzip ? 'gzip -1 -c' : undefined;
  if (pack === undefined) return { machine, command };
  return { machine, command: ['sh', '-c', PIPE.replace('PACK', pack), 'ferry', ...command] };
}
