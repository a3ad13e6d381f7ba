import { describe, expect, test } from '@jest/globals';
import { parse, type Invocation } from '../../src/cli/parser/parse.js';
import { Captured } from './helpers.js';

function read(...argv: string[]): Invocation {
  return parse(argv, { program: 'ferry', io: { stdout: new Captured(), stdinIsTerminal: false } });
}

function optionsOf(...argv: string[]): unknown {
  const invocation = read(...argv);
  if (invocation.kind !== 'call') throw new Error(`no call: ${invocation.kind}`);
  return invocation.call.options;
}

describe('prune', () => {
  test('takes an archive and rules', () => {
    const rules = ['--keep-last', '5', '--keep', 'app:*-lts', '--keep', 'db', '--keep-within', '6m', '--dry-run'];
    expect(optionsOf('prune', 'archive/', ...rules)).toStrictEqual({
      archive: 'archive/',
      keepLast: 5,
      keep: ['app:*-lts', 'db'],
      keepWithinHours: 180 * 24,
      dryRun: true,
    });
  });

  test.each([
    ['48h', 48],
    ['30d', 720],
    ['2w', 336],
    ['1y', 8760],
  ])('%s is %d hours', (text, keepWithinHours) => {
    expect(optionsOf('prune', 'a', '--keep-within', text)).toMatchObject({ keepWithinHours });
  });

  test.each([
    ['--keep-within', '0d'],
    ['--keep-within', '5'],
    ['--keep-within', '1 year'],
    ['--keep-last', '0'],
    ['--keep-last', '-1'],
  ])('refuses %s %s', (option, value) => {
    expect(() => read('prune', 'a', option, value)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('verify in part', () => {
  test.each([
    ['10%', 10],
    ['12.5 %', 12.5],
    ['100', 100],
  ])('takes %s', (text, sample) => {
    expect(optionsOf('verify', 'a', '--sample', text)).toStrictEqual({ sources: ['a'], sample });
  });

  test.each([
    ['2026-11-01', new Date(2026, 10, 1)],
    ['2026-11-01T12:30', new Date(2026, 10, 1, 12, 30)],
    ['2026-11-01T12:30:15Z', new Date(Date.UTC(2026, 10, 1, 12, 30, 15))],
  ])('takes %s', (text, since) => {
    expect(optionsOf('verify', 'a', '--since', text)).toStrictEqual({ sources: ['a'], since });
  });

  test('takes a time ago', () => {
    const { since } = optionsOf('verify', 'a', '--since', '7d') as { since: Date };
    expect(Math.abs(Date.now() - 7 * 86_400_000 - since.getTime())).toBeLessThan(60_000);
  });

  test.each([
    ['--sample', '0%'],
    ['--sample', '101%'],
    ['--sample', 'some'],
    ['--since', 'yesterday'],
    ['--since', '2026-13-01'],
    ['--since', '2026-1-1'],
  ])('refuses %s %s', (option, value) => {
    expect(() => read('verify', 'a', option, value)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
