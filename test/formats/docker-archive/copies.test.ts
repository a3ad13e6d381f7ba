import { describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { verify } from '../../../src/commands/verify.js';
import { digestOf } from '../../../src/primitives/digest.js';
import { isTransferError } from '../../../src/primitives/errors.js';
import { testContext } from '../../helpers/context.js';
import { configBytes, dockerArchive } from '../../helpers/image-archives.js';
import { file, json, layerTar, type Member, tarOf } from '../../helpers/members.js';
import { put, useTempFolder } from '../../helpers/temp-folder.js';
import { openMembers } from './setup.js';

const at = useTempFolder();
const layer = await layerTar({ 'etc/app': 'contents' });
const flipped = (bytes: Buffer): Buffer => {
  const copy = Buffer.from(bytes);
  copy[600] = copy[600]! ^ 1;
  return copy;
};

/** Two images of the same layer, each with a member of its own for it, as old tools write them. */
function twice(first: Buffer, second: Buffer): Member[] {
  const config = configBytes({ layers: [layer] });
  const entry = (tag: string, member: string): object => ({ Config: 'c.json', RepoTags: [tag], Layers: [member] });
  return [
    file('c.json', config),
    file('1/layer.tar', first),
    file('2/layer.tar', second),
    json('manifest.json', [entry('a:1', '1/layer.tar'), entry('b:1', '2/layer.tar')]),
  ];
}

async function audited(members: readonly Member[]): Promise<{ faults: string[]; opened: readonly string[] }> {
  const { tree, source } = await openMembers(members);
  await source.images();
  const before = tree.opened.length;
  const faults: string[] = [];
  for await (const error of source.audit(new Set([digestOf(layer)]))) {
    if (isTransferError(error) && error.message !== 'test.tar: what the tree itself found')
      faults.push(`${error.code} ${error.message}`);
  }
  return { faults, opened: tree.opened.slice(before) };
}

describe('further members of a layer', () => {
  test('verify reads a copy of the same size, and finds that it is damaged', async () => {
    const path = put(at('a.tar'), await tarOf(twice(layer, flipped(layer))));
    const { faults } = await verify({ sources: [path] }, testContext());
    expect(faults).toMatchObject([
      {
        code: 'BLOB_CORRUPT',
        message: `${path}: layer "2/layer.tar": expected a copy of layer ${digestOf(layer)}, found ${digestOf(flipped(layer))}`,
        hint: expect.stringContaining('engines may refuse this file'),
      },
    ]);
  });

  test.each<[string, Buffer, Buffer]>([
    ['plain', layer, layer],
    ['gzip', gzipSync(layer), gzipSync(layer)],
    ['plain and gzip', layer, gzipSync(layer)],
    ['gzip and plain', gzipSync(layer), layer],
  ])('that are whole have no fault (%s)', async (_, first, second) => {
    expect((await audited(twice(first, second))).faults).toEqual([]);
  });

  test('a gzip copy with other contents, and a plain one beside a gzip one, are found too', async () => {
    const other = gzipSync(flipped(layer), { level: 0 });
    const found = digestOf(flipped(layer));
    const expected = [
      `BLOB_CORRUPT test.tar: layer "2/layer.tar": expected a copy of layer ${digestOf(layer)}, found ${found}`,
    ];
    expect((await audited(twice(gzipSync(layer, { level: 0 }), other))).faults).toEqual(expected);
    expect((await audited(twice(gzipSync(layer), flipped(layer)))).faults).toEqual(expected);
  });

  test('a copy that cannot be decompressed is a fault, and the audit goes on', async () => {
    const packed = gzipSync(layer, { level: 0 });
    const path = put(at('a.tar'), await tarOf(twice(packed, flipped(packed))));
    const { faults } = await verify({ sources: [path] }, testContext());
    expect(faults).toMatchObject([{ code: 'BAD_ARCHIVE', message: expect.stringContaining('"2/layer.tar"') }]);
  });

  test('links to the one member, which Docker before 25 writes, are not read again', async () => {
    const members = dockerArchive([
      { tags: ['a:1'], layers: [layer] },
      { tags: ['b:1'], layers: [layer], config: { author: 'another' } },
    ]);
    expect(members.some((member) => 'link' in member)).toBe(true);
    expect(await audited(members)).toEqual({ faults: [], opened: [] });
  });
});
