import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseAllowedSigners } from '../../../src/formats/signature/allowed-signers.js';
import { checkSignature } from '../../../src/formats/signature/check.js';
import { parseChecksums } from '../../../src/formats/signature/checksum-list.js';
import { parseSignature } from '../../../src/formats/signature/sshsig.js';
import { parseStatement } from '../../../src/formats/signature/statement.js';
import { parseTimestamp } from '../../../src/formats/signature/timestamp.js';
import { message, signed } from './samples.js';
import { thrownBy } from './thrown.js';

const { key, signature } = signed['ssh-ed25519'];
const armour = (body: Uint8Array): string =>
  `-----BEGIN SSH SIGNATURE-----\n${Buffer.from(body).toString('base64')}\n-----END SSH SIGNATURE-----\n`;
const body = (text: string): Buffer => Buffer.from(text.split('\n').slice(1, -2).join(''), 'base64');

describe('a signature', () => {
  const good = body(signature);
  test.each<[string, Buffer, RegExp]>([
    ['another magic', Buffer.concat([Buffer.from('SSHSIX'), good.subarray(6)]), /no SSHSIG/],
    ['a later version', Buffer.concat([good.subarray(0, 9), Buffer.of(2), good.subarray(10)]), /version 2/],
    ['something behind it', Buffer.concat([good, Buffer.of(0)]), /1 bytes after its end/],
    ['cut', good.subarray(0, -1), /ends in the middle/],
    ['nothing', Buffer.alloc(3), /ends in the middle/],
    ['another hash', Buffer.from(good.toString('latin1').replace('sha512', 'sha384'), 'latin1'), /found sha384/],
  ])('with %s is refused', (_what, bytes, text) => {
    expect(thrownBy(() => parseSignature(armour(bytes), 'a.sig'))).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: expect.stringMatching(text),
    });
  });

  test('with SHA-1 is refused', () => {
    const old = body(signed['ssh-rsa'].signature)
      .toString('latin1')
      .replace('\0\0\0\x0crsa-sha2-512', '\0\0\0\x0cssh-rsa-1-xx');
    expect(thrownBy(() => parseSignature(armour(Buffer.from(old, 'latin1')), 'a.sig'))?.message).toMatch(
      /signs with rsa-sha2-512 or rsa-sha2-256, found ssh-rsa-1-xx/,
    );
  });

  test('of any bytes, and with any byte changed, is a fault or is refused', () => {
    const allowedSigners = parseAllowedSigners(
      Object.values(signed)
        .map((each) => `me ${each.key}\n`)
        .join(''),
      'list',
    );
    const verdict = (text: string): unknown =>
      thrownBy(() => checkSignature({ message, signature: text, allowedSigners, now: new Date(), where: 'a' }));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(verdict(armour(Buffer.concat([good.subarray(0, 10), bytes])))).toBeDefined();
      }),
    );
    for (const sample of Object.values(signed)) {
      const bytes = body(sample.signature);
      fc.assert(
        fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
          const bad = Buffer.from(bytes);
          bad[at] = (bad[at] ?? 0) ^ change;
          // The reserved field, which is to be ignored, is empty: no byte of these is without a meaning.
          expect(verdict(armour(bad))).toBeDefined();
        }),
        { numRuns: 60 },
      );
    }
  });
});

describe('a list of allowed signers', () => {
  const read = (line: string): unknown => parseAllowedSigners(line, 'list').signers[0];

  test('comments, blanks, quotes, options in any case, and what follows the key', () => {
    const list = parseAllowedSigners(
      `\uFEFF# c\n\n  # d\n\t"a b" NameSpaces="x y,z",CERT-AUTHORITY \t ${key} more\r\n`,
      'list',
    );
    expect(list.signers).toMatchObject([
      { line: 4, principals: 'a b', namespaces: ['x y', 'z'], isAuthority: true, key: { type: 'ssh-ed25519' } },
    ]);
  });

  test.each<[string, RegExp]>([
    ['me', /expected "PRINCIPALS \[OPTIONS\] KEYTYPE KEY"/],
    [`me namespace="x" ${key}`, /expected the options .* found namespace="x"/],
    [`me namespaces=x ${key}`, /expected the options/],
    [`me namespaces="x ${key}`, /quote is not closed/],
    [`me namespaces="x",namespaces="y" ${key}`, /namespaces stands there twice/],
    [`me namespaces="x", ${key}`, /expected the options/],
    [`me cert-authority="x" ${key}`, /expected the options/],
    [`me valid-after="2026" ${key}`, /valid-after: expected YYYYMMDD\[Z\]/],
    [`me valid-after="20260102Z",valid-before="20260101Z" ${key}`, /valid-before is not after/],
    ['me cert-authority', /expected the type of a key and the key, found nothing/],
    ['me ssh-ed25519', /expected the type of a key/],
    ['me ssh-ed25519 AAA!', /is no base64/],
    [`me ssh-rsa ${key.split(' ')[1] ?? ''}`, /calls itself ssh-rsa, but is of type ssh-ed25519/],
    ['me ssh-ed448 AAAACXNzaC1lZDQ0OAAAAAA=', /not supported: ssh-ed448/],
  ])('%s', (line, text) => {
    expect(thrownBy(() => read(line))).toMatchObject({ code: 'BAD_ARCHIVE', message: expect.stringMatching(text) });
    expect(thrownBy(() => read(line))?.message).toMatch(/^list, line 1: /);
  });

  test('of any text is a list or a fault', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('me', ' ', '"', key, 'namespaces="', ',', 'cert-authority', '\n'),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        thrownBy(() => parseAllowedSigners(words.join(''), 'list'));
      }),
    );
  });
});

test.each<[string, Date | undefined]>([
  ['20260102Z', new Date('2026-01-02T00:00:00Z')],
  ['202601021304z', new Date('2026-01-02T13:04:00Z')],
  ['20260102130405UTC', new Date('2026-01-02T13:04:05Z')],
  ['20260102', new Date(2026, 0, 2)],
  ['202601021304', new Date(2026, 0, 2, 13, 4)],
  ['20260102130405', new Date(2026, 0, 2, 13, 4, 5)],
  ['20260231Z', new Date('2026-03-03T00:00:00Z')],
  ...['', '2026', '20261301', '20260132', '202601022400', '202601021260', '19700101Z', '19690101Z', '2026-01-02'].map(
    (text): [string, undefined] => [text, undefined],
  ),
])('the time %s', (text, time) => {
  expect(parseTimestamp(text)).toEqual(time);
});

describe('checksums', () => {
  const hex = 'a'.repeat(64);
  test('of text and of binary files', () => {
    expect([...parseChecksums(`${hex}  a b.tar.zst\n${hex} *c\n`, 'sums')]).toEqual([
      ['a b.tar.zst', `sha256:${hex}`],
      ['c', `sha256:${hex}`],
    ]);
  });

  test.each(['', 'x  a', `${hex} a`, `${hex.toUpperCase()}  a`, `\\${hex}  a\\nb`, `${hex}  a\n\n${hex}  b`])(
    'no list: %j',
    (text) => {
      expect(thrownBy(() => parseChecksums(text, 'sums'))?.message).toMatch(
        /^sums, line \d: expected "SHA256 {2}NAME"/,
      );
    },
  );

  test.each(['/etc/passwd', '../a', '..', '.', 'a/b', 'a\\b', 'a\x07b', 'a'.repeat(256)])(
    'no plain name: %j',
    (name) => {
      expect(thrownBy(() => parseChecksums(`${hex}  ${name}\n`, 'sums'))).toMatchObject({
        code: 'BAD_ARCHIVE',
        message: expect.stringMatching(/no plain file name/),
      });
    },
  );

  test('a name that stands there twice', () => {
    expect(thrownBy(() => parseChecksums(`${hex}  a\n${hex}  a\n`, 'sums'))?.message).toMatch(
      /line 2: a stands there twice/,
    );
  });
});

test('a statement of any bytes is one or a fault', () => {
  const words = fc.oneof(fc.json(), fc.constant('{"schema":"image-ferry.statement/1","bundle":"a","bases":[{}]}'));
  fc.assert(
    fc.property(words, (text) => {
      expect(thrownBy(() => parseStatement(Buffer.from(text), 'bundle.json'))).toMatchObject({ code: 'BAD_ARCHIVE' });
    }),
  );
});
