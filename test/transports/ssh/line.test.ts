import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection } from '../../../src/transports/ssh/index.js';
import { makeKey, type SshServer, type SshServerOptions, startSshServer } from '../../helpers/ssh-server.js';
import { type Home, knownLine, makeHome, ran, type Try, tryConnect } from './fixtures.js';

// Ways that a line goes: through other hosts, and down.

const key = makeKey('ecdsa');
let home: Home;
let servers: SshServer[] = [];
let others: Server[] = [];
let open: Connection[] = [];
beforeEach(() => {
  home = makeHome();
  home.put('id_ecdsa', key.private);
});
afterEach(async () => {
  await Promise.all(open.map((connection) => connection.close()));
  await Promise.all(servers.map((server) => server.close()));
  for (const other of others) other.close();
  home.remove();
  [servers, others, open] = [[], [], []];
});
const serve = async (options: SshServerOptions = {}): Promise<SshServer> => {
  const server = await startSshServer({ keys: [key.public], ...options });
  servers.push(server);
  home.put('known_hosts', servers.map(({ port, hostKey }) => knownLine(port, hostKey)).join(''));
  return server;
};
const enter = async (port: number, config = '', options: Try = {}): Promise<Connection> => {
  home.put('config', `GlobalKnownHostsFile none\n${config}`);
  const connection = await tryConnect(home, port, options);
  open.push(connection);
  return connection;
};

describe('through other hosts', () => {
  test('one, two, and by name', async () => {
    const [target, near, far] = [await serve(), await serve(), await serve()];
    const config = `
Host target
  HostName 127.0.0.1
  Port ${String(target.port)}
  ProxyJump near,tester@127.0.0.1:${String(far.port)}
Host near
  HostName 127.0.0.1
  Port ${String(near.port)}
Host *
  ProxyJump none
  User tester
`;
    const connection = await enter(0, config, { word: 'target' });
    expect((await ran(connection, ['echo', 'there'])).stdout).toBe('there\n');
    expect([near, far, target].map((server) => server.connections())).toEqual([1, 1, 1]);
    await connection.close();
    await sleep(100);
    expect([near, far, target].map((server) => server.connections())).toEqual([0, 0, 0]);
  });

  test('a way in between that breaks', async () => {
    const [target, near] = [await serve(), await serve()];
    const jump = `tester@127.0.0.1:${String(near.port)}`;
    const connection = await enter(target.port, '', { settings: { jump, configFile: home.path('config') } });
    const child = connection.start(['cat'], true);
    await sleep(50);
    near.drop();
    await expect(child.exited).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  test('a host in between that does not answer any more, and one that cuts the line', async () => {
    const near = await serve({ neverForwards: true });
    const settings = { jump: `tester@127.0.0.1:${String(near.port)}`, configFile: home.path('config') };
    await expect(enter(22, 'ConnectTimeout 1\n', { settings })).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
      message: expect.stringContaining('no answer in 1 s'),
    });
    const connecting = enter(22, '', { settings });
    setTimeout(() => {
      near.drop();
    }, 500);
    await expect(connecting).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' });
  });

  test('eight commands when the line breaks: all are told; a new connection works', async () => {
    const server = await serve();
    const connection = await enter(server.port);
    const children = Array.from({ length: 12 }, () => connection.start(['cat'], true));
    await sleep(300);
    server.drop();
    const ends = await Promise.allSettled(children.map(({ exited }) => exited));
    expect(ends.map(({ status }) => status)).toEqual(children.map(() => 'rejected'));
    expect((await ran(await enter(server.port), ['echo', 'again'])).stdout).toBe('again\n');
  });

  test('what the host in between does not reach, does not let in, and a circle', async () => {
    const near = await serve();
    const gone = await startSshServer();
    await gone.close();
    const settings = { jump: `tester@127.0.0.1:${String(near.port)}`, configFile: home.path('config') };
    await expect(enter(gone.port, '', { settings })).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
      message: expect.stringContaining('does not get through'),
    });
    await expect(enter(0, 'Host a\n ProxyJump b\nHost b\n ProxyJump a\n', { word: 'a' })).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('circle'),
    });
    await expect(enter(0, 'ProxyCommand nc %h %p\n', { word: 'a' })).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('--ssh-program ssh'),
    });
    await sleep(100);
    expect(near.connections()).toBe(0);
  });
});

describe('lines that fail', () => {
  test('a host that stops answering is noticed', async () => {
    const server = await serve();
    const connection = await enter(server.port, 'ServerAliveInterval 1\nServerAliveCountMax 1\n');
    const child = connection.start(['cat'], true);
    await sleep(50);
    server.hang();
    const start = Date.now();
    await expect(child.exited).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      message: expect.stringContaining('no sign of life'),
    });
    expect(Date.now() - start).toBeLessThan(5_000);
    expect(connection.lost.aborted).toBe(true);
  });

  test('a quiet line that is alive stays', async () => {
    const server = await serve();
    const connection = await enter(server.port, 'ServerAliveInterval 1\nServerAliveCountMax 1\n');
    await sleep(3_500);
    expect(connection.lost.aborted).toBe(false);
    expect((await ran(connection, ['echo', 'on'])).stdout).toBe('on\n');
  });

  test('fewer sessions than usual: commands wait', async () => {
    const server = await serve({ maxSessions: 2 });
    const connection = await enter(server.port);
    const all = await Promise.all(Array.from({ length: 9 }, (_, at) => ran(connection, ['echo', String(at)])));
    expect(all.map(({ stdout }) => stdout.trim())).toEqual(Array.from({ length: 9 }, (_, at) => String(at)));
    expect(server.mostSessions()).toBe(2);
  });

  const listen = async (onConnection: (socket: Socket) => void): Promise<number> => {
    const server = createServer(onConnection);
    others.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return (server.address() as AddressInfo).port;
  };

  test('no SSH server, a silent one, no such host', async () => {
    const web = await listen((socket) => {
      socket.on('error', () => undefined);
      socket.end('HTTP/1.0 400 Bad Request\r\n\r\n');
    });
    await expect(enter(web)).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
      message: expect.stringContaining('not an SSH server'),
    });
    const silent = await listen((socket) => socket.on('error', () => undefined).resume());
    await expect(enter(silent, 'ConnectTimeout 1\n')).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
      message: expect.stringContaining('no answer in 1 s'),
    });
    await expect(enter(0, '', { word: 'no-such-host.invalid' })).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
      message: expect.stringContaining('no-such-host.invalid (port 22)'),
    });
  });

  test('an abort while connecting', async () => {
    const silent = await listen((socket) => socket.on('error', () => undefined).resume());
    const abort = new AbortController();
    setTimeout(() => {
      abort.abort(new Error('enough'));
    }, 100);
    await expect(enter(silent, '', { signal: abort.signal })).rejects.toThrow('enough');
    await expect(enter(silent, '', { signal: abort.signal })).rejects.toThrow('enough');
  });
});
