import { type Emit } from '../ports.js';
import { TransferError } from '../primitives/errors.js';
import { productOf } from '../transports/engine/engine.js';
import { findRemoteEngine, type Found } from '../transports/engine/find.js';
import { connect, type HostWord, parseHost } from '../transports/ssh/index.js';
import { type Connection } from '../transports/ssh/connection.js';
import { type Context } from './options.js';
import { type SshSettings } from '../transports/ssh/settings.js';

/** A host with its engine. */
export interface Remote extends Found {
  readonly connection: Connection;
}

export interface RemoteOptions {
  readonly ssh?: SshSettings | undefined;
  /** The engine's client there; undefined: the one that is found. */
  readonly engine?: string | undefined;
  /** Told when the host has let us in. */
  readonly onConnected?: (() => void) | undefined;
}

/**
 * Connects to a host and finds out everything about its engine.
 * @throws TransferError HOST_UNREACHABLE, HOST_REFUSED, CONNECTION_LOST or ENGINE_UNREACHABLE
 */
export async function openRemote(
  word: HostWord,
  { ssh, engine, onConnected }: RemoteOptions,
  { ask, signal, emit }: Pick<Context, 'ask' | 'signal'> & { readonly emit: Emit },
): Promise<Remote> {
  const emitNote = (message: string): void => {
    emit({ type: 'note', message });
  };
  const connection = await connect(word, { settings: ssh ?? {}, ask, signal, emitNote });
  try {
    onConnected?.();
    const found = await findRemoteEngine(connection, engine, signal);
    for (const words of found.passedOver) {
      emitNote(`${connection.host}: ${words}; taking ${productOf(found.engine)} instead`);
    }
    return { ...found, connection };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** What `ssh://[user@]host[:port]/NAME` says. @throws TransferError USAGE */
export function parseRemoteImage(word: string): { readonly host: HostWord; readonly name: string } {
  const [, host, name] = /^ssh:\/\/([^/]+)\/(.+)$/.exec(word) ?? [];
  if (host !== undefined && name !== undefined) return { host: parseHost(host), name };
  throw new TransferError('USAGE', `${word}: expected ssh://[user@]host[:port]/NAME`, {
    hint: 'For example ssh://deploy@build/app:1.0.',
  });
}
