import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import ssh2, { type ParsedKey } from 'ssh2';
import { type Ask, type Connection } from '../../../src/transports/ssh/index.js';
import { findKeys } from '../../../src/transports/ssh/known-hosts.js';
import { makeKey, type SshServer, type SshServerOptions, startSshServer } from '../../helpers/ssh-server.js';
import { type Home, makeHome, ran, script, tryConnect } from './fixtures.js';

// Hosts that are met for the first time, and questions that are open meanwhile.

const key = makeKey('ecdsa');
let home: Home;
let servers: SshServer[] = [];
let open: Connection[] = [];
beforeEach(() => {
  home = makeHome();
  home.put('id_ecdsa', key.private);
});
afterEach(async () => {
  await Promise.all(open.map((connection) => connection.close()));
  await Promise.all(servers.map((server) => server.close()));
  home.remove();
  [servers, open] = [[], []];
});
const serve = async (config = '', options: SshServerOptions = { keys: [key.public] }): Promise<SshServer> => {
  const server = await startSshServer(options);
  servers.push(server);
  home.put('known_hosts', '');
  home.put('config', `GlobalKnownHostsFile none\n${config}`);
  return server;
};
const enter = async (server: SshServer, ask?: Ask): Promise<Connection> => {
  const connection = await tryConnect(home, server.port, { ...(ask !== undefined && { ask }) });
  open.push(connection);
  return connection;
};
/** Answers after a while, and notes how many questions were put. */
const slow = (answer: string, milliseconds: number): Ask & { count: number; ended: number } => {
  const put = async (_question: string, signal: AbortSignal): Promise<string> => {
    ask.count++;
    try {
      await sleep(milliseconds, undefined, { signal });
    } finally {
      ask.ended++;
    }
    return answer;
  };
  const ask = { count: 0, ended: 0, secret: put, line: put };
  return ask;
};

describe('hosts that were never met', () => {
  test('keys that are exchanged anew: no second question, no second line', async () => {
    const server = await serve();
    const ask = script('yes', 'no');
    const connection = await enter(server, ask);
    await server.rekey();
    expect((await ran(connection, ['echo', 'on'])).stdout).toBe('on\n');
    expect(ask.asked).toHaveLength(1);
    expect(readFileSync(home.path('known_hosts'), 'utf8').trim().split('\n')).toHaveLength(1);
  });

  test('two connections at once: one question, one line; nobody takes the wait for silence', async () => {
    const server = await serve('ConnectTimeout 1\n');
    const ask = slow('yes', 1_500);
    await Promise.all([enter(server, ask), enter(server, ask)]);
    expect(ask.count).toBe(1);
    expect(readFileSync(home.path('known_hosts'), 'utf8').trim().split('\n')).toHaveLength(1);
  });

  test('HashKnownHosts: the name does not show', async () => {
    const server = await serve('HashKnownHosts yes\nStrictHostKeyChecking accept-new\n');
    await enter(server);
    const file = home.path('known_hosts');
    expect(readFileSync(file, 'utf8')).toMatch(/^\|1\|/);
    expect(findKeys([file], `[127.0.0.1]:${String(server.port)}`)).toHaveLength(1);
    await enter(server);
  });

  test('RevokedHostKeys: a key in that file, a file that is not there, a binary one', async () => {
    const server = await serve(`RevokedHostKeys ~/.ssh/revoked\nStrictHostKeyChecking accept-new\n`);
    await expect(enter(server)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    home.put('revoked', `# bad\n${server.hostKey.public}\n`);
    await expect(enter(server)).rejects.toMatchObject({
      code: 'HOST_REFUSED',
      message: expect.stringContaining('is revoked in'),
    });
    home.put('revoked', 'SSHKRL\n\0');
    await expect(enter(server)).rejects.toMatchObject({ code: 'USAGE' });
    home.put('revoked', `${makeKey().public}\n`);
    await enter(server);
  });

  test('a key that is revoked under the name without a port is refused', async () => {
    const server = await serve();
    const words = server.hostKey.public.split(' ').slice(0, 2).join(' ');
    home.put('known_hosts', `[127.0.0.1]:${String(server.port)} ${words}\n@revoked 127.0.0.1 ${words}\n`);
    await expect(enter(server)).rejects.toMatchObject({ message: expect.stringContaining('revoked') });
  });
});

describe('questions', () => {
  test('end with the connection that they were put for', async () => {
    const server = await serve();
    const ask = slow('yes', 30_000);
    const connecting = enter(server, ask);
    await sleep(300);
    expect(ask.count).toBe(1);
    server.drop();
    await expect(connecting).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' });
    await sleep(50);
    expect(ask.ended).toBe(1);
    expect(readFileSync(home.path('known_hosts'), 'utf8')).toBe('');
  });

  test('one that fails ends the attempt, also with keyboard-interactive', async () => {
    const server = await serve('StrictHostKeyChecking accept-new\n', { code: '1' });
    const broken = (): Promise<undefined> => Promise.reject(new Error('no terminal any more'));
    const start = Date.now();
    await expect(enter(server, { secret: broken, line: broken })).rejects.toThrow('no terminal any more');
    expect(Date.now() - start).toBeLessThan(5_000);
  });

  test('an answer that was waited for with another host is asked for again when that one fails', async () => {
    const locked = makeKey('ed25519', 'pass');
    home.put('id_ecdsa', locked.private);
    const options = { keys: [locked.public] };
    const config = 'StrictHostKeyChecking accept-new\n';
    const [first, second] = [await serve(config, options), await serve(config, options)];
    const ask = slow('pass', 600);
    const connecting = enter(first, ask);
    await sleep(200);
    const other = enter(second, ask);
    await sleep(200);
    first.drop();
    await expect(connecting).rejects.toMatchObject({ code: 'HOST_REFUSED' });
    await other;
    expect(ask.count).toBe(2);
  });

  test('to an agent end with the connection too', async () => {
    const other = makeKey('ecdsa');
    const server = await serve('StrictHostKeyChecking accept-new\n', { keys: [key.public, other.public] });
    home.env['SSH_AUTH_SOCK'] = home.path('agent');
    const known = [key, other].map((pair) => ssh2.utils.parseKey(pair.public) as ParsedKey);
    const lines = new Set<Socket>();
    const agent = createServer((line) => {
      lines.add(line.on('error', () => undefined).once('close', () => lines.delete(line)));
      const protocol = new ssh2.AgentProtocol(false).on('error', () => undefined);
      protocol.on('identities', (request) => {
        protocol.getIdentitiesReply(request, known);
      });
      protocol.on('sign', () => {
        server.drop(); // and the user never answers
      });
      line.pipe(protocol).pipe(line);
    });
    await once(agent.listen(home.path('agent')), 'listening');
    await expect(enter(server)).rejects.toMatchObject({
      code: 'HOST_REFUSED',
      message: expect.stringContaining('tried agent (2 keys)'),
    });
    await sleep(100);
    expect(lines.size).toBe(0);
    agent.close();
  });
});
