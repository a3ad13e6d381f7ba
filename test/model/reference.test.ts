import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  familiarReference,
  normalizeReference,
  repositoryOf,
  taggedReference,
  tryNormalizeReference,
} from '../../src/model/reference.js';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('normalizeReference', () => {
  test.each([
    ['app', 'docker.io/library/app:latest'],
    ['app:1.0', 'docker.io/library/app:1.0'],
    ['team/app', 'docker.io/team/app:latest'],
    ['docker.io/app', 'docker.io/library/app:latest'],
    ['index.docker.io/team/app', 'docker.io/team/app:latest'],
    ['docker.io/library/app:1', 'docker.io/library/app:1'],
    ['localhost/app', 'localhost/app:latest'],
    ['localhost:5000/app', 'localhost:5000/app:latest'],
    ['registry.example/a/b/c:v1', 'registry.example/a/b/c:v1'],
    ['Registry.Example/app', 'Registry.Example/app:latest'],
    ['HOST/app', 'HOST/app:latest'],
    ['[::1]:5000/app:1', '[::1]:5000/app:1'],
    ['host:5000/app', 'host:5000/app:latest'],
    ['a__b/c--d.e_f', 'docker.io/a__b/c--d.e_f:latest'],
    [`app@${digest}`, `docker.io/library/app@${digest}`],
    [`app:1.0@${digest}`, `docker.io/library/app:1.0@${digest}`],
    [`app:${'t'.repeat(128)}`, `docker.io/library/app:${'t'.repeat(128)}`],
  ])('%s', (text, full) => {
    expect(normalizeReference(text)).toBe(full);
  });

  test.each([
    '',
    ' ',
    'App',
    'team/App',
    'app:',
    'app: 1',
    'app:-1',
    ':1',
    '/app',
    'app/',
    'a//b',
    'a___b',
    'a..b',
    '-app',
    'app-',
    'app@sha256:123',
    `app@sha512:${'0'.repeat(128)}`,
    'app\n',
    'app:1\n',
    '../app',
    'https://host/app',
    `app:${'t'.repeat(129)}`,
    `host.example/${'a'.repeat(250)}`,
    'a'.repeat(600),
    'app\x1b[31m',
  ])('%j is no name', (text) => {
    expect(tryNormalizeReference(text)).toBeUndefined();
    expect(() => normalizeReference(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  test('an error shows the text harmlessly', () => {
    expect(() => normalizeReference('\x1b[2J')).toThrow('not an image name: \\x1b[2J');
  });
});

test.each([
  ['docker.io/library/app:1.0', 'app:1.0'],
  ['docker.io/team/app:1.0', 'team/app:1.0'],
  ['docker.io/library/a/b:1', 'library/a/b:1'],
  ['registry.example/app:1.0', 'registry.example/app:1.0'],
  ['docker.io/localhost/app:1', 'docker.io/localhost/app:1'],
  ['docker.io/a.b/app:1', 'docker.io/a.b/app:1'],
])('the familiar form of %s is %s', (full, short) => {
  expect(familiarReference(full)).toBe(short);
});

test.each([
  ['docker.io/library/app:1.0', 'docker.io/library/app'],
  ['localhost:5000/app', 'localhost:5000/app'],
  ['localhost:5000/app:1', 'localhost:5000/app'],
  [`docker.io/library/app:1@${digest}`, 'docker.io/library/app'],
  [`localhost:5000/app@${digest}`, 'localhost:5000/app'],
])('the repository of %s is %s', (full, repository) => {
  expect(repositoryOf(full)).toBe(repository);
});

test.each([
  ['docker.io/library/app:1.0', 'docker.io/library/app:1.0'],
  [`docker.io/library/app:1.0@${digest}`, 'docker.io/library/app:1.0'],
  [`docker.io/library/app@${digest}`, undefined],
  [`localhost:5000/app@${digest}`, undefined],
])('engines are given %s as %s', (full, tag) => {
  expect(taggedReference(full)).toBe(tag);
});

describe('for any name', () => {
  const component = fc.stringMatching(/^[a-z0-9]{1,6}(([._]|__|-{1,3})[a-z0-9]{1,4}){0,2}$/);
  const host = fc.oneof(
    fc.constantFrom('docker.io', 'index.docker.io', 'localhost', 'localhost:5000', '[::1]:80', 'HOST'),
    fc.stringMatching(/^[a-z0-9]{1,5}(\.[a-z0-9]([a-z0-9-]{0,2}[a-z0-9])?){1,2}(:[0-9]{1,5})?$/),
  );
  const name = fc
    .tuple(
      fc.option(host),
      fc.array(component, { minLength: 1, maxLength: 4 }),
      fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,10}$/)),
      fc.boolean(),
    )
    .map(([at, path, tag, pinned]) =>
      [at === null ? '' : `${at}/`, path.join('/'), tag === null ? '' : `:${tag}`, pinned ? `@${digest}` : ''].join(''),
    )
    // A first part such as a_b.c passes for a host, and is none.
    .filter((text) => tryNormalizeReference(text) !== undefined);

  test('normalising twice is normalising once', () => {
    fc.assert(
      fc.property(name, (text) => {
        const full = normalizeReference(text);
        expect(normalizeReference(full)).toBe(full);
      }),
    );
  });

  test('the familiar form leads back to the full one', () => {
    fc.assert(
      fc.property(name, (text) => {
        const full = normalizeReference(text);
        expect(normalizeReference(familiarReference(full))).toBe(full);
      }),
    );
  });

  test('any text is a name or is not, without a throw', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const full = tryNormalizeReference(text);
        if (full !== undefined) expect(tryNormalizeReference(full)).toBe(full);
      }),
    );
  });
});
