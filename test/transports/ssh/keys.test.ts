import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import ssh2, { type ParsedKey } from 'ssh2';
import { ChoosyAgent } from '../../../src/transports/ssh/agent.js';
import { readIdentity, unlock } from '../../../src/transports/ssh/identity.js';
import { parseHost } from '../../../src/transports/ssh/index.js';
import { wayOf } from '../../../src/transports/ssh/program-call.js';
import { sweepFolders } from '../../../src/transports/ssh/sweep.js';
import { makeKey } from '../../helpers/ssh-server.js';
import { type Home, makeHome, script } from './fixtures.js';

let home: Home;
beforeEach(() => {
  home = makeHome();
});
afterEach(() => {
  home.remove();
});
const { signal } = new AbortController();

/** OpenSSL's own form of a key. */
function openSslKey(kind: 'rsa' | 'ec' | 'ed25519' | 'x25519', passphrase?: string): string {
  const lock = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  const privateKeyEncoding = { type: 'pkcs8', format: 'pem', ...lock } as const;
  const publicKeyEncoding = { type: 'spki', format: 'pem' } as const;
  const encoding = { privateKeyEncoding, publicKeyEncoding };
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048, ...encoding }).privateKey;
  if (kind === 'ec') return generateKeyPairSync('ec', { namedCurve: 'P-256', ...encoding }).privateKey;
  if (kind === 'x25519') return generateKeyPairSync('x25519', encoding).privateKey;
  return generateKeyPairSync('ed25519', encoding).privateKey;
}

async function unlocked(file: string, ...answers: string[]): Promise<ParsedKey | string> {
  const identity = readIdentity(file);
  return identity.kind === 'private' ? unlock(identity, script(...answers), signal) : identity.kind;
}

describe('key files', () => {
  test.each([
    ['rsa', 'ssh-rsa'],
    ['ec', 'ecdsa-sha2-nistp256'],
    ['ed25519', 'ssh-ed25519'],
  ] as const)('PKCS#8: %s, plain and encrypted', async (kind, type) => {
    for (const passphrase of [undefined, 'open']) {
      const file = home.put('key', openSslKey(kind, passphrase));
      const key = await unlocked(file, ...(passphrase === undefined ? [] : ['wrong', passphrase]));
      if (typeof key === 'string') throw new Error(key);
      const data = Buffer.from('data');
      const signature = key.sign(data);
      const known = ssh2.utils.parseKey(`${type} ${key.getPublicSSH().toString('base64')}`);
      if (known instanceof Error || signature instanceof Error) throw new Error('no key');
      expect([key.type, known.verify(data, signature)]).toEqual([type, true]);
    }
  });

  test('PKCS#8 of a kind that SSH has not, and broken', async () => {
    expect(await unlocked(home.put('key', openSslKey('x25519')))).toContain('x25519');
    expect(await unlocked(home.put('key', '-----BEGIN PRIVATE KEY-----\nAAAA\n'))).toContain('not read');
  });

  test('a private key that others may read is not tried; a public one is no secret', () => {
    const pair = makeKey();
    const file = home.put('key', pair.private);
    chmodSync(file, 0o644);
    expect(readIdentity(file)).toMatchObject({ kind: 'missing', why: expect.stringContaining('chmod 600') });
    chmodSync(file, 0o400);
    expect(readIdentity(file).kind).toBe('private');
    const open = home.put('key.pub', pair.public);
    chmodSync(open, 0o644);
    expect(readIdentity(open).kind).toBe('public');
  });
});

test('an agent that never answers is given up', async () => {
  const socket = home.path('agent');
  const server = createServer((line) => line.on('error', () => undefined).resume());
  await once(server.listen(socket), 'listening');
  const agent = new ChoosyAgent(socket, [], false, signal, (work) => work, { list: 100, sign: 100 });
  expect(await agent.count()).toContain('does not answer');
  const key = ssh2.utils.parseKey(makeKey().public);
  const failed = await new Promise((resolve) => {
    agent.sign(key as ParsedKey, Buffer.from('x'), {}, resolve);
  });
  expect(failed).toBeInstanceOf(Error);
  server.close();
});

test('a jump host that looks like an option, or has a shell command in it, does not reach the client', () => {
  for (const jump of ['-oProxyCommand=id', 'a,-x', 'h;id', '$(id)@h']) {
    expect(() => wayOf(parseHost('h'), { jump })).toThrow(expect.objectContaining({ code: 'USAGE' }));
  }
});

test('folders that a killed run has left are removed once they are a day old and nobody answers there', async () => {
  const day = 86_400_000;
  const make = (name: string, age: number): string => {
    const folder = path.join(home.folder, name);
    mkdirSync(folder);
    utimesSync(folder, (Date.now() - age) / 1000, (Date.now() - age) / 1000);
    return folder;
  };
  make('ferry-ssh-AAAAAA', 2 * day);
  make('ferry-ssh-young0', day / 2);
  make('ferry-ssh-other-name', 2 * day);
  const live = make('ferry-ssh-alive0', 0);
  const server = createServer();
  await once(server.listen(path.join(live, 'c')), 'listening');
  utimesSync(live, (Date.now() - 2 * day) / 1000, (Date.now() - 2 * day) / 1000);
  await sweepFolders(home.folder);
  await sweepFolders(path.join(home.folder, 'not-there'));
  server.close();
  expect(readdirSync(home.folder).sort()).toEqual([
    '.ssh',
    'ferry-ssh-alive0',
    'ferry-ssh-other-name',
    'ferry-ssh-young0',
  ]);
});
