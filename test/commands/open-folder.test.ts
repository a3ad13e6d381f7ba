import { describe, expect, test } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openPath } from '../../src/commands/open.js';
import { formatByName } from '../../src/commands/output.js';
import { checkPublishable } from '../../src/primitives/publish.js';
import { faultOf } from '../codecs/helpers.js';
import { testContext } from '../helpers/context.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();

describe('a folder that is no image', () => {
  test.each([
    [['m2.tar.zst', 'notes.txt', '._m2.tar.zst'], 'holds m2.tar.zst', 'Name that: FOLDER/m2.tar.zst'],
    [['b.tar.gz', 'a.tar'], 'holds a.tar, b.tar.gz', 'Name one of them: FOLDER/a.tar'],
    [['kit/load.sh'], 'holds kit/', 'Name that: FOLDER/kit/'],
    [['r.tar.zst.002', 'r.tar.zst.003'], 'volumes of r.tar.zst, but volume 1 is missing', 'Put r.tar.zst.001'],
    [['notes.002'], 'expected index.json', 'docker save'],
  ])('%j: what to name', async (files, message, hint) => {
    mkdirSync(at('stick/kit'), { recursive: true });
    for (const file of files) put(at('stick', file), '');
    const fault = await faultOf(openPath(at('stick'), testContext()));
    expect(fault).toMatchObject({ code: 'NOT_AN_IMAGE', message: expect.stringContaining(message) });
    expect(fault?.hint).toContain(hint.replace('FOLDER', at('stick')));
  });
});

test.each(['x.tar.zts', 'x.tar.zst.001', 'x.zip'])('%s: no name for a folder', (name) => {
  expect(() => formatByName(at(name))).toThrow('ferry writes no');
});
test.each(['archive-1.2', 'x.tar.d/y'])('%s: a folder', (name) => {
  expect(formatByName(at(name))).toBe('oci');
});

test('a place that cannot be written to is named in full', async () => {
  const fault = await faultOf(checkPublishable(join('no-such', 'm.tar.zst')));
  expect(fault?.message).toBe(`cannot write m.tar.zst in ${join(process.cwd(), 'no-such')}: no such file or folder`);
});
