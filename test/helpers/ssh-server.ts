import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import ssh2, {
  type AuthContext,
  type AuthenticationType,
  type Connection,
  type PublicKeyAuthContext,
  type ServerChannel,
  type Session,
} from 'ssh2';

export interface KeyPair {
  /** As a key file has it. */
  readonly private: string;
  /** `ssh-ed25519 AAAA... comment`, as known_hosts and authorized_keys have it. */
  readonly public: string;
}

export const makeKey = (type: 'ed25519' | 'ecdsa' = 'ed25519', passphrase?: string): KeyPair => {
  const lock = passphrase === undefined ? {} : { passphrase, cipher: 'aes256-ctr', rounds: 4 };
  for (;;) {
    const pair =
      type === 'ed25519'
        ? ssh2.utils.generateKeyPairSync('ed25519', { comment: 'test', ...lock })
        : ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256, comment: 'test', ...lock });
    // One in some hundred is malformed; ssh-keygen does not take it either.
    if (!(ssh2.utils.parseKey(pair.private, passphrase) instanceof Error)) return pair;
  }
};

export interface SshServerOptions {
  readonly hostKeys?: readonly KeyPair[];
  readonly password?: string;
  /** The answer to `Code: `, by keyboard-interactive. */
  readonly code?: string;
  /** Public keys that may come in. */
  readonly keys?: readonly string[];
  /** Keys and a password after it. */
  readonly both?: boolean;
  /** The environment of the commands, such as a PATH with fake engines. */
  readonly env?: NodeJS.ProcessEnv;
  /** Whether it leaves wishes for a way to another host without an answer. */
  readonly neverForwards?: boolean;
  /** Sessions at a time on a connection. */
  readonly maxSessions?: number;
}

export interface SshServer {
  readonly port: number;
  readonly hostKey: KeyPair;
  /** The commands, as they came. */
  readonly commands: readonly string[];
  /** The ways in that were tried: `publickey`, `password`. */
  readonly attempts: readonly string[];
  /** The most sessions that one connection had open at a time. */
  readonly mostSessions: () => number;
  readonly connections: () => number;
  /** Exchanges keys anew on all connections, as servers do after some gigabytes. */
  rekey(): Promise<void>;
  /** Cuts all connections. */
  drop(): void;
  /** Stops reading and answering; the connections stay. */
  hang(): void;
  close(): Promise<void>;
}

/** An SSH server in this process, on the loopback interface. Commands run by `sh -c`, as this user. */
export async function startSshServer(options: SshServerOptions = {}): Promise<SshServer> {
  const hostKeys = options.hostKeys ?? [makeKey()];
  const state: State = { commands: [], attempts: [], running: new Set(), most: 0, closed: false };
  const sockets = new Set<Socket>();
  const clients = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: hostKeys.map((key) => key.private) }, (client) => {
    clients.add(client.on('error', () => undefined));
    client.once('close', () => clients.delete(client));
    serve(client, options, state);
  });
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    server.injectSocket(socket);
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (listener.address() as AddressInfo).port,
    hostKey: hostKeys[0]!,
    commands: state.commands,
    attempts: state.attempts,
    mostSessions: () => state.most,
    connections: () => sockets.size,
    rekey: async () => {
      for (const client of clients) {
        client.rekey();
        await once(client, 'rekey');
      }
    },
    drop,
    hang: () => {
      for (const socket of sockets) socket.pause();
    },
    close: async () => {
      state.closed = true;
      drop();
      for (const pid of state.running) process.kill(-pid, 'SIGKILL');
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

interface State {
  readonly commands: string[];
  readonly attempts: string[];
  /** By pid: commands of connections that broke while they were made may not have noticed. */
  readonly running: Set<number>;
  most: number;
  closed: boolean;
}

function serve(client: Connection, options: SshServerOptions, state: State): void {
  let open = 0;
  const passed = new Set<string>();
  client.on('authentication', (context) => {
    if (context.method !== 'none') state.attempts.push(context.method);
    judge(context, options, passed);
  });
  client.on('session', (accept, reject) => {
    if (open >= (options.maxSessions ?? 10)) {
      reject();
      return;
    }
    state.most = Math.max(state.most, ++open);
    const session = accept();
    session.once('close', () => open--);
    run(session, options, state);
  });
  client.on('tcpip', (accept, reject, info) => {
    if (options.neverForwards === true) return;
    const socket = connect(info.destPort, info.destIP);
    socket.once('error', () => {
      if (socket.connecting || socket.pending) reject();
    });
    socket.once('connect', () => {
      const channel = accept();
      channel.on('error', () => undefined);
      socket.pipe(channel).pipe(socket);
    });
  });
}

function judge(context: AuthContext, options: SshServerOptions, passed: Set<string>): void {
  const { password, code, both = false } = options;
  const no = (partial?: boolean): void => {
    context.reject(waysIn(options, passed), partial);
  };
  if (context.method === 'password' && context.password === password) context.accept();
  else if (context.method === 'publickey' && isKnown(context, options)) {
    if (both && context.signature !== undefined) {
      passed.add('publickey');
      no(true);
    } else context.accept();
  } else if (context.method === 'keyboard-interactive' && code !== undefined) {
    context.prompt([{ prompt: 'Code: ', echo: false }], 'Test', '', (answers) => {
      if (answers[0] === code) context.accept();
      else no();
    });
  } else no();
}

function waysIn(
  { keys = [], password, code, both = false }: SshServerOptions,
  passed: Set<string>,
): AuthenticationType[] {
  const ways: AuthenticationType[] = [];
  if (keys.length > 0 && !passed.has('publickey')) ways.push('publickey');
  if (password !== undefined && (!both || passed.has('publickey'))) ways.push('password');
  if (code !== undefined) ways.push('keyboard-interactive');
  return ways;
}

const isKnown = (context: PublicKeyAuthContext, { keys = [] }: SshServerOptions): boolean =>
  keys.some((key) => isKey(key, context.key.data));

const isKey = (line: string, data: Buffer): boolean => Buffer.from(line.split(' ')[1] ?? '', 'base64').equals(data);

function run(session: Session, { env }: SshServerOptions, state: State): void {
  let pid: number | undefined;
  session.on('signal', (accept, _reject, info) => {
    if (typeof accept === 'function') accept();
    if (pid !== undefined) process.kill(-pid, `SIG${info.name}`);
  });
  session.on('exec', (accept, _reject, info) => {
    // Bytes of a connection that was cut may still be under way in here.
    if (state.closed) return;
    state.commands.push(info.command);
    const channel: ServerChannel = accept();
    const child = spawn('sh', ['-c', info.command], {
      detached: true,
      env: env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const own = child.pid;
    pid = own;
    if (own !== undefined) state.running.add(own);
    child.once('exit', () => state.running.delete(own ?? 0));
    channel.on('error', () => undefined);
    child.stdin.on('error', () => undefined);
    channel.pipe(child.stdin);
    child.stdout.pipe(channel, { end: false });
    child.stderr.pipe(channel.stderr, { end: false });
    channel.once('close', () => {
      child.stdin.end();
      child.stdout.destroy();
      child.stderr.destroy();
    });
    child.once('close', (status, signal) => {
      if (signal !== null) channel.exit(signal.slice(3));
      else channel.exit(status ?? 0);
      channel.end();
    });
  });
}
