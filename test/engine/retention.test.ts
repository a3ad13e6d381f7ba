import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isBelievable, type Release, retain, type RetentionRules } from '../../src/engine/retention.js';
import { type ImageNode, type TreeNode } from '../../src/model/graph.js';
import { normalizeReference } from '../../src/model/reference.js';
import { type Digest, digestOf, hexOf } from '../../src/primitives/digest.js';

const NOW = Date.UTC(2026, 10, 21);
const DAY = 86_400_000;

const blob = (digest: Digest): TreeNode['blob'] => ({ mediaType: '', digest, size: 1 });
const image = (name: string | undefined, seed = name ?? ''): ImageNode => ({
  name: name === undefined ? undefined : normalizeReference(name),
  root: { kind: 'opaque', blob: blob(digestOf(seed)) },
});
const about = (subject: string, seed: string, name?: string): ImageNode => ({
  name,
  root: { kind: 'artifact', blob: blob(digestOf(seed)), type: 'x', parts: [], subject: digestOf(subject) },
});
/** `created` in days ago. */
const release = (node: ImageNode, created?: number, added = 0): Release => ({
  image: node,
  created: created === undefined ? undefined : NOW - created * DAY,
  added: NOW - added * DAY,
});

const none: RetentionRules = { keep: [] };
const outcome = (releases: readonly Release[], rules: Partial<RetentionRules>): (readonly string[])[] =>
  retain(releases, { ...none, ...rules }, NOW).map(({ keptBy }) => keptBy);
const stay = (releases: readonly Release[], rules: Partial<RetentionRules>): number[] =>
  outcome(releases, rules).flatMap((by, at) => (by.length > 0 ? [at] : []));

describe('keep-last', () => {
  test.each([
    [
      'by date, whatever the tags say',
      [
        ['app:1', 1],
        ['app:2', 3],
        ['app:3', 2],
      ],
      2,
      [0, 2],
    ],
    [
      'by tag where dates are equal',
      [
        ['app:1.9', 5],
        ['app:1.10', 5],
        ['app:1.8', 5],
      ],
      1,
      [1],
    ],
    [
      'by tag where one has no date',
      [
        ['app:1', 1],
        ['app:2', 3],
        ['app:3', undefined],
      ],
      2,
      [1, 2],
    ],
    [
      'of each repository',
      [
        ['app:1', 1],
        ['db:1', 9],
        ['app:0', 2],
        ['team/app:1', 3],
      ],
      1,
      [0, 1, 3],
    ],
    [
      'more than there are',
      [
        ['app:1', 1],
        ['app:2', 2],
      ],
      5,
      [0, 1],
    ],
  ] as [string, [string, number | undefined][], number, number[]][])('%s', (_, list, keepLast, expected) => {
    const releases = list.map(([name, created]) => release(image(name), created));
    expect(stay(releases, { keepLast })).toEqual(expected);
  });

  test('several names of one image count once, and stay together', () => {
    const releases = [
      release(image('app:latest', 'new'), 1),
      release(image('app:2.0', 'new'), 1),
      release(image('app:1.0', 'old'), 9),
      release(image('app:0.9', 'older'), 10),
    ];
    expect(stay(releases, { keepLast: 2 })).toEqual([0, 1, 2]);
    expect(retain(releases, { ...none, keepLast: 2 }, NOW).map(({ rank }) => rank)).toEqual([1, 1, 2, 3]);
  });
});

describe('the other rules', () => {
  const releases = [
    release(image('app:1.0-lts'), 900),
    release(image('app:1.1'), 300),
    release(image('app:1.2'), undefined, 10),
    release(image('app:0.1'), undefined, 400),
  ];
  test.each([
    [{ keep: ['app:*-lts'] }, [0]],
    [{ keep: ['app'] }, [0, 1, 2, 3]],
    [{ keep: ['nothing'] }, []],
    [{ keepWithinHours: 365 * 24 }, [1, 2]],
    [{ keepWithinHours: 24 }, []],
    [{ keepWithinHours: 365 * 24, keep: ['app:1.0-*'], keepLast: 1 }, [0, 1, 2]],
  ] as [Partial<RetentionRules>, number[]][])('%j', (rules, expected) => {
    expect(stay(releases, rules)).toEqual(expected);
  });

  test('what has no name stays, and says why', () => {
    expect(outcome([release(image(undefined, 'x'), 9), release(image('app:1'), 9)], { keep: ['other'] })).toEqual([
      ['unnamed'],
      [],
    ]);
  });

  test.each([
    ['1970-01-01T00:00:00Z', false],
    ['1980-01-01T00:00:01Z', false],
    ['2013-02-28T00:00:00Z', false],
    ['2014-01-01T00:00:00Z', true],
    ['nonsense', false],
  ])('a date of %s is believed: %s', (text, expected) => {
    expect(isBelievable(Date.parse(text))).toBe(expected);
  });
});

describe('signatures and attestations', () => {
  const tagged = (subject: string, suffix: string): ImageNode =>
    image(`app:sha256-${hexOf(digestOf(subject))}${suffix}`, `signature of ${subject}`);
  const releases = [
    release(image('app:1'), 9),
    release(image('app:2'), 1),
    release(about('app:1', 'a1')),
    release(about('app:2', 'a2')),
    release(tagged('app:1', '.sig')),
    release(tagged('app:2', '.sig')),
    release(about('a2', 'signature of the attestation')),
    release(about('a1', 'signature of the other')),
    release(about('nowhere', 'orphan')),
    release(about('orphan', 'about the orphan')),
  ];

  test('stay with what they are about, also in a chain, and go with it; they count for nothing', () => {
    expect(outcome(releases, { keepLast: 1 })).toEqual([
      [],
      ['last'],
      [],
      ['subject'],
      [],
      ['subject'],
      ['subject'],
      [],
      ['orphan'],
      ['subject'],
    ]);
  });

  test('one that a rule names stays without its image', () => {
    expect(outcome(releases, { keepLast: 1, keep: ['app:*.sig'] })[4]).toEqual(['name']);
  });
});

describe('whatever there is', () => {
  const names = fc.constantFrom('app:1', 'app:2', 'app:2-rc', 'app:latest', 'db:1', 'db:2', 'team/app:1', undefined);
  /** Days ago, by image; where images of one repository have none, the tag decides for all of them. */
  const ages = fc.option(fc.tuple(...['a', 'b', 'c', 'd'].map(() => fc.integer({ min: 0, max: 900 }))), {
    nil: undefined,
  });
  const some = fc.array(
    fc.record({
      name: names,
      image: fc.nat({ max: 3 }),
      subject: fc.option(fc.constantFrom('a', 'b', 'c', 'd', 'z'), { nil: undefined, freq: 4 }),
      added: fc.integer({ min: 0, max: 900 }),
    }),
    { maxLength: 12 },
  );
  const rules = fc.record({
    keepLast: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    keep: fc.subarray(['app:1', 'db', 'a*:latest']),
    keepWithinHours: fc.option(fc.integer({ min: 1, max: 20_000 }), { nil: undefined }),
  });
  type Made = { name?: string | undefined; image: number; subject?: string | undefined; added: number };
  const releasesOf = (list: readonly Made[], age: readonly number[] | undefined): Release[] =>
    list.map(({ name, image: at, subject, added }) => {
      const seed = 'abcd'.charAt(at);
      return release(subject === undefined ? image(name, seed) : about(subject, `about ${seed}`), age?.[at], added);
    });

  test('the order of the list changes nothing; more rules keep no less; what stays, stays again', () => {
    fc.assert(
      fc.property(some, ages, rules, (list, age, given) => {
        const releases = releasesOf(list, age);
        const kept = new Set(stay(releases, given).map((at) => releases[at]));
        const turned = [...releases].reverse();
        expect(new Set(stay(turned, given).map((at) => turned[at]))).toEqual(kept);
        const more = { ...given, keep: [...given.keep, 'team/*'] };
        for (const at of stay(releases, given)) expect(stay(releases, more)).toContain(at);
        const left = releases.filter((each) => kept.has(each));
        expect(stay(left, given)).toEqual(left.map((_, at) => at));
      }),
      { numRuns: 300 },
    );
  });
});
