import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { digestOf } from '../../../src/primitives/digest.js';
import { limits } from '../../../src/primitives/limits.js';
import { configBytes, dockerArchive, type TestImage } from '../../helpers/image-archives.js';
import { file, hexSha256, json, layerTar, type Member, withMember } from '../../helpers/members.js';
import { faultOf, openMembers } from './setup.js';

let layer: Buffer;
let image: TestImage;
let good: Member[];
let config: string;
let layerName: string;
beforeAll(async () => {
  layer = await layerTar({ 'etc/x': 'x' });
  image = { tags: ['app:1'], layers: [layer] };
  good = dockerArchive([image]);
  config = `${hexSha256(configBytes(image))}.json`;
  layerName = good.find(({ name }) => name.endsWith('layer.tar'))!.name;
});

const place = 'test.tar: "manifest.json": image 1';

describe('manifest.json', () => {
  const entry = (change: Record<string, unknown>): unknown => [
    { Config: config, RepoTags: ['app:1'], Layers: [layerName], ...change },
  ];
  test.each<[string, () => unknown, string]>([
    ['null', () => null, 'test.tar: "manifest.json": expected a list of images (it may be empty), found null'],
    ['an object', () => ({}), 'test.tar: "manifest.json": expected a list of images (it may be empty), found {}'],
    ['an entry that is none', () => [7], `${place}: expected an object, found 7`],
    [
      'no Config',
      () => entry({ Config: undefined }),
      `${place} (docker.io/library/app:1): Config: expected the name of a member, found nothing`,
    ],
    [
      'a Config that is none',
      () => entry({ Config: 1 }),
      `${place} (docker.io/library/app:1): Config: expected the name of a member, found 1`,
    ],
    [
      'a Config outside',
      () => entry({ Config: '../x' }),
      `${place} (docker.io/library/app:1): Config: expected the name of a member, found "../x"`,
    ],
    [
      'an empty Config',
      () => entry({ Config: '' }),
      `${place} (docker.io/library/app:1): Config: expected the name of a member, found ""`,
    ],
    [
      'tags that are none',
      () => entry({ RepoTags: 'app:1' }),
      `${place}: RepoTags: expected a list of texts, found "app:1"`,
    ],
    ['a tag that is none', () => entry({ RepoTags: ['a:1', 2] }), `${place}: RepoTags[1]: expected a text, found 2`],
    [
      'an invalid tag',
      () => entry({ RepoTags: ['App:1\u001b'] }),
      `${place}: RepoTags: expected an image name with a tag, found "App:1\\x1b"`,
    ],
    [
      'a digest for a tag',
      () => entry({ RepoTags: [`app@${digestOf('x')}`] }),
      `${place}: RepoTags: expected an image name with a tag, found "app@${digestOf('x')}"`,
    ],
    [
      'layers that are none',
      () => entry({ Layers: {} }),
      `${place} (docker.io/library/app:1): Layers: expected a list of texts, found {}`,
    ],
    [
      'a layer that is none',
      () => entry({ Layers: [null] }),
      `${place} (docker.io/library/app:1): Layers[0]: expected a text, found null`,
    ],
    [
      'a layer outside',
      () => entry({ Layers: ['a/../../b'] }),
      `${place} (docker.io/library/app:1): Layers: expected the name of a member, found "a/../../b"`,
    ],
    [
      'LayerSources that are none',
      () => entry({ LayerSources: [] }),
      `${place} (docker.io/library/app:1): LayerSources: expected an object, found []`,
    ],
    [
      'a Parent that is none',
      () => entry({ Parent: 1 }),
      `${place} (docker.io/library/app:1): Parent: expected a text, found 1`,
    ],
    [
      'no layers',
      () => entry({ Layers: null }),
      `${place} (docker.io/library/app:1): expected as many layers as diff_ids, found 0 in Layers and 1 diff_ids in config "CONFIG"`,
    ],
  ])('%s', async (_, list, message) => {
    const fault = await faultOf(withMember(good, 'manifest.json', JSON.stringify(list())));
    expect(fault).toMatchObject({ code: 'BAD_ARCHIVE', message: message.replace('CONFIG', config) });
    expect(fault.hint).toBeTruthy();
  });

  test.each([
    ['empty', '', 'it is empty'],
    ['cut', '[{', 'JSON'],
    ['two documents', '[][]', 'JSON'],
  ])('%s', async (_, text, reason) => {
    const fault = await faultOf(withMember(good, 'manifest.json', text));
    expect(fault.code).toBe('BAD_ARCHIVE');
    expect(fault.message).toContain('test.tar: "manifest.json": expected JSON');
    expect(fault.message).toContain(reason);
  });

  test('too many layers', async () => {
    const layers = Array.from({ length: limits.layers + 1 }, () => layerName);
    const fault = await faultOf(withMember(good, 'manifest.json', JSON.stringify(entry({ Layers: layers }))));
    expect(fault).toMatchObject({ code: 'LIMIT' });
    expect(fault.message).toContain('2001 layers, more than the 2000');
  });

  test('too many names', async () => {
    const tags = Array.from({ length: limits.images + 1 }, (_, i) => `a:${String(i)}`);
    const fault = await faultOf(withMember(good, 'manifest.json', JSON.stringify(entry({ RepoTags: tags }))));
    expect(fault).toMatchObject({ code: 'LIMIT' });
    expect(fault.message).toContain('more than the 100000 names');
  });

  test('too large', async () => {
    const fault = await faultOf(withMember(good, 'manifest.json', Buffer.alloc(limits.listBytes + 1, ' ')));
    expect(fault).toMatchObject({ code: 'LIMIT' });
    expect(fault.message).toContain('test.tar: "manifest.json"');
  });
});

describe('config', () => {
  const withConfig = (text: Buffer | string): Member[] => [
    ...withMember(good, 'manifest.json'),
    file('my-config', text),
    json('manifest.json', [{ Config: 'my-config', RepoTags: null, Layers: [layerName] }]),
  ];
  const where = `${place}: config "my-config"`;

  test('missing', async () => {
    expect(await faultOf(withMember(good, config))).toMatchObject({
      code: 'BLOB_MISSING',
      message: `${place} (docker.io/library/app:1): config "${config}" is not in the file`,
    });
  });

  test('not what its name says', async () => {
    expect(await faultOf(withMember(good, config, '{"rootfs":{}}'))).toMatchObject({
      code: 'BLOB_CORRUPT',
      message: `${place} (docker.io/library/app:1): config "${config}": expected the digest in its name, found ${digestOf('{"rootfs":{}}')}`,
    });
  });

  test.each([
    ['[]', `${where}: expected an image config, found []`],
    ['{"rootfs":{"diff_ids":{}}}', `${where}: rootfs.diff_ids: expected a list, found {}`],
    [
      '{"rootfs":{"diff_ids":["x"]}}',
      `${where}: rootfs.diff_ids[0]: expected a digest "sha256:<64 hex digits>", found x`,
    ],
    // A config without rootfs has no layers, in every format: model/config.ts.
    ...['{}', '{"rootfs":{}}', '{"rootfs":{"diff_ids":null}}'].map((text): [string, string] => [
      text,
      `${place}: expected as many layers as diff_ids, found 1 in Layers and 0 diff_ids in config "my-config"`,
    ]),
  ])('%s', async (text, message) => {
    expect(await faultOf(withConfig(text))).toMatchObject({ code: 'BAD_ARCHIVE', message });
  });

  test('no UTF-8', async () => {
    const fault = await faultOf(withConfig(Buffer.from([0x22, 0xff, 0x22])));
    expect(fault).toMatchObject({ code: 'BAD_ARCHIVE' });
    expect(fault.message).toContain(`${where}: expected JSON`);
  });

  test('too large', async () => {
    const fault = await faultOf(withConfig(Buffer.alloc(limits.configBytes + 1, ' ')));
    expect(fault).toMatchObject({ code: 'LIMIT' });
    expect(fault.message).toContain('"my-config"');
  });
});

describe('layers', () => {
  test('missing', async () => {
    expect(await faultOf(withMember(good, layerName))).toMatchObject({
      code: 'BLOB_MISSING',
      message: `${place} (docker.io/library/app:1): layer "${layerName}" is not in the file`,
      side: 'source',
    });
  });

  test('in gzip form, with another diffID', async () => {
    const other = gzipSync('other');
    expect(await faultOf(withMember(good, layerName, other))).toMatchObject({
      code: 'BLOB_CORRUPT',
      message: `${place} (docker.io/library/app:1): layer "${layerName}": expected ${digestOf(layer)} after decompression, found ${digestOf('other')}`,
    });
  });

  test('one diffID in two sizes', async () => {
    const members = dockerArchive([{ layers: [layer, layer] }]);
    const link = members.find((member) => 'link' in member)!.name;
    const fault = await faultOf(withMember(members, link, Buffer.alloc(512)));
    expect(fault).toMatchObject({ code: 'BAD_ARCHIVE' });
    expect(fault.message).toContain(`expected one layer ${digestOf(layer)}, found "`);
    expect(fault.message).toContain(`and "${link}" with 512 bytes`);
  });

  test('empty: listed as it is, whoever reads it finds out', async () => {
    const { source } = await openMembers(withMember(good, layerName, ''));
    expect(await source.images()).toHaveLength(1);
  });
});

test('names from the file are fit for a terminal', async () => {
  const fault = await faultOf([json('manifest.json', [{ Config: 'a\u001b[31m\u202e', Layers: [] }])]);
  expect(fault.message).toBe(`${place}: config "a\\x1b[31m\\u202e" is not in the file`);
});
