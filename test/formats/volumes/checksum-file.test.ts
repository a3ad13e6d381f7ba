import { describe, expect, test } from '@jest/globals';
import { encodeFacts, madeBy, parseFacts } from '../../../src/formats/volumes/checksum-file.js';
import { digestOf } from '../../../src/primitives/digest.js';
import { maker } from './helpers.js';

describe('checksum files made to mislead', () => {
  const facts = {
    number: 2,
    offset: 100,
    size: 100,
    sha256: digestOf('a'),
    head: digestOf('b'),
    made: madeBy(maker, 100),
  };
  test.each<[string, object]>([
    ['an offset that is not that of the number', { offset: 99 }],
    ['a small volume that is not the last', { size: 99 }],
    ['one larger than the set allows', { size: 101, count: 2 }],
    ['a count that is not the number of the last', { count: 3 }],
    ['more volumes than there are numbers for', { number: 3e8, offset: 3e10 - 100, count: 3e8 }],
    ['volumes of no size', { offset: 0, size: 0, count: 2, made: madeBy(maker, 0) }],
  ])('%s', (_, other) => {
    const text = encodeFacts({ ...facts, ...other });
    expect(() => parseFacts(Buffer.from(text), 'c.json')).toThrow(
      'c.json: the checksum file was changed or damaged: its numbers contradict',
    );
  });

  test('any changed byte of one is an error of its own', () => {
    const text = Buffer.from(encodeFacts(facts));
    expect(parseFacts(text, 'c.json')).toEqual(facts);
    for (let at = 0; at < text.length; at++) {
      for (const flip of [1, 2, 32]) {
        const other = Buffer.from(text);
        other[at] = (other[at] ?? 0) ^ flip;
        expect(() => parseFacts(other, 'c.json')).toThrow(/^c\.json/);
      }
    }
  });
});
