import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import {
  appendKey,
  findKeys,
  fingerprint,
  judge,
  keyTypeOf,
  knownName,
  type Verdict,
} from '../../../src/transports/ssh/known-hosts.js';
import { makeKey } from '../../helpers/ssh-server.js';
import { type Home, makeHome } from './fixtures.js';

const [a, b] = [makeKey('ed25519'), makeKey('ed25519')].map((key) => key.public.split(' ').slice(0, 2).join(' '));
const ecdsa = makeKey('ecdsa').public.split(' ').slice(0, 2).join(' ');
const raw = (line = ''): Buffer => Buffer.from(line.split(' ')[1] ?? '', 'base64');

let home: Home;
beforeEach(() => {
  home = makeHome();
});
afterEach(() => {
  home.remove();
});
const verdict = (text: string, name: string, key = a): Verdict =>
  judge(findKeys([home.put('known', text)], name), raw(key));
const hashed = (name: string): string => {
  const salt = Buffer.from('0123456789abcdef0123');
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
};

describe('known_hosts', () => {
  test.each([
    ['plain', `h ${a}`, 'h'],
    ['with a comment, odd spaces', `# c\n\n  h,10.0.0.1\t${a}  me@there `, '10.0.0.1'],
    ['a port', `[h]:2222 ${a}`, '[h]:2222'],
    ['hashed', `${hashed('h')} ${a}`, 'h'],
    ['hashed, with a port', `${hashed('[h]:22022')} ${a}`, '[h]:22022'],
    ['wildcards', `*.example.com,!bad.example.com ${a}`, 'web.example.com'],
    ['any case', `Web.Example.COM ${a}`, 'web.example.com'],
    ['several keys', `h ${b}\nh ${ecdsa}\nh ${a}`, 'h'],
  ])('known: %s', (_what, text, name) => {
    expect(verdict(text, name)).toEqual({ kind: 'known' });
  });

  test.each([
    ['another host', `x ${a}`, 'h'],
    ['another port', `[h]:22 ${a}`, '[h]:2222'],
    ['excluded', `*.example.com,!bad.example.com ${a}`, 'bad.example.com'],
    ['an authority', `@cert-authority h ${b}`, 'h'],
    ['not a line', `h ssh-ed25519`, 'h'],
    ['a key of SSH 1', 'h 1024 35 1234567890', 'h'],
    ['another type than the key has', `h ssh-rsa ${b?.split(' ')[1] ?? ''}`, 'h'],
    ['no file', '', 'h'],
  ])('unknown: %s', (_what, text, name) => {
    expect(verdict(text, name)).toEqual({ kind: 'unknown' });
  });

  test('changed: the line of the same type, else any; revoked comes first', () => {
    expect(verdict(`h ${ecdsa}\nh ${b}`, 'h')).toMatchObject({ kind: 'changed', entry: { line: 2 } });
    expect(verdict(`h ${ecdsa}`, 'h')).toMatchObject({
      kind: 'changed',
      entry: { line: 1, type: 'ecdsa-sha2-nistp256' },
    });
    expect(verdict(`h ${a}\n@revoked * ${a}`, 'h')).toMatchObject({ kind: 'revoked', entry: { line: 2 } });
    expect(verdict(`@revoked * ${b}`, 'h')).toEqual({ kind: 'unknown' });
  });

  test('names', () => {
    expect(knownName('Host', 22, undefined)).toEqual({ name: 'host', plain: undefined });
    expect(knownName('Host', 2222, undefined)).toEqual({ name: '[host]:2222', plain: 'host' });
    expect(knownName('Host', 2222, 'Web')).toEqual({ name: 'web', plain: undefined });
  });

  test('a key is added on a line of its own, in a folder and file for the user only', () => {
    const file = home.path('new', 'known_hosts');
    appendKey(file, 'h', raw(a));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(home.path('new')).mode & 0o777).toBe(0o700);
    expect(readFileSync(file, 'utf8')).toBe(`h ${a ?? ''}\n`);
    const open = home.put('open', `x ${b ?? ''}`);
    appendKey(open, '[h]:2', raw(a));
    expect(readFileSync(open, 'utf8')).toBe(`x ${b ?? ''}\n[h]:2 ${a ?? ''}\n`);
    appendKey('/dev/null', 'h', raw(a));
  });

  test('fingerprints are those that ssh shows', () => {
    expect(fingerprint(raw(a))).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
    expect([keyTypeOf(raw(a)), keyTypeOf(raw(ecdsa)), keyTypeOf(Buffer.from('x'))]).toEqual([
      'ssh-ed25519',
      'ecdsa-sha2-nistp256',
      '',
    ]);
  });
});
