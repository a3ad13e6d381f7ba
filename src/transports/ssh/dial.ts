import { createConnection } from 'node:net';
import { type Duplex } from 'node:stream';
import ssh2, { type Client, type ConnectConfig } from 'ssh2';
import { TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { Authentication } from './auth.js';
import { type Endpoint, noAnswer, noHandshake, notSsh, unreachable } from './failures.js';
import { type HostConfig } from './host-config.js';
import { HostKeyCheck } from './host-key.js';
import { type During, shareMemory } from './memory.js';
import { type Ask, type Company } from './settings.js';

/** GCM first: processors have instructions for it. Then what any server has. */
const ciphers: NonNullable<NonNullable<ConnectConfig['algorithms']>['cipher']> = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'chacha20-poly1305@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
];

export interface Dialled {
  readonly client: Client;
  /** What the connection runs over: a socket, or a channel of another connection. */
  readonly line: Duplex;
}

/**
 * Connects to one host, over `through` if it is given, checks its key and shows who we are.
 * @throws TransferError HOST_UNREACHABLE, HOST_REFUSED; the signal's reason
 */
export async function dial(config: HostConfig, options: Company, through?: Duplex): Promise<Dialled> {
  options.signal.throwIfAborted();
  const attempt = new Attempt(config, options);
  try {
    return await attempt.run(through ?? openSocket(config));
  } finally {
    attempt.release();
  }
}

class Attempt {
  readonly #config: HostConfig;
  readonly #options: Company;
  readonly #client = new ssh2.Client();
  readonly #authentication: Authentication;
  readonly #hostKey: HostKeyCheck;
  #phase: 'connecting' | 'greeting' | 'handshake' | 'authentication' = 'connecting';
  #timer: NodeJS.Timeout | undefined;
  /** Questions that are open: a user may take longer than a host. */
  #asking = 0;
  #over = false;
  /** Ends the questions that this attempt has put: nobody needs their answers once it has failed. */
  readonly #failed = new AbortController();
  #fail: (error: Error) => void = () => undefined;
  #onAbort: () => void = () => undefined;

  constructor(config: HostConfig, options: Company) {
    this.#config = config;
    this.#options = options;
    const ask = this.#patient(options.ask);
    const signal = AbortSignal.any([options.signal, this.#failed.signal]);
    this.#authentication = new Authentication(config, ask, signal, this.#during);
    this.#hostKey = new HostKeyCheck(config, { ask, signal, emitNote: options.emitNote });
  }

  run(line: Duplex): Promise<Dialled> {
    const { signal } = this.#options;
    const client = this.#client;
    return new Promise((resolve, reject) => {
      this.#fail = (error) => {
        reject(error);
        this.#failed.abort(error);
        client.destroy();
        line.destroy();
      };
      this.#onAbort = () => {
        this.#fail(signal.reason as Error);
      };
      signal.addEventListener('abort', this.#onAbort, { once: true });
      client.on('error', this.#onError);
      client.on('close', this.#onClose);
      client.on('connect', () => {
        this.#enter('greeting');
      });
      client.on('greeting', () => undefined);
      client.on('handshake', () => {
        this.#enter('authentication');
      });
      client.once('ready', () => {
        resolve({ client, line });
      });
      this.#restart();
      client.connect(this.#connectConfig(line));
    });
  }

  release(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#client.off('error', this.#onError);
    this.#client.off('close', this.#onClose);
    this.#client.on('error', () => undefined); // whoever has it now listens as well
  }

  #connectConfig(line: Duplex): ConnectConfig {
    const { user, aliveInterval } = this.#config;
    return {
      sock: line,
      username: user,
      readyTimeout: 0,
      keepaliveInterval: aliveInterval,
      // Who watches over the line counts by itself: what arrives is a sign of life too.
      keepaliveCountMax: Number.POSITIVE_INFINITY,
      algorithms: { cipher: ciphers, serverHostKey: this.#hostKey.algorithms(), compress: ['none'] },
      hostVerifier: (key: Buffer, verify: (good: boolean) => void) => {
        this.#phase = 'handshake';
        this.#hostKey.check(key).then(
          () => {
            // ssh2 throws when it is answered for a connection that is gone.
            if (!this.#failed.signal.aborted) verify(true);
          },
          (error: unknown) => {
            // Ends the connection: a "no" to ssh2 would do no more, and throws when the host was first.
            this.#fail(error as Error);
          },
        );
      },
      authHandler: this.#authentication.handler((error) => {
        this.#fail(error as Error);
      }),
    };
  }

  #onError = (error: Error & { level?: string }): void => {
    // ssh2 goes on with the next way by itself.
    if (error.level === 'agent' || error.message.startsWith('Error signing data')) return;
    const to: Endpoint = this.#config;
    switch (this.#phase) {
      case 'connecting':
        this.#fail(unreachable(to, error));
        break;
      case 'greeting':
        this.#fail(error.level === 'client-socket' ? unreachable(to, error) : this.#greetingFailed(error));
        break;
      case 'handshake':
        this.#fail(noHandshake(to, error));
        break;
      case 'authentication':
        this.#fail(this.#authentication.refusal(error));
        break;
    }
  };

  #greetingFailed(error: Error): TransferError {
    const isNoServer = /before handshake|identification|Invalid|version|greeting|Max/i.test(error.message);
    return isNoServer ? notSsh(this.#config, error) : noHandshake(this.#config, error);
  }

  #onClose = (): void => {
    if (this.#phase === 'authentication') this.#fail(this.#authentication.refusal());
    else this.#fail(noHandshake(this.#config, undefined));
  };

  #enter(phase: 'greeting' | 'authentication'): void {
    this.#phase = phase;
    this.#restart();
  }

  #restart(): void {
    clearTimeout(this.#timer);
    if (this.#asking > 0 || this.#over) return;
    this.#timer = setTimeout(() => {
      this.#fail(noAnswer(this.#config, this.#config.connectTimeout));
    }, this.#config.connectTimeout);
  }

  /** The clock stands still while the user is asked. */
  #patient(ask: Ask | undefined): Ask | undefined {
    if (ask === undefined) return undefined;
    const during = this.#during;
    const wrapper: Ask = {
      secret: (question, signal) => during(ask.secret(question, signal)),
      line: (question, signal) => during(ask.line(question, signal)),
    };
    return shareMemory(ask, wrapper, during);
  }

  #during: During = async (work) => {
    this.#asking++;
    clearTimeout(this.#timer);
    try {
      return await work;
    } finally {
      this.#asking--;
      this.#restart();
    }
  };
}

function openSocket({ host, port, family }: HostConfig): Duplex {
  // Node.js waits 250 ms for each address by default, which is too short for some lines.
  return createConnection({ host, port, family, noDelay: true, autoSelectFamilyAttemptTimeout: 5_000 });
}

/** A stream to `host:port` as seen from the machine that `client` is connected to. @throws TransferError HOST_UNREACHABLE */
export function tunnel(client: Client, via: string, to: HostConfig, signal: AbortSignal): Promise<Duplex> {
  return new Promise<Duplex>((resolve, reject) => {
    const onAbort = (): void => {
      settle();
      reject(signal.reason as Error);
    };
    // The host in between may be as dead as this one.
    const timer = setTimeout(() => {
      settle();
      reject(noAnswer(to, to.connectTimeout));
    }, to.connectTimeout);
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    const opened = (error: Error | undefined, channel?: Duplex): void => {
      settle();
      if (channel !== undefined) resolve(channel);
      else reject(notThrough(via, to, error));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      client.forwardOut('127.0.0.1', 0, to.host, to.port, opened);
    } catch (error) {
      opened(error as Error); // it has just gone
    }
  });
}

function notThrough(via: string, to: Endpoint, error: Error | undefined): TransferError {
  const why = printable(error?.message.replace(/^\(SSH\) Channel open failure: /, ''));
  return new TransferError(
    'HOST_UNREACHABLE',
    `${to.label} (${printable(to.host)}, port ${String(to.port)}): ${via} does not get through to it: ${why}`,
    { hint: 'Check the name as that host sees it, and that it allows forwarding (AllowTcpForwarding).', cause: error },
  );
}
