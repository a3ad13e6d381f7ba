import { createConnection } from 'node:net';
import { TransferError } from '../primitives/errors.js';
import { packageFacts } from '../primitives/package-facts.js';

export const METADATA_COMMAND = 'docker-cli-plugin-metadata';
export const PLUGIN_NAME = 'ferry';

/** What Docker asks each file in cli-plugins for (docker/cli, cli-plugins/metadata). */
export function pluginMetadata(): string {
  const { version } = packageFacts();
  const metadata = {
    SchemaVersion: '0.1.0',
    Vendor: 'image-ferry',
    Version: `v${version}`,
    ShortDescription: 'Carry images where there is no registry: one deduplicated, verified file',
  };
  return `${JSON.stringify(metadata)}\n`;
}

export interface PluginCall {
  readonly argv: readonly string[];
  /** Docker's global options, as the variables that every docker client reads. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

type Effect = (value: string) => Readonly<Record<string, string | undefined>>;

const nothing: Effect = () => ({});
const refuse =
  (option: string): Effect =>
  () => {
    throw new TransferError('USAGE', `docker's option ${option} cannot be handed on to ferry`, {
      hint: 'Set DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or use a docker context.',
    });
  };

/** Docker's global options that take a value. */
const valued: Readonly<Record<string, Effect>> = {
  '--config': (value) => ({ DOCKER_CONFIG: value }),
  // DOCKER_HOST in the environment would win over the context that the user named.
  '--context': (value) => ({ DOCKER_CONTEXT: value, DOCKER_HOST: undefined }),
  '--host': (value) => ({ DOCKER_HOST: value, DOCKER_CONTEXT: undefined }),
  '--log-level': nothing,
  '--tlscacert': refuse('--tlscacert'),
  '--tlscert': refuse('--tlscert'),
  '--tlskey': refuse('--tlskey'),
};

const flags: Readonly<Record<string, Effect>> = {
  '--debug': nothing,
  '--tls': refuse('--tls'),
  '--tlsverify': () => ({ DOCKER_TLS_VERIFY: '1' }),
};

const long: Readonly<Record<string, string>> = {
  '-c': '--context',
  '-H': '--host',
  '-l': '--log-level',
  '-D': '--debug',
};

/**
 * Docker hands its own command line on: global options, the plugin's name, the plugin's words. `docker help ferry x`
 * arrives as `help ferry x`.
 */
export function readPluginCall(words: readonly string[]): PluginCall {
  const env: Record<string, string | undefined> = {};
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === PLUGIN_NAME) return { argv: rest, env };
    if (word === 'help') return { argv: ['help', ...rest.slice(1)], env };
    if (!word.startsWith('-')) return { argv: [word, ...rest], env };
    Object.assign(env, effectOf(word, rest));
  }
  return { argv: [], env };
}

function effectOf(word: string, rest: string[]): ReturnType<Effect> {
  const [, shortName, shortValue] = /^(-[A-Za-z])=?(.+)$/.exec(word) ?? [];
  const [, longName, longValue] = /^(--[a-z-]+)=(.*)$/.exec(word) ?? [];
  const name = longName ?? shortName ?? word;
  const full = long[name] ?? name;
  const attached = longValue ?? shortValue;
  const withValue = valued[full];
  if (withValue !== undefined) return withValue(attached ?? rest.shift() ?? '');
  return attached === 'false' ? {} : (flags[full] ?? nothing)('true');
}

/**
 * Calls `onEnd` when the docker client asks its plugin to stop. Away from a terminal it does so by closing a socket
 * instead of passing the signal on (docker/cli, cli-plugins/socket).
 */
export function watchDocker(env: NodeJS.ProcessEnv, onEnd: () => void): void {
  const name = env['DOCKER_CLI_PLUGIN_SOCKET'];
  if (name === undefined || name === '') return;
  const socket = createConnection({ path: name.replace(/^@/, '\0') });
  socket.unref();
  // Not every Node.js reaches Linux's abstract sockets; docker then kills the plugin at its third signal.
  socket.on('error', () => undefined);
  socket.on('end', onEnd);
  socket.resume();
}
