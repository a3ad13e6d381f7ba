import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { parseHost, quoteCommand, quoteWord } from '../../../src/transports/ssh/index.js';

describe('host words', () => {
  test.each([
    ['prod-1', { host: 'prod-1', label: 'prod-1' }],
    ['deploy@prod-1', { user: 'deploy', host: 'prod-1' }],
    ['deploy@prod-1:2222', { user: 'deploy', host: 'prod-1', port: 2222, label: 'deploy@prod-1:2222' }],
    ['ssh://deploy@prod-1:2222', { user: 'deploy', host: 'prod-1', port: 2222, label: 'deploy@prod-1:2222' }],
    ['ssh://prod-1/', { host: 'prod-1', label: 'prod-1' }],
    ['[fe80::1%eth0]:22', { host: 'fe80::1%eth0', port: 22 }],
    ['root@[::1]', { user: 'root', host: '::1', port: undefined }],
    ['::1', { host: '::1', port: undefined }],
    ['me@corp.example@gate', { user: 'me@corp.example', host: 'gate' }],
  ])('%s', (word, expected) => {
    expect(parseHost(word)).toMatchObject(expected);
  });

  test.each([
    '',
    'ssh://',
    '@h',
    'u@',
    '-oProxyCommand=x',
    '-l@h',
    'h:0',
    'h:65536',
    'h:x',
    'h:',
    'a b',
    'h;id',
    'u$(x)@h',
    'h/x',
    'h\n',
  ])('refused: %j', (word) => {
    expect(() => parseHost(word)).toThrow(
      expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('host') }),
    );
  });
});

describe('quoting', () => {
  test('only what needs it is quoted', () => {
    expect(quoteCommand(['docker', 'image', 'inspect', 'app:1.0', '--format={{.Id}}'])).toBe(
      "docker image inspect app:1.0 '--format={{.Id}}'",
    );
    expect(quoteWord("it's")).toBe(`'it'"'"'s'`);
    expect(quoteWord('a\\b')).toBe(`'a'"\\\\"'b'`);
    expect(quoteWord('')).toBe("''");
  });

  test('every word arrives as it is through a real shell', () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
      fc.string({ unit: fc.constantFrom(...`'"\\$\`!*?[]{}()<>|&;#~=% \t\n\r-^`.split('')) }),
    );
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), (words) => {
        const wellFormed = words.map((text) => Buffer.from(text).toString());
        const { stdout } = spawnSync('sh', ['-c', quoteCommand(['printf', '%s\\0', ...wellFormed])]);
        expect(stdout.toString().split('\0').slice(0, -1)).toEqual(wellFormed);
      }),
      { numRuns: 150 },
    );
  });
});
