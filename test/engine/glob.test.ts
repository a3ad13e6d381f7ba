import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { matchesName, parseRenaming, rename } from '../../src/engine/glob.js';
import { familiarReference, tryNormalizeReference } from '../../src/model/reference.js';

const app = 'docker.io/library/app:1.0';
const tool = 'registry.example/team/tool:2';

describe('matchesName', () => {
  test.each([
    [app, 'app:1.0', true],
    [app, 'app', true],
    [app, app, true],
    [app, 'docker.io/library/app', true],
    [app, 'app:*', true],
    [app, 'a*', true],
    [app, '*', true],
    [app, 'ap?', true],
    [app, 'ap', false],
    [app, 'app:1', false],
    [app, 'app:1.1', false],
    [app, 'App', false],
    [app, 'app:1?0', true],
    [app, 'app:10', false],
    [tool, 'tool', false],
    [tool, '*/tool', true],
    [tool, 'registry.example/*', true],
    [tool, 'registryxexample/*', false],
    [tool, 'registry.example/team/tool', true],
    ['localhost:5000/app:1', 'localhost:5000/app', true],
    [app, '', false],
    [app, '.*', false],
    [app, '(app', false],
    [app, '[a]pp', false],
    [app, 'app|x', false],
  ])('%s is meant by %s: %s', (name, pattern, matches) => {
    expect(matchesName(name, pattern)).toBe(matches);
  });
});

describe('rename', () => {
  const by =
    (...texts: string[]): ((name: string) => string) =>
    (name) =>
      rename(name, texts.map(parseRenaming));

  test.each<[string, string, string[]]>([
    [app, 'docker.io/library/app:2', ['app:1.0=app:2']],
    [app, 'registry.local/app:1.0', ['*=registry.local/*']],
    [app, 'registry.local/docker.io/library/app:1.0', ['docker.io/*=registry.local/docker.io/*']],
    [tool, 'registry.local/tool:2', ['registry.example/team/*=registry.local/*']],
    [
      tool,
      'registry.local/team/tool:2',
      ['*/*/*=registry.local/*/*'].map(() => 'registry.example/*/*=registry.local/*/*'),
    ],
    [tool, 'docker.io/library/x:latest', ['*=x']],
    [app, app, ['other=x', 'ap=x']],
    [app, 'docker.io/library/x:1.0', ['app=x']],
    [app, 'docker.io/library/x:2', ['app=x:2']],
    [tool, 'docker.io/library/tool:2', ['registry.example/team/tool=tool']],
    [app, 'docker.io/library/first:latest', ['app:*=first', 'app:1.0=second']],
    [app, 'docker.io/library/b:1.0', ['app:1?0=b:1.0']],
  ])('%s becomes %s', (name, renamed, renamings) => {
    expect(by(...renamings)(name)).toBe(renamed);
  });

  test.each(['', '=', 'a', '=b', 'a=', 'a=*', 'a*=*/*'])('%j is no renaming', (text) => {
    expect(() => parseRenaming(text)).toThrow(
      expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('OLD=NEW') }),
    );
  });

  test('a result that is no name is an error that names the renaming', () => {
    expect(() => by('app:*=App:*')(app)).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: 'renaming app:1.0 gives App:1.0, which is no image name',
        hint: 'Check app:*=App:*.',
      }),
    );
  });
});

describe('for any name', () => {
  const name = fc
    .tuple(
      fc.constantFrom('', 'team/', 'registry.example/', 'localhost:5000/a/'),
      fc.stringMatching(/^[a-z0-9]{1,8}(\.[a-z0-9]{1,4})?$/),
      fc.stringMatching(/^[a-z0-9][a-z0-9.]{0,6}$/),
    )
    .map(([host, path, tag]) => tryNormalizeReference(`${host}${path}:${tag}`)!);

  test('it is meant by itself, by its short form, by a star, and by any part with a star around it', () => {
    fc.assert(
      fc.property(name, fc.nat(20), fc.nat(20), (full, from, length) => {
        const glob = `*${full.slice(from, from + length)}*`;
        for (const pattern of [full, familiarReference(full), '*', glob]) expect(matchesName(full, pattern)).toBe(true);
      }),
    );
  });

  test('any pattern matches or does not, without a throw', () => {
    fc.assert(
      fc.property(name, fc.string({ maxLength: 12 }), (full, pattern) => {
        expect(typeof matchesName(full, pattern)).toBe('boolean');
      }),
    );
  });

  test('*=mirror/* and back is no change', () => {
    fc.assert(
      fc.property(
        name.filter((full) => !full.includes(':5000')),
        (full) => {
          const there = rename(full, [parseRenaming('*=mirror.local/*')]);
          expect(there).toBe(`mirror.local/${familiarReference(full)}`);
          expect(rename(there, [parseRenaming('mirror.local/*=*')])).toBe(full);
        },
      ),
    );
  });

  test('*=* is no change', () => {
    fc.assert(
      fc.property(name, (full) => {
        expect(rename(full, [parseRenaming('*=*')])).toBe(full);
      }),
    );
  });
});
