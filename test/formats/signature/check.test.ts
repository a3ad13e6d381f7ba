import { describe, expect, test } from '@jest/globals';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { parseAllowedSigners } from '../../../src/formats/signature/allowed-signers.js';
import { checkSignature, type SignatureCheck, type SignedBy } from '../../../src/formats/signature/check.js';
import { encodeSignature, signedData } from '../../../src/formats/signature/sshsig.js';
import { sized } from '../../../src/formats/signature/wire.js';
import { thrownBy } from './thrown.js';
import { message, refusedKeys, signed, signedByCertificate, signedForGit, signedWithSha256 } from './samples.js';

const { key, signature } = signed['ssh-ed25519'];
const fingerprint = 'SHA256:t7QH5Qnas+t7X6EVPe+odBTKKeLAGBCz2+GRCiyUqSM';
const now = new Date('2026-06-01T12:00:00Z');

function check(signers: string, changes: Partial<SignatureCheck> = {}): SignedBy {
  const allowedSigners = parseAllowedSigners(signers, 'signers');
  return checkSignature({ message, signature, allowedSigners, now, where: 'a.sig', ...changes });
}

const faultOf = (signers: string, changes: Partial<SignatureCheck> = {}): unknown =>
  thrownBy(() => check(signers, changes));

describe('a signature that ssh-keygen made', () => {
  test.each(Object.entries(signed))('%s', (keyType, sample) => {
    const result = check(`me@example.com,you ${sample.key}`, { signature: sample.signature });
    expect(result).toMatchObject({ principals: 'me@example.com,you', keyType });
    expect(result.keyFingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
  });

  test('its fingerprint is that of ssh-keygen -l, and the end of validity is told', () => {
    expect(check(`me valid-before="20270101Z" ${key}`)).toEqual({
      principals: 'me',
      keyType: 'ssh-ed25519',
      keyFingerprint: fingerprint,
      validUntil: new Date('2027-01-01T00:00:00Z'),
    });
  });

  test('with hashalg=sha256, and with line ends of Windows', () => {
    expect(check(`me ${signed['ssh-rsa'].key}`, { signature: signedWithSha256 }).keyType).toBe('ssh-rsa');
    expect(check(`me ${key}\r\n`, { signature: signature.replaceAll('\n', '\r\n') }).principals).toBe('me');
  });

  test('a second line of the same key may allow what the first does not', () => {
    expect(check(`old valid-before="20200101" ${key}\nnew ${key}\n`).principals).toBe('new');
  });

  test.each(['image-ferry', 'git,image-*', '*,!git'])('namespaces="%s" allow it', (names) => {
    expect(check(`me namespaces="${names}" ${key}`).principals).toBe('me');
  });
});

describe('each reason to refuse has a sentence of its own', () => {
  test.each<[string, string, Partial<SignatureCheck>, string, RegExp]>([
    ['changed', `me ${key}`, { message: Buffer.from('x') }, 'SIGNATURE', /does not fit: the signed file has changed/],
    [
      'another purpose',
      `me ${key}`,
      { signature: signedForGit },
      'SIGNATURE',
      /signed for "git", expected "image-ferry"/,
    ],
    [
      'nobody of the list',
      `me ${signed['ssh-rsa'].key}`,
      {},
      'SIGNATURE',
      /key SHA256:t7QH5Qnas\+t7X6EVPe\+odBTKKeLAGBCz2\+GRCiyUqSM, which is not in signers$/,
    ],
    ['an empty list', '# none\n\n', {}, 'SIGNATURE', /which is not in signers$/],
    [
      'expired',
      `me valid-before="20260601115959Z" ${key}`,
      {},
      'SIGNATURE',
      /of me \(signers, line 1\), which has expired: it was valid until 2026-06-01T11:59:59Z; here it is 2026-06-01T12:00:00Z/,
    ],
    [
      'not yet',
      `\nme valid-after="20260601120001Z" ${key}`,
      {},
      'SIGNATURE',
      /of me \(signers, line 2\), which is not valid before 2026-06-01T12:00:01Z/,
    ],
    ['for others only', `me namespaces="git,file" ${key}`, {}, 'SIGNATURE', /which is allowed for git, file only/],
    ['excepted', `me namespaces="*,!image-ferry" ${key}`, {}, 'SIGNATURE', /which is allowed for/],
    ['an authority is no signer', `me cert-authority ${key}`, {}, 'SIGNATURE', /which is not in signers/],
    [
      'a certificate',
      `me ${key}`,
      { signature: signedByCertificate },
      'BAD_ARCHIVE',
      /certificates are not supported: ssh-ed25519-cert-v01@openssh.com/,
    ],
    ['no signature', `me ${key}`, { signature: 'hello' }, 'BAD_ARCHIVE', /its first line is not -----BEGIN SSH/],
    ['cut', `me ${key}`, { signature: signature.slice(0, 200) }, 'BAD_ARCHIVE', /cut off/],
    ['too large', `me ${key}`, { signature: 'A'.repeat(70_000) }, 'LIMIT', /larger than/],
  ])('%s', (_what, signers, changes, code, text) => {
    const fault = faultOf(signers, changes);
    expect(fault).toMatchObject({ code, message: expect.stringMatching(text), hint: expect.any(String) });
  });

  test('lines for certificates are mentioned, not passed over in silence', () => {
    expect(faultOf(`me cert-authority ${signed['ssh-rsa'].key}`)).toMatchObject({
      hint: expect.stringContaining('cert-authority are for certificates, which are not supported'),
    });
  });

  test('both ends of a validity are within it, in whole seconds', () => {
    const signers = `me valid-after="20260601120000Z",valid-before="20260601120000Z"`;
    expect(() =>
      check(`${signers.replace('before="20260601120000Z', 'before="20260601120001Z')} ${key}`),
    ).not.toThrow();
    const late = { now: new Date('2026-06-01T12:00:00.999Z') };
    expect(() => check(`me valid-before="20260601120000Z" ${key}`, late)).not.toThrow();
  });
});

/** A key inside a token, played by one outside. */
function tokenSample(kind: 'ed25519' | 'ecdsa'): {
  readonly key: string;
  readonly signature: (flags: number) => string;
} {
  const isEd = kind === 'ed25519';
  const pair = isEd ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { publicKey, privateKey } = pair;
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const [px, py] = [x, y].map((part) => Buffer.from(part, 'base64url'));
  const type = isEd ? 'sk-ssh-ed25519@openssh.com' : 'sk-ecdsa-sha2-nistp256@openssh.com';
  const point = isEd
    ? [px ?? '']
    : ['nistp256', Buffer.concat([Buffer.from([4]), px ?? Buffer.of(), py ?? Buffer.of()])];
  const blob = Buffer.concat([type, ...point, 'ssh:'].map(sized));
  const sha256 = (data: Uint8Array | string): Buffer => createHash('sha256').update(data).digest();
  return {
    key: `${type} ${blob.toString('base64')}`,
    signature: (flags) => {
      const extra = Buffer.from([flags, 0, 0, 0, 7]);
      const data = Buffer.concat([sha256('ssh:'), extra, sha256(signedData(message))]);
      const raw = sign(isEd ? null : 'sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      const halves = [raw.subarray(0, 32), raw.subarray(32)].map((half) => sized(Buffer.concat([Buffer.of(0), half])));
      return encodeSignature(blob, Buffer.concat([sized(type), sized(isEd ? raw : Buffer.concat(halves)), extra]));
    },
  };
}

describe.each(['ed25519', 'ecdsa'] as const)('a key inside a token: %s', (kind) => {
  test('what it signed fits, with its flags and counter', () => {
    const token = tokenSample(kind);
    expect(check(`me ${token.key}`, { signature: token.signature(1) }).keyType).toContain('sk-');
    const other = { signature: token.signature(1), message: Buffer.from('x') };
    expect(faultOf(`me ${token.key}`, other)).toMatchObject({ code: 'SIGNATURE' });
  });
});

/** As short as OpenSSL makes them. */
function shortKey(): string {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1016 });
  const { e = '', n = '' } = publicKey.export({ format: 'jwk' });
  const [exponent, modulus] = [e, n].map((part) => Buffer.concat([Buffer.of(0), Buffer.from(part, 'base64url')]));
  return `ssh-rsa ${Buffer.concat(['ssh-rsa', exponent ?? '', modulus ?? ''].map(sized)).toString('base64')}`;
}

test.each(Object.entries({ ...refusedKeys, short: shortKey() }))(
  'a key that is not supported is refused by name: %s',
  (_what, text) => {
    expect(faultOf(`# c\nme ${text}`)).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: expect.stringMatching(/^signers, line 2: .*(ssh-dss|ssh-ed25519-cert-v01@openssh\.com|1016 bits)/),
    });
  },
);
