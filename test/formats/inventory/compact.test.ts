import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compactInventory, looksLikeInventory, parseInventory } from '../../../src/formats/inventory/index.js';
import { canonicalInventory, type Inventory, inventoryJson } from '../../../src/model/inventory.js';
import { digestOf, hexOf } from '../../../src/primitives/digest.js';
import { limits } from '../../../src/primitives/limits.js';
import { anyInventory, manyImages, small } from '../../helpers/inventories.js';

const parse = (text: string): Inventory => parseInventory(Buffer.from(text), 'site.txt');

/** With every digest cut as the compact form cuts it. */
const short = (inventory: Inventory): Inventory =>
  JSON.parse(
    JSON.stringify(canonicalInventory(inventory)).replace(
      /("lists":"[^"]*")|(sha256:[0-9a-f]{12})[0-9a-f]*/g,
      (_, lists?: string, digest?: string) => lists ?? digest ?? '',
    ),
  ) as Inventory;

const lineOf = (number: number, part: string): string =>
  `${String(number)} ${part} ${hexOf(digestOf(`${String(number)} ${part}`)).slice(0, 4)}`;
/** A compact inventory of whatever bytes. */
const packed = (bytes: Buffer): string =>
  `image-ferry.inventory/1 compact, 1 line: x\n${lineOf(1, bytes.toString('base64'))}\n`;

describe('the compact form', () => {
  const text = compactInventory(manyImages(20));
  const lines = text.trimEnd().split('\n');

  test('has a first line that says what it is, and numbered lines', () => {
    expect(lines[0]).toBe(
      `image-ferry.inventory/1 compact, ${String(lines.length - 1)} lines: docker 28.5.2 (containerd image store), 20 images`,
    );
    for (const [at, line] of lines.slice(1, -1).entries()) {
      expect(line).toMatch(new RegExp(`^${String(at + 1)}(?: [A-Za-z0-9+/=]{16}){4} [0-9a-f]{4}$`));
    }
    expect(text.endsWith('\n')).toBe(true);
  });

  test('is read without ferry', () => {
    const script = `tail -n +2 | awk '{ for (i = 2; i < NF; i++) printf "%s", $i }' | base64 -d | gunzip`;
    const json = execFileSync('sh', ['-c', script], { input: text }).toString();
    expect(JSON.parse(json)).toMatchObject(short(manyImages(20)));
  });

  test('gives back what it was made of, with short digests', () => {
    fc.assert(
      fc.property(anyInventory, (inventory) => {
        expect(parse(compactInventory(inventory))).toEqual(canonicalInventory(short(inventory)));
        expect(compactInventory(parse(compactInventory(inventory)))).toBe(compactInventory(inventory));
      }),
      { numRuns: 60 },
    );
  });

  test('50 images of 8 layers are a page or two', () => {
    expect(compactInventory(manyImages(50)).length).toBeLessThan(6_000);
  });

  test.each<[string, (text: string) => string]>([
    ['line ends of Windows', (all) => all.replaceAll('\n', '\r\n')],
    ['a mark at the start', (all) => `\uFEFF${all}`],
    ['blank lines', (all) => `\n\n${all.replaceAll('\n', '\n\n')}`],
    ['blanks', (all) => all.replaceAll(/^(\d+) /gm, '  $1   ').replaceAll('\n', ' \n')],
    ['no groups', (all) => all.replaceAll(/^(\d+) (\S{16}) (\S{16}) (\S{16}) (\S{16}) /gm, '$1 $2$3$4$5 ')],
    ['checks in upper case', (all) => all.replaceAll(/[0-9a-f]{4}$/gm, (check) => check.toUpperCase())],
    ['blanks of word processors', (all) => all.replaceAll(' ', '\u00A0')],
    ['tabs', (all) => all.replaceAll(' ', '\t')],
    ['a capital at the start', (all) => `I${all.slice(1)}`],
    ['lines of others', (all) => `${all.replace(/^3 /m, 'Page 2 of 2\n3 ')}typed by me\n`],
    ['a line that is there twice', (all) => all.replace(/^2 .*\n/m, '$&$&')],
    ['lines in another order', (all) => all.replace(/^(2 .*\n)(3 .*\n)/m, '$2$1')],
    ['no newline at the end', (all) => all.trimEnd()],
  ])('does not mind %s', (_, change) => {
    expect(change(text)).not.toBe(text);
    expect(parse(change(text))).toEqual(parse(text));
  });

  test('a mistyped character is found in its line', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: lines.length - 1 }), fc.nat(60), fc.nat(63), (number, place, other) => {
        const line = lines[number] ?? '';
        const at = line.indexOf(' ') + 1 + (place % (line.length - 6 - line.indexOf(' ')));
        const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
        fc.pre(line[at] !== ' ' && line[at] !== letters[other]);
        const wrong = lines.with(number, `${line.slice(0, at)}${letters[other] ?? ''}${line.slice(at + 1)}`);
        expect(() => parse(wrong.join('\n'))).toThrow(
          expect.objectContaining({
            code: 'BAD_ARCHIVE',
            message: expect.stringContaining(`line numbered ${String(number)} `),
          }),
        );
      }),
      { numRuns: 150 },
    );
  });

  const typed = (from: number, to: number): string[] => lines.slice(from, to);
  test.each<[string, readonly string[], string]>([
    ['a line is missing', [...typed(0, 3), ...typed(4, 99)], 'the line numbered 3 is missing, or'],
    ['the last line is missing', typed(0, -1), `the line numbered ${String(lines.length - 1)} is missing, or`],
    [
      'a line is missing and the next is wrong',
      [...typed(0, 3), (lines[4] ?? '').replace(/(.{9})./, '$1'), ...typed(5, 99)],
      'lines numbered 3, 4 are missing, or',
    ],
    [
      'a line is broken in two',
      lines.with(2, (lines[2] ?? '').replace(/^.{40}/, '$&\n')),
      'the line numbered 2 is missing, or',
    ],
    [
      'two lines are one',
      [...typed(0, 2), `${lines[2] ?? ''} ${lines[3] ?? ''}`, ...typed(4, 99)],
      'numbered 2, 3 are',
    ],
    ['a number is wrong', lines.with(2, (lines[2] ?? '').replace(/^2/, '7')), 'the line numbered 2 is missing, or'],
    [
      'the first line says too few',
      lines.with(0, (lines[0] ?? '').replace(/\d+ lines/, '3 lines')),
      'expected 3 lines by line 1, found one numbered 4',
    ],
    [
      'a character is missing',
      lines.with(3, (lines[3] ?? '').replace(/(.{9})./, '$1')),
      'the line numbered 3 is missing, or does not agree',
    ],
    [
      'two lines are wrong',
      lines.with(2, '2 abc 1234').with(4, 'nonsense'),
      'lines numbered 2, 4 are missing, or do not agree',
    ],
    [
      'many are wrong',
      lines.map((line, at) => (at === 0 ? line : `${String(at)} x y`)),
      'lines numbered 1, 2, 3, 4, 5 and ',
    ],
    [
      'the first line is wrong',
      lines.with(0, 'image-ferry.inventory'),
      'line 1: expected "image-ferry.inventory/1 compact',
    ],
    [
      'another version',
      lines.with(0, 'image-ferry.inventory/2 compact, 3 lines: x'),
      'line 1: expected "image-ferry.inventory/1',
    ],
  ])('%s', (_, changed, message) => {
    expect(() => parse(changed.join('\n'))).toThrow(
      expect.objectContaining({
        code: 'BAD_ARCHIVE',
        message: expect.stringContaining(message),
        hint: expect.anything(),
      }),
    );
  });

  test('what is in it is checked, too', () => {
    expect(() => parse(packed(Buffer.from('no gzip')))).toThrow(/site.txt: expected gzip data/);
    expect(() => parse(packed(gzipSync('{}')))).toThrow(/schema: expected/);
    expect(() => parse(packed(gzipSync('')))).toThrow(/expected JSON, but it is empty/);
    const cut = gzipSync(inventoryJson(small));
    expect(() => parse(packed(cut.subarray(0, -9)))).toThrow(expect.objectContaining({ code: 'BAD_ARCHIVE' }));
    const changed = inventoryJson(small).replace('app:1.0', 'app:1.1');
    expect(() => parse(packed(gzipSync(changed)))).toThrow(/its checksum/);
  });

  test('a bomb is refused', () => {
    const bomb = gzipSync(Buffer.alloc(limits.listBytes + 1));
    expect(() => parse(packed(bomb))).toThrow(expect.objectContaining({ code: 'LIMIT' }));
  });
});

test.each<[string, boolean]>([
  [inventoryJson(small), true],
  [`\uFEFF\r\n${inventoryJson(small)}`, true],
  [JSON.stringify(small), true],
  ['{ "other": 1 }', true],
  [compactInventory(small), true],
  [`\n${compactInventory(small)}`, true],
  ['image-ferry.inventory/9 compact', true],
  ['', false],
  ['{file}\0\0\0', false],
  ['blobs/sha256/', false],
  ['[]', false],
])('%.30j is recognised: %j', (text, is) => {
  expect(looksLikeInventory(Buffer.from(text).subarray(0, 256))).toBe(is);
});

test.each(['{ "schema": ', '{ "schema": "image-ferry.inventory/1", "a": \xff }'])('%j is no JSON', (text) => {
  expect(() => parseInventory(Buffer.from(text, 'latin1'), 'x.json')).toThrow(/x.json: expected JSON/);
});

describe.each([
  ['JSON', inventoryJson(small)],
  ['the compact form', compactInventory(small)],
])('%s with a change anywhere', (_, text) => {
  const read = (changed: Buffer): Inventory | string => {
    try {
      return parseInventory(changed, 'x');
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  const original = read(Buffer.from(text));

  const check = (changed: Buffer): void => {
    const found = read(changed);
    if (typeof found === 'string') expect(['BAD_ARCHIVE', 'LIMIT']).toContain(found);
    else expect(found).toEqual(original);
  };

  test('is refused, or changes nothing', () => {
    const bytes = Buffer.from(text);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(40), (at, bits, cut) => {
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ bits;
        check(flipped);
        check(bytes.subarray(0, at));
        check(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + cut)]));
        check(Buffer.concat([bytes.subarray(0, at + cut), bytes.subarray(at)]));
      }),
      { numRuns: 500 },
    );
  });
});

test.each<[string, string]>([
  ['a long line', `1 ${'A'.repeat(2e6)} 0000`],
  ['a long line of blanks', `1 ${'A '.repeat(1e6)}!`],
  ['many lines', '1 A 0\n'.repeat(3e5)],
  ['as many lines as are read', '1 A 0\n'.repeat(limits.compactLines)],
  ['many blank lines', '\n'.repeat(4e6)],
])('%s takes no time', (_, lines) => {
  const start = performance.now();
  expect(() => parse(`image-ferry.inventory/1 compact, 1 line: x\n${lines}`)).toThrow(/site.txt/);
  expect(performance.now() - start).toBeLessThan(5_000);
});

test('a file that is too large is not read', () => {
  expect(() => parseInventory(Buffer.alloc(limits.listBytes + 1, 0x20), 'x')).toThrow(
    expect.objectContaining({ code: 'LIMIT' }),
  );
});

test('UTF-16, as PowerShell writes it, is read', () => {
  for (const text of [inventoryJson(small), compactInventory(small)]) {
    const wide = Buffer.from(`\uFEFF${text.replaceAll('\n', '\r\n')}`, 'utf16le');
    expect(looksLikeInventory(wide.subarray(0, 256))).toBe(true);
    expect(parseInventory(wide, 'x')).toEqual(parseInventory(Buffer.from(text), 'x'));
  }
});

test('JSON may have other white space, and marks before it', () => {
  const text = inventoryJson(small);
  const other = `\uFEFF\n${JSON.stringify(JSON.parse(text))}\r\n`;
  expect(parseInventory(Buffer.from(other), 'x')).toEqual(canonicalInventory(small));
});
