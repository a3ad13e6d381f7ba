import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import ssh2 from 'ssh2';
import { parseAllowedSigners } from '../../../src/formats/signature/allowed-signers.js';
import { checkSignature } from '../../../src/formats/signature/check.js';
import { sized } from '../../../src/formats/signature/wire.js';
import { openSigner, type Signer, type SignerOptions } from '../../../src/transports/ssh/signer.js';
import { faultOf } from '../../codecs/helpers.js';
import { makeKey } from '../../helpers/ssh-server.js';
import { type Home, makeHome, script } from './fixtures.js';

let home: Home;
const servers: Server[] = [];
beforeEach(() => {
  home = makeHome();
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  home.remove();
});

const { signal } = new AbortController();
const message = Buffer.from('sums\n');
const open = (file: string, options: Partial<SignerOptions> = {}): Promise<Signer> =>
  openSigner(file, { ask: undefined, signal, env: {}, ...options });

/** Whose signature it is. */
async function signed(signer: Signer, publicKey: string): Promise<string> {
  const allowedSigners = parseAllowedSigners(`me ${publicKey}`, 'list');
  const signature = await signer.sign(message);
  return checkSignature({ message, signature, allowedSigners, now: new Date(), where: 'sig' }).keyFingerprint;
}

function makePair(type: 'ed25519' | 'ecdsa' | 'rsa', passphrase?: string): { private: string; public: string } {
  if (type !== 'rsa') return makeKey(type, passphrase);
  const lock = { passphrase, cipher: 'aes256-ctr', rounds: 4 };
  return ssh2.utils.generateKeyPairSync('rsa', { bits: 1024, ...(passphrase === undefined ? {} : lock) });
}

describe('a private key file', () => {
  test.each(['ed25519', 'ecdsa', 'rsa'] as const)('%s, open and with a passphrase', async (type) => {
    for (const passphrase of [undefined, 'open sesame']) {
      const pair = makePair(type, passphrase);
      const ask = script('wrong', 'open sesame');
      const signer = await open(home.put('key', pair.private), { ask });
      expect(await signed(signer, pair.public)).toBe(signer.keyFingerprint);
      expect(signer.describe()).toContain(signer.keyFingerprint);
      const question = `Passphrase for the key ${home.path('key')}: `;
      expect(ask.asked).toEqual(passphrase === undefined ? [] : [question, `Wrong passphrase. ${question}`]);
    }
  });

  test('ECDSA signatures fit whatever zeros their numbers begin with', async () => {
    const pair = makePair('ecdsa');
    const signer = await open(home.put('key', pair.private));
    for (let turn = 0; turn < 300; turn++) await signed(signer, pair.public);
  });

  test('PKCS#8 and PEM', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const { x = '' } = publicKey.export({ format: 'jwk' });
    const blob = Buffer.concat(['ssh-ed25519', Buffer.from(x, 'base64url')].map(sized));
    const file = home.put('key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    expect(await signed(await open(file), `ssh-ed25519 ${blob.toString('base64')}`)).toMatch(/^SHA256:/);
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const pem = rsa.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }).toString();
    expect((await open(home.put('pem', pem), { ask: script('x') })).describe()).toContain('ssh-rsa');
  });

  test('what is wrong with it is said before anything is signed, and never with the passphrase', async () => {
    const locked = home.put('locked', makePair('ed25519', 'open sesame').private);
    const open2 = home.put('others', makePair('ed25519').private);
    chmodSync(open2, 0o644);
    const text = home.put('open text', 'hello');
    chmodSync(text, 0o644);
    const hardware = `-----BEGIN OPENSSH PRIVATE KEY-----\n${Buffer.from('openssh-key-v1\0....sk-ssh-ed25519@openssh.com').toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
    const cases: [string, Partial<SignerOptions>, string, RegExp][] = [
      [home.path('none'), {}, 'NOT_FOUND', /no such file/],
      [home.folder, {}, 'USAGE', /it is a folder/],
      [home.put('text', 'hello'), {}, 'USAGE', /no private key/],
      [text, {}, 'USAGE', /no private key/],
      [open2, {}, 'USAGE', /others may read it/],
      [locked, {}, 'USAGE', /nobody to ask for its passphrase/],
      [locked, { ask: script('bad one', 'bad two', 'bad three') }, 'USAGE', /wrong passphrase$/],
      [locked, { ask: script(undefined) }, 'USAGE', /no passphrase given/],
      [home.put('sk', hardware), {}, 'USAGE', /inside a hardware token/],
      [home.put('pub', makePair('ed25519').public), {}, 'USAGE', /a public key, and no agent runs/],
      [home.put('odd', 'ssh-dss AAAAB3NzaC1kc3M='), {}, 'USAGE', /not supported: ssh-dss/],
    ];
    for (const [file, options, code, text] of cases) {
      const fault = await faultOf(open(file, options));
      expect(fault).toMatchObject({ code, message: expect.stringMatching(text), hint: expect.any(String) });
      expect(JSON.stringify(fault)).not.toContain('bad ');
    }
  });

  test('a question that is interrupted ends with the reason', async () => {
    const abort = new AbortController();
    const reason = new Error('stop');
    const never = (): Promise<never> =>
      new Promise((_resolve, reject) => {
        abort.signal.addEventListener('abort', () => {
          reject(reason);
        });
        abort.abort(reason);
      });
    const file = home.put('locked', makePair('ed25519', 'x').private);
    await expect(open(file, { ask: { secret: never, line: never }, signal: abort.signal })).rejects.toBe(reason);
  });
});

/** An agent that gives each answer once, in this order; undefined: none, ever. */
async function fakeAgent(...answers: (Buffer | undefined)[]): Promise<SignerOptions> {
  const socket = home.path('agent');
  const lines: Socket[] = [];
  const server = createServer((line) => {
    lines.push(line);
    line.on('error', () => undefined);
    line.once('data', () => {
      const answer = answers.shift();
      if (answer !== undefined) line.end(answer);
    });
  }).listen(socket);
  server.on('close', () => undefined);
  servers.push(server);
  await once(server, 'listening');
  server.unref();
  return { ask: undefined, signal, env: { SSH_AUTH_SOCK: socket }, patience: { list: 200, sign: 200 } };
}

const blobOf = (publicKey: string): Buffer => Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');
const keyList = (...keys: Buffer[]): Buffer =>
  sized(Buffer.concat([Buffer.of(12, 0, 0, 0, keys.length), ...keys.flatMap((key) => [sized(key), sized('comment')])]));

describe('a public key, whose other half an agent has', () => {
  const pair = makePair('ed25519');
  const blob = blobOf(pair.public);

  test.each<[string, (Buffer | undefined)[], string, RegExp]>([
    ['has none', [keyList()], 'USAGE', /the agent does not have: it has no keys/],
    ['has others', [keyList(Buffer.from('x'))], 'USAGE', /it has 1 other key/],
    ['says nothing', [undefined], 'IO', /no answer within 0\.2 s/],
    ['hangs up', [Buffer.alloc(0)], 'IO', /it hung up/],
    ['refuses', [sized(Buffer.of(5))], 'IO', /it refuses/],
    ['talks nonsense', [sized(Buffer.of(12, 255, 0, 0, 0))], 'IO', /makes no sense/],
    ['talks too much', [Buffer.from('ffffffff00', 'hex')], 'IO', /makes no sense/],
  ])('an agent that %s', async (_what, answers, code, text) => {
    const options = await fakeAgent(...answers);
    const fault = await faultOf(open(home.put('key.pub', pair.public), options));
    expect(fault).toMatchObject({ code, message: expect.stringMatching(text), hint: expect.any(String) });
  });

  test.each<[string, Buffer | undefined, RegExp]>([
    ['refuses', sized(Buffer.of(5)), /it refuses to sign/],
    ['waits', undefined, /no signature within 0\.2 s; it may be waiting for you to confirm/],
    [
      'signs something else',
      sized(Buffer.concat([Buffer.of(14), sized(Buffer.concat(['ssh-ed25519', Buffer.alloc(64)].map(sized)))])),
      /a signature that does not fit/,
    ],
  ])('an agent that, when it comes to signing, %s', async (_what, answer, text) => {
    const signer = await open(home.put('key.pub', pair.public), await fakeAgent(keyList(blob), answer));
    expect(await faultOf(signer.sign(message))).toMatchObject({ code: 'IO', message: expect.stringMatching(text) });
  });

  test('an agent that is not there', async () => {
    const env = { SSH_AUTH_SOCK: home.path('gone') };
    const fault = await faultOf(open(home.put('key.pub', pair.public), { env }));
    expect(fault).toMatchObject({ code: 'IO', message: expect.stringMatching(/nobody answers at .*gone$/) });
  });

  test('beside a private key that is not there', async () => {
    home.put('key.pub', pair.public);
    const signer = await open(home.path('key'), await fakeAgent(keyList(blob)));
    expect(signer.describe()).toContain('ssh-ed25519 key SHA256:');
  });

  test('spares the passphrase of an encrypted key', async () => {
    const locked = makePair('ed25519', 'x');
    home.put('key.pub', locked.public);
    const signer = await open(home.put('key', locked.private), await fakeAgent(keyList(blobOf(locked.public))));
    expect(signer.keyFingerprint).toMatch(/^SHA256:/);
  });

  test('an interruption ends the waiting for it', async () => {
    const abort = new AbortController();
    const options = { ...(await fakeAgent(undefined)), patience: { list: 60_000, sign: 60_000 }, signal: abort.signal };
    const opening = open(home.put('key.pub', pair.public), options);
    setTimeout(() => {
      abort.abort(new Error('stop'));
    }, 50);
    await expect(opening).rejects.toThrow('stop');
  });
});
