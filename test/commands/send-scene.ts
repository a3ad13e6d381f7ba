import { afterEach, beforeEach } from '@jest/globals';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ImageNode, type ManifestNode } from '../../src/model/graph.js';
import { type ByteStream, bytesOf } from '../../src/primitives/bytes.js';
import { makeKey, type SshServer, startSshServer } from '../helpers/ssh-server.js';
import { tcpLine, type TcpLine } from '../helpers/tcp-line.js';
import { type Blobs, encodeTar, opener, planOf } from '../transports/images.js';

const key = makeKey();

/** A host with a fake engine: its SSH server, and the line to it. */
export interface FakeHost {
  readonly alias: string;
  readonly server: SshServer;
  readonly line: TcpLine;
  readonly folder: string;
  readonly state: () => { readonly images: Record<string, unknown>; readonly names: Record<string, string> };
  readonly calls: () => readonly string[];
}

export interface Scene {
  readonly hosts: () => readonly FakeHost[];
  /** What images of this test are made of. */
  readonly blobs: () => Blobs;
  /** Starts a host; `env` is for its engine. */
  readonly fakeHost: (env?: NodeJS.ProcessEnv, maxSessions?: number) => Promise<FakeHost>;
  /** An SSH config file that leads to all of them. */
  readonly configFile: () => string;
  /** A `docker save` file of images; `broken`: whatever their blobs hold. */
  readonly archive: (images: readonly (readonly [string, ManifestNode])[], broken?: boolean) => Promise<string>;
}

/** Hosts for each test, gone after it. */
export function useHosts(temp: (...parts: string[]) => string): Scene {
  let hosts: FakeHost[] = [];
  let blobs: Blobs = new Map();
  let files = 0;
  beforeEach(() => {
    hosts = [];
    blobs = new Map();
  });
  afterEach(async () => {
    for (const { server, line } of hosts) {
      await line.close();
      await server.close();
    }
  });

  const fakeHost: Scene['fakeHost'] = async (env = {}, maxSessions = 10) => {
    const alias = `host-${String(hosts.length)}`;
    const [bin, folder] = [temp(alias, 'bin'), temp(alias, 'engine')];
    for (const each of [bin, folder, temp(alias, 'tmp')]) mkdirSync(each, { recursive: true });
    copyFileSync(path.resolve(import.meta.dirname, '../helpers/fake-docker.mjs'), path.join(bin, 'docker'));
    chmodSync(path.join(bin, 'docker'), 0o755);
    const PATH = [bin, path.dirname(process.execPath), '/usr/bin', '/bin'].join(':');
    const server = await startSshServer({
      keys: [key.public],
      maxSessions,
      env: { PATH, FAKE_DOCKER: folder, TMPDIR: temp(alias, 'tmp'), NODE_OPTIONS: '', ...env },
    });
    const line = await tcpLine(server.port);
    const host: FakeHost = {
      alias,
      server,
      line,
      folder,
      state: () => JSON.parse(readFileSync(path.join(folder, 'state.json'), 'utf8')) as ReturnType<FakeHost['state']>,
      calls: () => readFileSync(path.join(folder, 'calls'), 'utf8').trim().split('\n'),
    };
    hosts.push(host);
    return host;
  };

  const configFile: Scene['configFile'] = () => {
    const file = temp('config');
    const known = hosts.map(({ line, server }) => `[127.0.0.1]:${String(line.port)} ${server.hostKey.public}`);
    writeFileSync(temp('known_hosts'), `${known.join('\n')}\n`);
    writeFileSync(temp('key'), key.private, { mode: 0o600 });
    const common = `User ${process.env['USER'] ?? 'me'}\nIdentityFile ${temp('key')}\nIdentitiesOnly yes\nUserKnownHostsFile ${temp('known_hosts')}\n`;
    const entries = hosts.map(
      ({ alias, line }) => `Host ${alias}\nHostName 127.0.0.1\nPort ${String(line.port)}\n${common}`,
    );
    writeFileSync(file, entries.join('\n'));
    return file;
  };

  const archive: Scene['archive'] = async (images, broken = false) => {
    const nodes = images.map(([name, root]): ImageNode => ({ name: `docker.io/he/${name}`, root }));
    const list = [...planOf(nodes).blobs].sort((a, b) => (a.blob.digest < b.blob.digest ? -1 : 1));
    const open = broken ? ({ digest }: ManifestNode['blob']): ByteStream => bytesOf(blobs.get(digest)!) : opener(blobs);
    const parts: Uint8Array[] = [];
    for await (const chunk of encodeTar(nodes, list, open as ReturnType<typeof opener>)) parts.push(chunk);
    const file = temp(`images-${String(++files)}.tar`);
    writeFileSync(file, Buffer.concat(parts));
    return file;
  };
  return { hosts: () => hosts, blobs: () => blobs, fakeHost, configFile, archive };
}
