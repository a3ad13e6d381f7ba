import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection } from '../../../src/transports/ssh/index.js';
import { makeKey, startSshServer } from '../../helpers/ssh-server.js';
import { type Home, knownLine, makeHome, ran, tryConnect } from './fixtures.js';
import { hasSshd, startSshd } from './sshd.js';

// What every connection does, whoever serves it and whichever client makes it.

const hasSsh = spawnSync('ssh', ['-V']).status === 0;
const cases = [
  ['built-in client', 'in-process server', undefined, true],
  ['built-in client', 'OpenSSH server', undefined, hasSshd],
  ['ssh', 'in-process server', 'ssh', hasSsh],
  ['ssh', 'OpenSSH server', 'ssh', hasSsh && hasSshd],
] as const;

for (const [client, kind, program, isHere] of cases) {
  if (!isHere) continue;
  describe(`${client}, ${kind}`, () => {
    const userKey = makeKey('ecdsa');
    const hostKey = makeKey('ed25519');
    let home: Home;
    let server: { readonly port: number; close(): Promise<void>; drop?(): void };
    const open: Connection[] = [];

    beforeAll(async () => {
      home = makeHome();
      server =
        kind === 'OpenSSH server'
          ? await startSshd(home.folder, hostKey, userKey)
          : await startSshServer({ hostKeys: [hostKey], keys: [userKey.public] });
      home.put('key', userKey.private);
      home.put('other', makeKey().private);
      home.put('known', knownLine(server.port, hostKey));
      config('known', 'key');
    });
    afterEach(async () => {
      await Promise.all(open.splice(0).map((connection) => connection.close()));
      config('known', 'key');
    });
    afterAll(async () => {
      await server.close();
      home.remove();
    });

    const config = (known: string, key: string): void => {
      home.put(
        'config',
        `IdentityFile ${home.path(key)}\nIdentitiesOnly yes\nIdentityAgent none\nUserKnownHostsFile ${home.path(known)}\nGlobalKnownHostsFile none\n`,
      );
    };
    const dial = async (accept = false, notes: string[] = []): Promise<Connection> => {
      const word = `${userInfo().username}@127.0.0.1:${String(server.port)}`;
      const connection = await tryConnect(home, server.port, {
        word,
        settings: { program, acceptNewHostKey: accept },
        notes,
      });
      open.push(connection);
      return connection;
    };

    test('arguments arrive as they are; output, status and both streams come back', async () => {
      const connection = await dial();
      const odd = ['', ' ', "it's", '$HOME', '`id`', 'a\\b', '"', '*', 'x=y', 'line\nbreak', '~', '#', 'ü', '-n', '!'];
      expect((await ran(connection, ['printf', '%s\\0', ...odd])).stdout.split('\0').slice(0, -1)).toEqual(odd);
      expect(await ran(connection, ['sh', '-c', 'echo out; echo err >&2; exit 3'])).toMatchObject({
        status: 3,
        signal: null,
        stdout: 'out\n',
        stderr: 'err\n',
      });
      expect((await ran(connection, ['no-such-program'])).status).toBe(127);
      expect((await ran(connection, ['sh', '-c', 'exit 255'])).status).toBe(255);
      expect(connection.lost.aborted).toBe(false);
    });

    test('standard input arrives, no faster than it is read; without it there is its end', async () => {
      const connection = await dial();
      expect((await ran(connection, ['cat'])).stdout).toBe('');
      const child = connection.start(['sh', '-c', 'sleep 0.5; wc -c'], true);
      let counted = '';
      child.stdout.on('data', (chunk: Buffer) => (counted += chunk.toString()));
      child.stderr.resume();
      const chunk = Buffer.alloc(1 << 20);
      const before = process.memoryUsage.rss();
      let most = 0;
      for (let sent = 0; sent < 64; sent++) {
        if (!child.stdin.write(chunk)) await once(child.stdin, 'drain');
        most = Math.max(most, process.memoryUsage.rss() - before);
      }
      child.stdin.end();
      expect((await child.exited).status).toBe(0);
      expect(Number(counted)).toBe(64 << 20);
      expect(most).toBeLessThan(96 << 20);
    });

    test('large output arrives whole, also at a slow reader', async () => {
      const connection = await dial();
      const child = connection.start(['head', '-c', '8000000', '/dev/zero'], false);
      child.stderr.resume();
      await sleep(300);
      let bytes = 0;
      for await (const chunk of child.stdout as AsyncIterable<Buffer>) bytes += chunk.length;
      expect(bytes).toBe(8_000_000);
      expect((await child.exited).status).toBe(0);
    });

    test('more commands than a host takes at a time wait for their turn; one that is not read holds up no other', async () => {
      const connection = await dial();
      const unread = connection.start(['yes'], true);
      const all = await Promise.all(Array.from({ length: 24 }, (_, at) => ran(connection, ['echo', String(at)])));
      expect(all.map(({ stdout }) => Number(stdout))).toEqual(Array.from({ length: 24 }, (_, at) => at));
      unread.stdout.destroy();
      unread.stop();
      expect((await unread.exited).status).not.toBe(0);
    });

    test('a command that is told to end ends', async () => {
      const connection = await dial();
      const child = connection.start(['cat'], true);
      child.stdout.resume();
      child.stderr.resume();
      await sleep(200);
      child.stop(true);
      const exit = await child.exited;
      expect([0, null]).toContain(exit.status);
      expect((await ran(connection, ['echo', 'on'])).stdout).toBe('on\n');
    });

    test('closing ends it, and is no loss', async () => {
      const connection = await dial();
      const child = connection.start(['cat'], true);
      await sleep(100);
      await connection.close();
      await connection.close();
      await expect(child.exited).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
      await expect(connection.start(['true'], false).exited).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
      expect(connection.lost.aborted).toBe(false);
    });

    test('a connection that breaks is noticed', async () => {
      const connection = await dial();
      const child = connection.start(['cat'], true);
      child.stdout.resume();
      child.stderr.resume();
      const parent = Number((await ran(connection, ['sh', '-c', 'echo $PPID'])).stdout);
      if (server.drop !== undefined) server.drop();
      else process.kill(parent, 'SIGKILL'); // the process of our own sshd that serves this connection
      await expect(child.exited).rejects.toMatchObject({
        code: 'CONNECTION_LOST',
        message: expect.stringContaining('the connection broke'),
      });
      expect(connection.lost.reason).toMatchObject({ code: 'CONNECTION_LOST' });
      await expect(connection.start(['true'], false).exited).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    });

    test('a key that is not known there is refused', async () => {
      config('known', 'other');
      await expect(dial()).rejects.toMatchObject({ code: 'HOST_REFUSED' });
    });

    test('a host key that has changed is refused, whatever is accepted', async () => {
      home.put('changed', knownLine(server.port, makeKey()));
      config('changed', 'key');
      await expect(dial(true)).rejects.toMatchObject({
        code: 'HOST_REFUSED',
        message: expect.stringMatching(/changed/i),
        hint: expect.stringContaining('ssh-keygen -R'),
      });
    });

    test('an unknown host is refused, or its key taken and noted', async () => {
      home.put('fresh', '');
      config('fresh', 'key');
      await expect(dial()).rejects.toMatchObject({
        code: 'HOST_REFUSED',
        hint: expect.stringContaining('--accept-new-host-key'),
      });
      await dial(true);
      await dial();
    });

    test('nobody listens: unreachable', async () => {
      const gone = await startSshServer();
      await gone.close();
      const word = `x@127.0.0.1:${String(gone.port)}`;
      await expect(tryConnect(home, gone.port, { word, settings: { program } })).rejects.toMatchObject({
        code: 'HOST_UNREACHABLE',
        message: expect.stringMatching(/refused/i),
      });
    });
  });
}
