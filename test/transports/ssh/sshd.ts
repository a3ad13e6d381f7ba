import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KeyPair } from '../../helpers/ssh-server.js';

export const sshdPath = '/usr/sbin/sshd';
/** Started by root, it wants this folder. */
export const hasSshd = existsSync(sshdPath) && (process.getuid?.() !== 0 || existsSync('/run/sshd'));

export interface Sshd {
  readonly port: number;
  close(): Promise<void>;
}

/** An OpenSSH server on the loopback interface, as this user, who comes in with `key`. */
export async function startSshd(folder: string, hostKey: KeyPair, key: KeyPair): Promise<Sshd> {
  const port = await freePort();
  const file = (name: string, text: string, mode = 0o600): string => {
    writeFileSync(path.join(folder, name), text, { mode });
    return path.join(folder, name);
  };
  const config = file(
    'sshd_config',
    [
      `ListenAddress 127.0.0.1:${String(port)}`,
      `HostKey ${file('host-key', hostKey.private)}`,
      `AuthorizedKeysFile ${file('authorized', `${key.public}\n`)}`,
      ...['PidFile none', 'StrictModes no', 'UsePAM no', 'PasswordAuthentication no', 'PermitRootLogin yes', ''],
    ].join('\n'),
  );
  const child = spawn(sshdPath, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr.resume();
  await untilOpen(port, child);
  return {
    port,
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilOpen(port: number, child: ChildProcess): Promise<void> {
  for (let turn = 0; turn < 200 && child.exitCode === null; turn++) {
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      sleep(500).then(() => false),
    ]);
    socket.destroy();
    if (open) return;
    await sleep(25);
  }
  throw new Error('sshd did not start');
}
