import { describe, expect, test } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import { formatByName } from '../../src/commands/output.js';
import { allWords, parseLocation } from '../../src/commands/words.js';
import { faultOf } from '../codecs/helpers.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();

describe('parseLocation', () => {
  test.each([
    ['-', { kind: 'stdin' }],
    ['file:app', { kind: 'path', path: 'app', maybeName: false }],
    ['file:/x/y.tar', { kind: 'path', path: '/x/y.tar', maybeName: false }],
    ['engine:app', { kind: 'engine', name: 'app' }],
    ['engine:src', { kind: 'engine', name: 'src' }],
    ['app-that-is-no-file:1.0', { kind: 'engine', name: 'app-that-is-no-file:1.0' }],
    ['registry.example/team/app', { kind: 'engine', name: 'registry.example/team/app' }],
    ['0123456789ab', { kind: 'engine', name: '0123456789ab' }],
    [`sha256:${'0'.repeat(64)}`, { kind: 'engine', name: `sha256:${'0'.repeat(64)}` }],
  ])('%s', (word, location) => {
    expect(parseLocation(word)).toEqual(location);
  });

  test('an existing path wins over a name', () => {
    expect(parseLocation(put(at('app'), ''))).toMatchObject({ kind: 'path', maybeName: false });
    expect(parseLocation('src')).toEqual({ kind: 'path', path: 'src', maybeName: true });
  });

  test.each(['./none', '/none', '../none', '~/none', 'none.tar', 'dir/none.tar.zst', 'none.tgz', 'Not A Name'])(
    '%s is NOT_FOUND',
    (word) => {
      expect(() => parseLocation(word)).toThrow(
        expect.objectContaining({ code: 'NOT_FOUND', message: `${word}: no such file or folder` }),
      );
    },
  );

  test('a name that looks like a file gets a hint', () => {
    expect(() => parseLocation('none.tar')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('engine:none.tar') }),
    );
  });

  test.each(['https://example.org/app.tar', 'docker://app:1', 's3://bucket/app'])('%s is not read', (word) => {
    expect(() => parseLocation(word)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  test('ssh:// is an image elsewhere', () => {
    expect(parseLocation('ssh://deploy@host:2222/team/app:1')).toEqual({
      kind: 'remote',
      word: 'ssh://deploy@host:2222/team/app:1',
    });
  });
});

describe('allWords', () => {
  test('given ones, those in files, and those of compose files, each once', async () => {
    const list = put(at('images.txt'), '# ours\n\n  a.tar  # the first\nfile:b#1.tar\r\nteam/app:1\n   \n#c.tar\n');
    const compose = put(at('compose.yaml'), 'services: { x: { image: db:1 } }\n');
    expect(await allWords({ sources: ['x.tar', 'a.tar'], sourceFiles: [list], composeFiles: [compose] })).toEqual([
      'x.tar',
      'a.tar',
      'file:b#1.tar',
      'team/app:1',
      'engine:db:1',
    ]);
  });

  test('none at all is USAGE', async () => {
    expect(await faultOf(allWords({ sources: [] }))).toMatchObject({ code: 'USAGE', message: 'no source' });
    expect(await faultOf(allWords({ sources: [], sourceFiles: [put(at('empty'), '# nothing\n')] }))).toMatchObject({
      code: 'USAGE',
    });
  });

  test('a list that is not there is NOT_FOUND', async () => {
    expect(await faultOf(allWords({ sources: [], sourceFiles: [at('none')] }))).toMatchObject({
      code: 'NOT_FOUND',
      side: 'source',
    });
  });
});

describe('formatByName', () => {
  test.each([
    ['-', 'tar'],
    ['out.tar', 'tar'],
    ['out.tar.zst', 'tar.zst'],
    ['out.tzst', 'tar.zst'],
    ['out.tar.gz', 'tar.gz'],
    ['out.tgz', 'tar.gz'],
    ['out', 'oci'],
    ['out.d/', 'oci'],
    ['release-1.0', 'oci'],
    ['x.zst/', 'oci'],
  ])('%s is %s', (name, format) => {
    expect(formatByName(name)).toBe(format);
  });

  test('a folder that exists is a layout, whatever its name', () => {
    mkdirSync(at('images.zip'));
    expect(formatByName(at('images.zip'))).toBe('oci');
  });

  test.each(['out.xz', 'out.tar.xz', 'out.tar.bz2', 'out.zip', 'out.zst', 'out.gz', 'out.7z'])(
    '%s is USAGE',
    (name) => {
      expect(() => formatByName(name)).toThrow(
        expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('.tar.zst') }),
      );
    },
  );
});
