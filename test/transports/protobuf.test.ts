import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fieldsOf, textOf } from '../../src/transports/engine/protobuf.js';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const values = (message: Buffer, field: number): string[] =>
  [...fieldsOf(message, field)].map((value) => value.toString('utf8'));

test('fields of one number, in order; others are passed by', () => {
  // 1: "a", 2: varint 300, 3: fixed64, 1: "bc", 4: fixed32, 20: "d"
  const message = bytes('0a0161 10ac02 190102030405060708 0a026263 2501020304 a2010164');
  expect(values(message, 1)).toEqual(['a', 'bc']);
  expect(values(message, 20)).toEqual(['d']);
  expect(values(message, 2)).toEqual([]);
  expect(textOf(message, 1)).toBe('bc');
  expect(textOf(message, 9)).toBe('');
});

describe('what is no message', () => {
  test.each(['0a', '0a05 6162', '80', 'ffffffffffffffffffffff', '0b', '1901', '25', '0affffffffffffffffff01'])(
    '%s',
    (hex) => {
      expect(() => values(bytes(hex), 1)).toThrow(RangeError);
    },
  );

  test('ends, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (random) => {
        try {
          for (const value of fieldsOf(Buffer.from(random), 1)) expect(value.length).toBeLessThan(60);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
