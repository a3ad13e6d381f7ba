import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { type Connection } from '../../../src/transports/ssh/index.js';
import { makeKey, type SshServer, type SshServerOptions, startSshServer } from '../../helpers/ssh-server.js';
import { type Home, knownLine, makeHome, ran, script, type Try, tryConnect } from './fixtures.js';

let home: Home;
let servers: SshServer[] = [];
let open: Connection[] = [];
beforeEach(() => {
  home = makeHome();
});
afterEach(async () => {
  await Promise.all(open.map((connection) => connection.close()));
  await Promise.all(servers.map((server) => server.close()));
  home.remove();
  servers = [];
  open = [];
});

/** A server whose key is known. */
async function serve(options: SshServerOptions, config = ''): Promise<SshServer> {
  const server = await startSshServer(options);
  servers.push(server);
  home.put('known_hosts', knownLine(server.port, server.hostKey));
  home.put('config', `GlobalKnownHostsFile none\n${config}`);
  return server;
}
async function enter(server: SshServer, options: Try = {}): Promise<Connection> {
  const connection = await tryConnect(home, server.port, options);
  open.push(connection);
  return connection;
}

describe('ways in', () => {
  test('the usual key, without a config file', async () => {
    const key = makeKey('ecdsa');
    const server = await serve({ keys: [key.public] });
    home.put('id_ecdsa', key.private);
    expect((await ran(await enter(server, { settings: {} }), ['echo', 'in'])).stdout).toBe('in\n');
  });

  test('a key of -i, before those of the config file', async () => {
    const key = makeKey();
    home.put('mine', key.private);
    home.put('id_rsa', makeKey().private);
    const server = await serve({ keys: [key.public] }, `IdentityFile ${home.path('id_rsa')}\n`);
    await enter(server, { settings: { identityFiles: [home.path('mine')], configFile: home.path('config') } });
    expect(server.attempts.filter((way) => way === 'publickey').length).toBeLessThanOrEqual(2);
  });

  test('a key of -i that is not there or cannot be used: an error that names it, also where another key would do', async () => {
    const key = makeKey('ecdsa');
    home.put('id_ecdsa', key.private);
    const server = await serve({ keys: [key.public] });
    const given = (file: string): Promise<Connection> =>
      enter(server, { settings: { identityFiles: [file], configFile: home.path('config') } });
    await expect(given('~/.ssh/gone')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: `the key ${home.path('gone')} (-i): no such file or folder`,
    });
    await expect(given(home.path())).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('folder'),
    });
    const open = home.put('open', key.private);
    chmodSync(open, 0o644);
    await expect(given(open)).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining(`chmod 600 ${open}`),
    });
    expect(server.attempts).toEqual([]);
    // As with OpenSSH, those of a config file may be missing.
    await serveAgain(server, `IdentityFile ~/.ssh/gone\nIdentityFile ~/.ssh/id_ecdsa\n`);
    await enter(server);
  });

  test('an encrypted key asks up to three times, once in a run', async () => {
    const key = makeKey('ed25519', 'open sesame');
    const server = await serve({ keys: [key.public] });
    const file = home.put('id_ed25519', key.private);
    const ask = script('wrong', 'open sesame');
    await enter(server, { ask });
    await enter(server, { ask });
    const question = `Passphrase for the key ${file}: `;
    expect(ask.asked).toEqual([question, `Wrong passphrase. ${question}`]);
  });

  test('an encrypted key and nobody to ask: it says so', async () => {
    const key = makeKey('ed25519', 'x');
    const server = await serve({ keys: [key.public], password: 'p' });
    const file = home.put('id_ed25519', key.private);
    await expect(enter(server)).rejects.toMatchObject({
      code: 'HOST_REFUSED',
      message:
        `tester@127.0.0.1:${String(server.port)}: tester@127.0.0.1 does not let us in: nothing to try; ` +
        `not tried: agent (none runs), ${file} (encrypted, nobody to ask for its passphrase), password (nobody to ask); ` +
        'it takes publickey, password',
      hint: expect.stringContaining(`ssh-copy-id -p ${String(server.port)} tester@127.0.0.1.`),
    });
  });

  test('a password, three times; it is asked once in a run', async () => {
    const server = await serve({ password: 'right' });
    const ask = script('wrong', 'right');
    await enter(server, { ask });
    await enter(server, { ask });
    expect(ask.asked).toEqual(["tester@127.0.0.1's password: ", "tester@127.0.0.1's password: "]);
    const wrong = script('1', '2', '3', '4');
    await expect(enter(server, { ask: wrong })).rejects.toMatchObject({
      code: 'HOST_REFUSED',
      message: expect.stringContaining('tried password'),
    });
    expect(wrong.asked).toHaveLength(3);
  });

  test('keyboard-interactive; BatchMode asks nobody', async () => {
    const server = await serve({ code: '1234' });
    const ask = script('1234');
    await enter(server, { ask });
    expect(ask.asked[0]).toContain('Code: ');
    await serveAgain(server, 'BatchMode yes\n');
    await expect(enter(server, { ask: script('1234') })).rejects.toMatchObject({ code: 'HOST_REFUSED' });
  });

  test('a key and then a password, where the host wants both', async () => {
    const key = makeKey('ecdsa');
    const server = await serve({ keys: [key.public], password: 'p', both: true });
    home.put('id_ecdsa', key.private);
    await enter(server, { ask: script('p') });
    expect(server.attempts.at(-1)).toBe('password');
  });

  test('a key that the host does not know, and a named one that is not there, are named', async () => {
    const server = await serve({ keys: [makeKey().public] }, 'IdentityFile ~/.ssh/gone\nIdentityFile ~/.ssh/other\n');
    home.put('other', makeKey('ecdsa').private);
    await expect(enter(server)).rejects.toMatchObject({
      message: expect.stringMatching(/tried \S+other; not tried: agent \(none runs\), \S+gone \(no such file\)/),
    });
  });

  test('an abort while the user is asked', async () => {
    const server = await serve({ password: 'x' });
    const abort = new AbortController();
    const never = (_question: string, signal: AbortSignal): Promise<undefined> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
        abort.abort(new Error('enough'));
      });
    await expect(enter(server, { ask: { secret: never, line: never }, signal: abort.signal })).rejects.toThrow(
      'enough',
    );
  });
});

/** OpenSSH's own. */
const tools = { agent: 'ssh-agent', add: 'ssh-add' };
const hasAgent = spawnSync(tools.agent, ['-h']).error === undefined;
(hasAgent ? describe : describe.skip)('an agent', () => {
  test('serves its keys; IdentitiesOnly chooses among them', async () => {
    const [first, second] = [makeKey('ecdsa'), makeKey('ecdsa')];
    const socket = home.path('agent');
    const agent = spawn(tools.agent, ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      await once(agent.stdout, 'data');
      const env = { ...home.env, SSH_AUTH_SOCK: socket };
      for (const [at, key] of [first, second].entries()) {
        expect(spawnSync(tools.add, [home.put(`k${String(at)}`, key.private)], { env }).status).toBe(0);
      }
      const server = await serve({ keys: [second.public] });
      home.env['SSH_AUTH_SOCK'] = socket;
      await enter(server);
      home.put('chosen.pub', first.public);
      await serveAgain(server, `IdentityFile ${home.path('chosen')}\nIdentitiesOnly yes\n`);
      await expect(enter(server)).rejects.toMatchObject({ message: expect.stringContaining('tried agent (1 key)') });
    } finally {
      agent.kill();
    }
  });
});

function serveAgain(server: SshServer, config: string): Promise<void> {
  home.put('known_hosts', knownLine(server.port, server.hostKey));
  home.put('config', `GlobalKnownHostsFile none\n${config}`);
  return Promise.resolve();
}

describe('host keys', () => {
  const key = makeKey('ecdsa');
  const meet = async (hostKeys = [makeKey()]): Promise<SshServer> => {
    home.put('id_ecdsa', key.private);
    return serve({ keys: [key.public], hostKeys });
  };

  test('a changed key: both fingerprints, file, line and what to do', async () => {
    const server = await meet();
    const file = home.put('known_hosts', `# mine\n${knownLine(server.port, makeKey())}`);
    await expect(enter(server, { ask: script('yes') })).rejects.toMatchObject({
      code: 'HOST_REFUSED',
      message: expect.stringMatching(
        new RegExp(
          `the host key has changed: expected ED25519 SHA256:\\S+ \\(${file}, line 2\\), found ED25519 SHA256:\\S+$`,
        ),
      ),
      hint: expect.stringContaining(`ssh-keygen -R '[127.0.0.1]:${String(server.port)}' -f '${file}'`),
    });
    home.put('config', 'GlobalKnownHostsFile none\nStrictHostKeyChecking no\n');
    await expect(
      enter(server, { settings: { configFile: home.path('config'), acceptNewHostKey: true } }),
    ).rejects.toMatchObject({
      code: 'HOST_REFUSED',
    });
  });

  test('an unknown key without a terminal: what to do', async () => {
    const server = await meet();
    home.put('known_hosts', '');
    await expect(enter(server)).rejects.toMatchObject({
      code: 'HOST_REFUSED',
      message: expect.stringMatching(
        /unknown host: its ED25519 key SHA256:\S+ is not in \S+known_hosts, and there is no terminal/,
      ),
      hint: expect.stringMatching(/--accept-new-host-key.*ssh-keyscan -p \d+ 127\.0\.0\.1/),
    });
  });

  test('an unknown key is asked about; yes is noted', async () => {
    const server = await meet();
    const file = home.put('known_hosts', '');
    await expect(enter(server, { ask: script('no') })).rejects.toMatchObject({
      message: expect.stringContaining('not accepted'),
    });
    const notes: string[] = [];
    const ask = script('maybe', 'yes');
    await enter(server, { ask, notes });
    expect(ask.asked[0]?.split('\n')).toEqual([
      `tester@127.0.0.1:${String(server.port)}: a host that was never met.`,
      expect.stringMatching(/^Its ED25519 key is SHA256:\S+\.$/),
      'Go on, and note it (yes/no/fingerprint)? ',
    ]);
    expect(readFileSync(file, 'utf8')).toBe(knownLine(server.port, server.hostKey));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(notes[0]).toContain(`was added to ${file}`);
    await enter(server);
  });

  test('StrictHostKeyChecking yes refuses, accept-new takes', async () => {
    const server = await meet();
    home.put('known_hosts', '');
    home.put('config', 'GlobalKnownHostsFile none\nStrictHostKeyChecking yes\n');
    await expect(enter(server, { ask: script('yes') })).rejects.toMatchObject({
      message: expect.stringContaining('is yes'),
    });
    home.put('config', 'GlobalKnownHostsFile none\nStrictHostKeyChecking accept-new\n');
    await enter(server);
  });

  test('of several keys that a host has, the one that is known is asked for', async () => {
    const hostKeys = [makeKey('ed25519'), makeKey('ecdsa')];
    const server = await meet(hostKeys);
    home.put('known_hosts', knownLine(server.port, hostKeys[1]!));
    await enter(server);
  });

  test('a revoked key is refused', async () => {
    const server = await meet();
    home.put('known_hosts', `${knownLine(server.port, server.hostKey)}@revoked * ${server.hostKey.public}\n`);
    await expect(enter(server)).rejects.toMatchObject({
      code: 'HOST_REFUSED',
      message: expect.stringContaining('@revoked'),
    });
  });
});
