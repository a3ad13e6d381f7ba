import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection } from '../../../src/transports/ssh/index.js';
import { makeKey, type SshServer, startSshServer } from '../../helpers/ssh-server.js';
import { type Home, knownLine, makeHome, tryConnect } from './fixtures.js';

// A line that is slow is not dead, though signs of life wait behind all that is under way.

const key = makeKey('ecdsa');
let home: Home;
let server: SshServer;
let proxy: Server | undefined;
let connection: Connection | undefined;
beforeEach(async () => {
  home = makeHome();
  home.put('id_ecdsa', key.private);
  server = await startSshServer({ keys: [key.public] });
});
afterEach(async () => {
  await connection?.close();
  await server.close();
  proxy?.close();
  home.remove();
});

/** A way to the server that lets so many bytes through in a second, and takes no more than it has passed on. */
async function throttle(bytesPerSecond: number): Promise<number> {
  proxy = createServer((near) => {
    const far = connect(server.port, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => undefined);
      one.once('close', () => other.destroy());
    }
    far.pipe(near);
    void (async () => {
      for await (const chunk of near as AsyncIterable<Buffer>) {
        far.write(chunk);
        await sleep((chunk.length / bytesPerSecond) * 1000);
      }
    })().catch(() => undefined);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  return (proxy.address() as AddressInfo).port;
}

describe('a slow line', () => {
  // To scale: with the usual 15 s these are 100 kB/s.
  test('takes 12 s for what is under way, and stays', async () => {
    const port = await throttle(500_000);
    home.put('config', 'GlobalKnownHostsFile none\nServerAliveInterval 3\nServerAliveCountMax 3\n');
    home.put('known_hosts', knownLine(port, server.hostKey));
    connection = await tryConnect(home, port);
    const child = connection.start(['wc', '-c'], true);
    let counted = '';
    child.stdout.on('data', (chunk: Buffer) => (counted += chunk.toString()));
    child.stderr.resume();
    child.stdin.end(Buffer.alloc(6_000_000));
    expect((await child.exited).status).toBe(0);
    expect(Number(counted)).toBe(6_000_000);
    expect(connection.lost.aborted).toBe(false);
  });
});
