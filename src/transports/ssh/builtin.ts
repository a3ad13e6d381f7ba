import { TransferError } from '../../primitives/errors.js';
import { type Connection } from './connection.js';
import { dial, type Dialled, tunnel } from './dial.js';
import { type HostConfig, hostConfig } from './host-config.js';
import { type HostWord, parseJumps } from './host-word.js';
import { requireIdentity } from './identity.js';
import { type ConnectOptions } from './settings.js';
import { endClient, Ssh2Connection } from './ssh2-connection.js';
import { watchLine } from './watch.js';

/** As many hosts as a way through others may have. */
const MAX_JUMPS = 8;

interface Reached extends Dialled {
  readonly config: HostConfig;
}

/** Connects with the client that is built in, through other hosts where the config says so. */
export async function connectBuiltin(word: HostWord, options: ConnectOptions): Promise<Connection> {
  const route = planRoute(word, options);
  route.at(-1)?.givenIdentities.forEach(requireIdentity);
  for (const note of new Set(route.flatMap(({ notes }) => notes))) options.emitNote(note);
  const reached: Reached[] = [];
  const closeAll = async (): Promise<void> => {
    const alive = reached
      .splice(0)
      .reverse()
      .filter(({ line }) => !line.destroyed);
    await Promise.all(alive.map(({ client }) => endClient(client)));
  };
  try {
    for (const config of route) reached.push({ ...(await next(config, reached.at(-1), options)), config });
  } catch (error) {
    await closeAll();
    throw error;
  }
  const last = reached.pop();
  if (last === undefined) throw new TransferError('INTERNAL', `${word.label}: a way without an end`);
  const connection: Ssh2Connection = new Ssh2Connection(word.label, last.client, async () => {
    release();
    await closeAll();
  });
  const release = watchLine(last.line, last.config, (cause) => {
    connection.lose(cause);
  });
  return connection;
}

async function next(config: HostConfig, before: Reached | undefined, options: ConnectOptions): Promise<Dialled> {
  if (before === undefined) return dial(config, options);
  const through = await tunnel(before.client, before.config.label, config, options.signal);
  return dial(config, options, through);
}

/**
 * The hosts to go through, and the host itself. As with OpenSSH, `-J` stands for the last host's own ProxyJump, and
 * only the first of several jump hosts may have a ProxyJump itself.
 */
function planRoute(word: HostWord, { settings, env }: ConnectOptions): readonly HostConfig[] {
  const route: HostConfig[] = [];
  let current: HostWord | undefined = word;
  let ownSettings = settings;
  while (current !== undefined) {
    const config: HostConfig = hostConfig(current, ownSettings, env);
    refuseProxyCommand(config);
    route.unshift(config);
    const jumps: readonly HostWord[] = config.jump === undefined ? [] : parseJumps(config.jump);
    // `-J` and `-p` are about the last host only.
    ownSettings = { ...settings, jump: undefined, port: undefined };
    const [first, ...others] = jumps.filter(({ label, host }) => label !== config.label && host !== config.label);
    route.unshift(...others.map((jump) => hostConfig(jump, ownSettings, env)));
    current = first;
    if (route.length > MAX_JUMPS) {
      throw new TransferError(
        'USAGE',
        `${word.label}: the way there goes through more than ${String(MAX_JUMPS)} hosts`,
        {
          hint: 'Check ProxyJump in the SSH config file: hosts may lead to each other in a circle.',
        },
      );
    }
  }
  return route;
}

function refuseProxyCommand({ proxyCommand, jump, label }: HostConfig): void {
  if (proxyCommand === undefined || jump !== undefined) return;
  throw new TransferError(
    'USAGE',
    `${label}: its SSH config has a ProxyCommand, which the built-in client does not run`,
    {
      hint: 'Use --ssh-program ssh, or ProxyJump instead.',
    },
  );
}
