import { afterAll, expect, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { digestOf } from '../../../src/primitives/digest.js';
import { overlayStore } from '../../../src/transports/data-root/podman.js';
import { removeTempFolders, tempFolder } from '../fake-client.js';

afterAll(removeTempFolders);

const [one, other, none] = [digestOf('one'), digestOf('other'), digestOf('none')] as const;
const id = (letter: string): string => letter.repeat(64);

async function layerId(records: readonly object[], diffId = one): Promise<string> {
  const root = tempFolder();
  mkdirSync(path.join(root, 'overlay-layers'));
  writeFileSync(path.join(root, 'overlay-layers', 'layers.json'), JSON.stringify(records));
  const { split } = await (await overlayStore(root)).layer([other, diffId]);
  return path.basename(split).replace('.tar-split.gz', '');
}

test('a layer is found by its diffID, wherever in an image it lies', async () => {
  const records = [
    { id: id('a'), 'diff-digest': other },
    { id: id('b'), 'diff-digest': one },
    { id: id('c'), 'diff-digest': one },
  ];
  expect(await layerId(records)).toBe(id('b'));
  await expect(layerId(records, none)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test.each([
  ['a copy for a container with other users', { uidmap: [{ container_id: 0, host_id: 100_000, size: 65_536 }] }],
  ['what a broken pull left', { flags: { incomplete: true } }],
  ['an ID that is a path', { id: '../../etc' }],
])('%s is no layer', async (_, more) => {
  const real = { id: id('b'), 'diff-digest': one, uidmap: null };
  expect(await layerId([{ id: id('a'), 'diff-digest': one, ...more }, real])).toBe(id('b'));
});
