import { describe, expect, test } from '@jest/globals';
import { parseJson } from '../../src/model/json.js';
import { limits } from '../../src/primitives/limits.js';

const parse = (text: string): unknown => parseJson(Buffer.from(text), 'a.tar: x.json');

describe('parseJson', () => {
  test('of values nested as deep as is allowed', () => {
    const text = '['.repeat(limits.jsonDepth) + ']'.repeat(limits.jsonDepth);
    expect(JSON.stringify(parse(text))).toBe(text);
  });

  test.each([
    ['lists', '['.repeat(200_000)],
    ['lists that end', '['.repeat(limits.jsonDepth + 1) + ']'.repeat(limits.jsonDepth + 1)],
    ['objects', '{"a":'.repeat(200_000)],
  ])('of %s nested deeper is LIMIT', (_, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'LIMIT' }));
  });

  test.each([['"[[[[\\"["'.replace('[[[[', '['.repeat(500))], ['{"a\\\\":["]"]}'], ['["\\"", "]"]']])(
    'brackets in texts do not count: %#',
    (text) => {
      expect(parse(text)).toEqual(JSON.parse(text));
    },
  );

  test('a text that does not end is no JSON', () => {
    expect(() => parse('"abc')).toThrow(expect.objectContaining({ code: 'BAD_ARCHIVE' }));
    expect(() => parse('"abc\\')).toThrow(expect.objectContaining({ code: 'BAD_ARCHIVE' }));
  });
});
