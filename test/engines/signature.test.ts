import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseAllowedSigners } from '../../src/formats/signature/allowed-signers.js';
import { checkSignature } from '../../src/formats/signature/check.js';
import { encodeSignature, signedData } from '../../src/formats/signature/sshsig.js';
import { sized } from '../../src/formats/signature/wire.js';
import { isTransferError } from '../../src/primitives/errors.js';
import { openSigner } from '../../src/transports/ssh/signer.js';

/*
 * We and OpenSSH's own ssh-keygen judge each other's signatures, and the same ones as good or bad.
 */

const folder = mkdtempSync(path.join(tmpdir(), 'ferry-signature-'));
const at = (name: string): string => path.join(folder, name);
const message = Buffer.from('a  b\n');
const { signal } = new AbortController();
const passphrase = 'open sesame';
const kinds = {
  ed25519: ['-t', 'ed25519'],
  ecdsa256: ['-t', 'ecdsa', '-b', '256'],
  ecdsa384: ['-t', 'ecdsa', '-b', '384'],
  ecdsa521: ['-t', 'ecdsa', '-b', '521'],
  rsa1024: ['-t', 'rsa', '-b', '1024'],
  rsa3072: ['-t', 'rsa', '-b', '3072'],
  pem: ['-t', 'rsa', '-b', '2048', '-m', 'PEM'],
  pkcs8: ['-t', 'ecdsa', '-m', 'PKCS8'],
} as const;
const names = Object.keys(kinds);
const publicKey = (name: string): string => readFileSync(at(`${name}.pub`), 'utf8').trim();

const keygen = (args: readonly string[], input: Uint8Array | string = '', env = process.env): string =>
  execFileSync('ssh-keygen', args, { input, env, stdio: ['pipe', 'pipe', 'pipe'] }).toString();

let agent: ChildProcess | undefined;
const env = { ...process.env, SSH_AUTH_SOCK: at('agent'), SSH_ASKPASS_REQUIRE: 'never' };

beforeAll(async () => {
  for (const [name, args] of Object.entries(kinds)) {
    keygen(['-q', ...args, '-N', '', '-C', name, '-f', at(name)]);
    keygen(['-q', ...args, '-N', passphrase, '-C', name, '-f', at(`${name}-locked`)]);
  }
  agent = spawn('ssh-agent', ['-D', '-a', env.SSH_AUTH_SOCK], { stdio: 'ignore' });
  for (let turn = 0; turn < 100 && !existsSync(env.SSH_AUTH_SOCK); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (const name of names) execFileSync('ssh-add', ['-q', at(name)], { env });
}, 60_000);
afterAll(() => {
  agent?.kill();
  rmSync(folder, { recursive: true, force: true });
});

interface Verdicts {
  readonly ours: string;
  readonly theirs: string;
}

/** What both say to a signature, given a list of allowed signers. */
function verdicts(signers: string, signature: string, what: Uint8Array = message): Verdicts {
  writeFileSync(at('signers'), signers);
  writeFileSync(at('sig'), signature);
  const words = ['-Y', 'verify', '-f', at('signers'), '-I', 'me@example.com', '-n', 'image-ferry', '-s', at('sig')];
  const { status, stdout, stderr } = spawnSync('ssh-keygen', words, { input: what, env, encoding: 'utf8' });
  return { ours: ourVerdict(signers, signature, what), theirs: status === 0 ? 'good' : `${stdout}${stderr}` };
}

function ourVerdict(signers: string, signature: string, what: Uint8Array): string {
  try {
    const allowedSigners = parseAllowedSigners(signers, 'signers');
    checkSignature({ message: what, signature, allowedSigners, now: new Date(), where: 'sig' });
    return 'good';
  } catch (error) {
    if (!isTransferError(error)) throw error;
    return error.message;
  }
}

const good = { ours: 'good', theirs: 'good' };
const theirSignature = (key: string, ...more: string[]): string =>
  keygen(['-q', '-Y', 'sign', '-f', at(key), '-n', 'image-ferry', ...more], message);

describe.each(names)('%s', (name) => {
  test('what ssh-keygen signs, we accept', () => {
    const list = `me@example.com ${publicKey(name)}`;
    expect(verdicts(list, theirSignature(name))).toEqual(good);
    expect(verdicts(list, theirSignature(name, '-O', 'hashalg=sha256'))).toEqual(good);
    expect(verdicts(list, theirSignature(name), Buffer.from('x'))).toEqual({
      ours: expect.stringContaining('does not fit'),
      theirs: expect.stringContaining('incorrect signature'),
    });
  });

  test('what we sign, ssh-keygen accepts: by the file, open and with a passphrase, and by the agent', async () => {
    const ask = { secret: () => Promise.resolve(passphrase), line: () => Promise.resolve(undefined) };
    for (const [file, key, where] of [
      [at(name), name, {}],
      [at(`${name}-locked`), `${name}-locked`, {}],
      [at(`${name}.pub`), name, env],
    ] as const) {
      const signer = await openSigner(file, { ask, signal, env: where });
      expect(keygen(['-lf', at(`${key}.pub`)])).toContain(` ${signer.keyFingerprint} `);
      const list = `me@example.com namespaces="image-ferry" ${publicKey(key)}`;
      expect(verdicts(list, await signer.sign(message))).toEqual(good);
    }
  });
});

test('an agent that asks for a confirmation which nobody gives refuses', async () => {
  execFileSync('ssh-add', ['-q', '-D'], { env, stdio: 'ignore' });
  execFileSync('ssh-add', ['-q', '-c', at('ed25519')], { env, stdio: 'ignore' });
  const signer = await openSigner(at('ed25519.pub'), { ask: undefined, signal, env });
  await expect(signer.sign(message)).rejects.toMatchObject({ code: 'IO', message: expect.stringMatching(/refuses/) });
  execFileSync('ssh-add', ['-q', '-D'], { env, stdio: 'ignore' });
  await expect(openSigner(at('ed25519.pub'), { ask: undefined, signal, env })).rejects.toMatchObject({ code: 'USAGE' });
});

/** A moment some seconds from now, in this machine's time zone (run it with another TZ too) or in UTC. */
function stamp(seconds: number, zone: '' | 'Z'): string {
  const time = Date.now() + seconds * 1000;
  const shift = zone === 'Z' ? 0 : new Date(time).getTimezoneOffset() * 60_000;
  return `${new Date(time - shift).toISOString().replace(/[-:T]|\..*/g, '')}${zone}`;
}

describe('the same list, the same verdict', () => {
  const line = (options: string, key = 'ed25519', who = 'me@example.com'): string =>
    `${who} ${options} ${publicKey(key)}\n`;

  test.each<[string, () => string, 'good' | RegExp, RegExp?]>([
    ['comments, blanks, tabs', () => `# c\n\n \t${line('')}`, 'good'],
    ['patterns', () => line('', 'ed25519', 'x,*@example.com,!you@example.com'), 'good'],
    ['namespaces', () => line('namespaces="git,image-*"'), 'good'],
    ['options in any case', () => line('NameSpaces="image-ferry",Valid-After="20200101"'), 'good'],
    ['a second line', () => line('namespaces="git"', 'rsa3072') + line(''), 'good'],
    ['from a minute ago, UTC', () => line(`valid-after="${stamp(-60, 'Z')}"`), 'good'],
    ['from a minute ago, here', () => line(`valid-after="${stamp(-60, '')}"`), 'good'],
    ['for a minute, here', () => line(`valid-before="${stamp(60, '')}"`), 'good'],
    ['31 February', () => line('valid-after="20200231"'), 'good'],
    ['minutes only', () => line('valid-after="202001010000",valid-before="209912312359Z"'), 'good'],
    ['other namespaces', () => line('namespaces="git"'), /allowed for git only/],
    ['not this namespace', () => line('namespaces="*,!image-ferry"'), /only/],
    ['expired, UTC', () => line(`valid-before="${stamp(-60, 'Z')}"`), /has expired/, /expired/],
    ['expired, here', () => line(`valid-before="${stamp(-60, '')}"`), /has expired/, /expired/],
    ['not yet, UTC', () => line(`valid-after="${stamp(60, 'Z')}"`), /not valid before/, /not yet valid/],
    ['not yet, here', () => line(`valid-after="${stamp(60, '')}"`), /not valid before/, /not yet valid/],
    ['another key', () => line('', 'rsa3072'), /which is not in/],
    ['an authority', () => line('cert-authority'), /which is not in/],
    ['nobody', () => '# nobody\n', /which is not in/],
    ['an unknown option', () => line('namespace="x"'), /expected the options/],
    ['an option twice', () => line('namespaces="a",namespaces="b"'), /twice/],
    ['no quotes', () => line('namespaces=image-ferry'), /expected the options/],
    ['an open quote', () => line('namespaces="image-ferry'), /not closed/],
    ['a date that is none', () => line('valid-after="20201301"'), /expected YYYYMMDD/],
    ['24 hours', () => line('valid-after="202001012400"'), /expected YYYYMMDD/],
    ['before after', () => line('valid-after="20220101",valid-before="20210101"'), /not after/],
    ['no key', () => 'me@example.com ssh-ed25519\n', /expected the type/],
    ['no base64', () => 'me@example.com ssh-ed25519 AAAA!\n', /base64/],
    ['the beginning of a key', () => 'me@example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n', /ends in the middle/],
  ])('%s', (_what, signers, ours, theirs = /./) => {
    const found = verdicts(signers(), theirSignature('ed25519'));
    if (ours === 'good') expect(found).toEqual(good);
    else {
      expect(found).toEqual({ ours: expect.stringMatching(ours), theirs: expect.stringMatching(theirs) });
      expect(found.theirs).not.toBe('good');
    }
  });

  test('another namespace, a certificate, a cut and a changed signature', () => {
    const list = line('');
    keygen(['-q', '-s', at('rsa3072'), '-I', 'id', '-n', 'me@example.com', at('ecdsa256.pub')]);
    const certificate = theirSignature('ecdsa256-cert.pub');
    const whole = theirSignature('ed25519');
    const git = keygen(['-q', '-Y', 'sign', '-f', at('ed25519'), '-n', 'git'], message);
    for (const signature of [git, certificate, whole.slice(0, -30), whole.replace('U1NIU0lH', 'U1NIU0lI'), '']) {
      const { ours, theirs } = verdicts(list, signature);
      expect([ours, theirs]).not.toContain('good');
    }
  });
});

test.each([0, 1, 5])('a key inside a token, played by one outside, with the flags %i', (flags) => {
  const sha256 = (data: Uint8Array | string): Buffer => createHash('sha256').update(data).digest();
  const extra = Buffer.from([flags, 0, 0, 1, 7]);
  const told = Buffer.concat([sha256('ssh:'), extra, sha256(signedData(message))]);
  const ed = generateKeyPairSync('ed25519');
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const part = (text = ''): Buffer => Buffer.from(text, 'base64url');
  const [edJwk, ecJwk] = [ed.publicKey.export({ format: 'jwk' }), ec.publicKey.export({ format: 'jwk' })];
  const [edType, ecType] = ['sk-ssh-ed25519@openssh.com', 'sk-ecdsa-sha2-nistp256@openssh.com'];
  const point = Buffer.concat([Buffer.of(4), part(ecJwk.x), part(ecJwk.y)]);
  const pair = sign('sha256', told, { key: ec.privateKey, dsaEncoding: 'ieee-p1363' });
  const halves = [pair.subarray(0, 32), pair.subarray(32)].map(mpint);
  for (const [type, blob, bytes] of [
    [edType, Buffer.concat([edType, part(edJwk.x), 'ssh:'].map(sized)), sign(null, told, ed.privateKey)],
    [ecType, Buffer.concat([ecType, 'nistp256', point, 'ssh:'].map(sized)), Buffer.concat(halves)],
  ] as const) {
    const text = encodeSignature(blob, Buffer.concat([sized(type), sized(bytes), extra]));
    expect(verdicts(`me@example.com ${type} ${blob.toString('base64')}`, text)).toEqual(good);
  }
});

function mpint(half: Buffer): Buffer {
  const short = half.subarray(half.findIndex((byte) => byte !== 0));
  return sized((short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short);
}
