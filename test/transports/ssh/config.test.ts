import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { hostConfig, type HostConfig } from '../../../src/transports/ssh/host-config.js';
import { parseHost, type SshSettings } from '../../../src/transports/ssh/index.js';
import { type Home, makeHome } from './fixtures.js';

let home: Home;
beforeEach(() => {
  home = makeHome();
});
afterEach(() => {
  home.remove();
});

/** What comes out for a host with this config file. */
function of(text: string, word = 'prod-1', settings: SshSettings = {}, env: NodeJS.ProcessEnv = {}): HostConfig {
  home.put('config', text);
  return hostConfig(parseHost(word), { configFile: home.path('config'), ...settings }, { ...home.env, ...env });
}

describe('SSH config files', () => {
  test('without any: defaults', () => {
    const config = of('');
    expect(config).toMatchObject({
      host: 'prod-1',
      port: 22,
      connectTimeout: 20_000,
      aliveInterval: 15_000,
      aliveCount: 3,
      strictHostKeyChecking: 'ask',
      agent: undefined,
      jump: undefined,
      identitiesNamed: false,
    });
    expect(config.identityFiles).toEqual(['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => home.path(name)));
    expect(config.userKnownHostsFiles[0]).toBe(home.path('known_hosts'));
  });

  test('patterns, negation, any case, first value wins, identity files gather', () => {
    const config = of(`
# comment
IdentityFile ~/.ssh/first
host PROD other
  User wrong
Host prod-? !prod-2
  uSER = deploy
  HostName %h.example.com
  port 2222
  IdentityFile "%d/with space/%r"
Host *
\tUser other
\tPort 1
  IdentityFile /keys/%h-%p-%%
`);
    expect(config).toMatchObject({ user: 'deploy', host: 'prod-1.example.com', port: 2222, identitiesNamed: true });
    expect(config.identityFiles).toEqual([
      home.path('first'),
      path.join(home.folder, 'with space', 'deploy'),
      '/keys/prod-1.example.com-2222-%',
    ]);
    expect(of('Host prod-? !prod-2\n  User a\nHost *\n  User b\n', 'prod-2').user).toBe('b');
  });

  test("the user's word comes before -p, which comes before the file", () => {
    const text = 'Port 1\nUser a\nIdentityFile /file\nProxyJump j\n';
    expect(of(text, 'b@h:2', { port: 3 })).toMatchObject({ user: 'b', port: 2 });
    expect(of(text, 'h', { port: 3, identityFiles: ['~/mine'], jump: 'x,y' })).toMatchObject({
      user: 'a',
      port: 3,
      jump: 'x,y',
      identityFiles: [path.join(home.folder, 'mine'), '/file'],
      givenIdentities: [path.join(home.folder, 'mine')],
    });
    expect(of('ProxyJump none\nProxyCommand none\n')).toMatchObject({ jump: undefined, proxyCommand: undefined });
    expect(of(text, 'h', { jump: 'none' }).jump).toBeUndefined();
    expect(of('ProxyCommand x\n', 'h', { jump: 'none' }).proxyCommand).toBeUndefined();
  });

  test('of ProxyJump and ProxyCommand the first one counts', () => {
    expect(of('ProxyCommand none\nProxyJump j\n').jump).toBeUndefined();
    expect(of('ProxyCommand nc %h\nProxyJump j\n')).toMatchObject({ jump: undefined, proxyCommand: 'nc %h' });
    expect(of('ProxyJump j\nProxyCommand nc %h\n')).toMatchObject({ jump: 'j', proxyCommand: undefined });
  });

  test('files, checks, times, agent', () => {
    const config = of(
      'UserKnownHostsFile ~/a "/b c"\nGlobalKnownHostsFile none\nStrictHostKeyChecking accept-new\nConnectTimeout 1m30s\n' +
        'ServerAliveInterval 5\nServerAliveCountMax 2\nIdentitiesOnly yes\nHostKeyAlias web\nAddressFamily inet6\n' +
        'BatchMode yes\nPasswordAuthentication no\n',
      'h',
      {},
      { SSH_AUTH_SOCK: '/agent' },
    );
    expect(config).toMatchObject({
      userKnownHostsFiles: [path.join(home.folder, 'a'), '/b c'],
      globalKnownHostsFiles: [],
      strictHostKeyChecking: 'accept-new',
      connectTimeout: 90_000,
      aliveInterval: 5_000,
      aliveCount: 2,
      identitiesOnly: true,
      hostKeyAlias: 'web',
      family: 6,
      batch: true,
      agent: '/agent',
    });
    expect([...config.methods]).toEqual(['publickey', 'keyboard-interactive']);
    expect(of('IdentityAgent none', 'h', {}, { SSH_AUTH_SOCK: '/agent' }).agent).toBeUndefined();
    expect(of('IdentityAgent ~/a.sock').agent).toBe(path.join(home.folder, 'a.sock'));
    expect(of('IdentityAgent ${SOCK}', 'h', {}, { SOCK: '/s' }).agent).toBe('/s');
    expect(of('IdentityAgent $SOCK', 'h', {}, { SOCK: '/s' }).agent).toBe('/s');
  });

  test('Include: globs, relative to ~/.ssh, inside a Host block only where that applies, no circles', () => {
    mkdirSync(home.path('conf.d'));
    home.put('conf.d/b', 'User second\nPort 7\n');
    home.put('conf.d/a', 'Host prod-1\n  User first\n');
    home.put('conf.d/.hidden', 'Port 9\n');
    expect(of('Include conf.d/* missing\nPort 8\n')).toMatchObject({ user: 'first', port: 7 });
    expect(of('Host other\n  Include conf.d/*\nHost *\n  Port 8\n')).toMatchObject({ port: 8 });
    expect(() => of('Include config\n')).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  test('Match: host, user and all; what is not known does not apply, and is said', () => {
    const config = of(
      'Match host prod-*,x user deploy\n  Port 1\nMatch exec "true"\n  Port 2\nMatch !host other originalhost prod-1\n  Port 3\nMatch all\n  User z\n',
    );
    expect(config).toMatchObject({ port: 3, user: 'z' });
    expect(config.notes).toEqual([expect.stringContaining('Match exec is not evaluated')]);
    expect(of('Match host prod-*,x user deploy\n  Port 1\n', 'deploy@prod-1').port).toBe(1);
  });

  test('what cannot be read is named', () => {
    const missing = (): unknown => hostConfig(parseHost('h'), { configFile: home.path('nope') }, home.env);
    expect(missing).toThrow(expect.objectContaining({ code: 'NOT_FOUND', message: expect.stringContaining('nope') }));
    expect(() => of('Port many\n')).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('Port many') }),
    );
    expect(() => of('User "open\n')).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(() => of('Host\n')).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(hostConfig(parseHost('h'), { configFile: 'none' }, home.env).port).toBe(22);
  });
});
