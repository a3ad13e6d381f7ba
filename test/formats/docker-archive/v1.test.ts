import { existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { digestOf } from '../../../src/primitives/digest.js';
import { file, json, layerTar, type Member, untar, withMember } from '../../helpers/members.js';
import { type TestV1Image, v1Archive } from '../../helpers/v1-archive.js';
import { contentsOf, faultOf, fixture, listMembers, manifestOf, openMembers } from './setup.js';

const emptyTar: Buffer = Buffer.alloc(1024);
const chain = (id: string, documents: readonly TestV1Image['document'][], layer: Buffer = emptyTar): TestV1Image[] =>
  documents.map((document, i) => ({ id: `${id}-${String(i)}`, document, layer }));

async function imageIds(members: readonly Member[]): Promise<Record<string, string>> {
  const { source } = await openMembers(members);
  const ids: Record<string, string> = {};
  for (const record of await source.images()) {
    ids[record.name ?? ''] = (await manifestOf(source, record)).config.digest;
  }
  return ids;
}

describe('image IDs are those that Docker 20.10 gives', () => {
  const golden = JSON.parse(fixture('v1-images.json').toString()) as {
    name: string;
    documents: string[];
    imageId: string;
  }[];
  test.each(golden)('$name', async ({ name, documents, imageId }) => {
    const images = chain(name, documents);
    const members = v1Archive(images, { app: { '1': images.at(-1)!.id } });
    expect(await imageIds(members)).toEqual({ 'docker.io/library/app:1': imageId });
  });
});

describe('real archives', () => {
  const folder = new URL('../../../../shared/real-archives/', import.meta.url);
  const real = [
    [
      'google+go-containerregistry/pkg/v1/tarball/testdata/no_manifest.tar',
      'sha256:a2673db3c3d86a802c915e140274aed9d62464681af1371c881d7f5821b05645',
    ],
    [
      'balena-os+balena-engine/integration-cli/testdata/emptyLayer.tar',
      'sha256:a9e31d6f186fbbe2468c9961316dba93971266d344ba960f68911df6e29b564c',
    ],
  ] as const;
  for (const [path, imageId] of real) {
    const there = existsSync(new URL(path, folder));
    (there ? test : test.skip)(`${path}${there ? '' : ' (not beside the project)'}`, async () => {
      const ids = await imageIds(await untar(readFileSync(new URL(path, folder))));
      expect(Object.values(ids)).toEqual([imageId]);
    });
  }
});

describe('a save without manifest.json', () => {
  test('tags, shared parents, and what nothing names', async () => {
    const base = chain('base', [{ comment: 'b' }]);
    const child = (id: string): TestV1Image => ({ id, document: { parent: 'base-0', comment: id }, layer: emptyTar });
    const members = v1Archive([child('x'), ...base, child('y'), child('z')], {
      'localhost:5000/app': { '1': 'x', latest: 'x' },
      app: { '1': 'y' },
    });
    const { tree, source } = await openMembers(members);
    const records = await source.images();
    expect(records.map(({ name }) => name)).toEqual([
      'localhost:5000/app:1',
      'localhost:5000/app:latest',
      'docker.io/library/app:1',
      undefined,
    ]);
    expect(new Set(records.map(({ root }) => root.digest)).size).toBe(3);
    expect(tree.opened.filter((name) => name === 'base-0/json')).toHaveLength(1);
  });

  test('the config is made again when it is opened', async () => {
    const { source } = await openMembers(v1Archive(chain('a', [{ author: 'me' }]), { app: { '1': 'a-0' } }));
    const [record] = await source.images();
    const { config } = await manifestOf(source, record!);
    const bytes = await contentsOf(source, config as Parameters<typeof source.open>[0]);
    expect(digestOf(bytes)).toBe(config.digest);
    expect(JSON.parse(bytes.toString())).toMatchObject({
      author: 'me',
      rootfs: { type: 'layers', diff_ids: [digestOf(emptyTar)] },
      history: [{ author: 'me', created: '0001-01-01T00:00:00Z' }],
    });
  });

  test('layers in gzip form count as their plain tars', async () => {
    const layer = await layerTar({ a: 'b' });
    const plain = v1Archive(chain('a', [{}], layer), { app: { '1': 'a-0' } });
    const packed = v1Archive(chain('a', [{}], gzipSync(layer)), { app: { '1': 'a-0' } });
    expect(await listMembers(packed)).toEqual(await listMembers(plain));
  });
});

describe('wrong input', () => {
  const good = v1Archive(chain('a', [{}, { parent: 'a-0' }]), { app: { '1': 'a-1' } });
  const where = 'test.tar: "repositories"';

  test.each<[string, unknown, string, string]>([
    ['a list', [], 'BAD_ARCHIVE', `${where}: expected an object, found []`],
    ['null', null, 'BAD_ARCHIVE', `${where}: expected an object, found null`],
    ['tags that are none', { app: 1 }, 'BAD_ARCHIVE', `${where}: "app": expected an object of tags, found 1`],
    [
      'an ID that is none',
      { app: { '1': 2 } },
      'BAD_ARCHIVE',
      `${where}: "app": "1": expected the ID of an image, found 2`,
    ],
    [
      'an invalid name',
      { APP: { '1': 'a-1' } },
      'BAD_ARCHIVE',
      `${where}: expected an image name with a tag, found "APP:1"`,
    ],
    [
      'an invalid tag',
      { app: { 'x y': 'a-1' } },
      'BAD_ARCHIVE',
      `${where}: expected an image name with a tag, found "app:x y"`,
    ],
    [
      'an ID outside',
      { app: { '1': '../a' } },
      'BAD_ARCHIVE',
      `${where}: "app": expected the name of a member, found "../a"`,
    ],
    [
      'an ID that is not there',
      { app: { '1': 'b' } },
      'BLOB_MISSING',
      `${where}: docker.io/library/app:1: v1 image "b/json" is not in the file`,
    ],
  ])('repositories: %s', async (_, repositories, code, message) => {
    const members = [...withMember(good, 'repositories'), json('repositories', repositories)];
    expect(await faultOf(members)).toMatchObject({ code, message });
  });

  test.each<[string, string, string]>([
    ['no object', '[]', 'expected an object, found []'],
    ['an author that is none', '{"author":1}', 'author: expected a text, found 1'],
    [
      'a time that is none',
      '{"created":"yesterday"}',
      'created: expected a time like 2015-10-31T22:22:56.015925234Z, found "yesterday"',
    ],
    ['the 29th of February', '{"created":"2015-02-29T00:00:00Z"}', 'created: expected a time'],
    ['an hour too late', '{"created":"2015-02-20T24:00:00Z"}', 'created: expected a time'],
    ['a command that is none', '{"container_config":{"Cmd":[1]}}', 'container_config: Cmd: expected a text, found 1'],
    ['an environment that is none', '{"config":{"Env":"A=1"}}', 'config: Env: expected a list of texts, found "A=1"'],
    ['a size with a fraction', '{"Size":1.0}', 'Size: expected a whole number, found 1.0'],
    ['a size beyond 64 bits', '{"Size":9223372036854775808}', 'Size: expected a whole number'],
    ['a flag that is none', '{"config":{"Tty":"true"}}', 'config: Tty: expected true or false, found "true"'],
    [
      'ports that are none',
      '{"config":{"ExposedPorts":["80"]}}',
      'config: ExposedPorts: expected an object, found ["80"]',
    ],
    ['a label that is none', '{"config":{"Labels":{"a":1}}}', 'config: Labels: expected a text, found 1'],
    ['a parent outside', '{"parent":"../x"}', 'expected the name of a member, found "../x"'],
    ['no JSON', '{', 'expected JSON'],
  ])('json: %s', async (_, text, message) => {
    const fault = await faultOf(withMember(good, 'a-0/json', text));
    expect(fault).toMatchObject({ code: 'BAD_ARCHIVE' });
    expect(fault.message).toContain(`test.tar: "a-0/json": ${message}`);
  });

  test('a parent that is not there', async () => {
    const fault = await faultOf(withMember(withMember(good, 'a-0/json'), 'a-0/layer.tar'));
    expect(fault).toMatchObject({
      code: 'BLOB_MISSING',
      message: `${where}: docker.io/library/app:1: v1 image "a-0/json" is not in the file`,
    });
  });

  test('a layer that is not there', async () => {
    expect(await faultOf(withMember(good, 'a-1/layer.tar'))).toMatchObject({
      code: 'BLOB_MISSING',
      message: `${where}: docker.io/library/app:1: layer "a-1/layer.tar" is not in the file`,
    });
  });

  test('an image that is its own ancestor', async () => {
    const fault = await faultOf(withMember(good, 'a-0/json', '{"parent":"a-1"}'));
    expect(fault).toMatchObject({ code: 'BAD_ARCHIVE' });
    expect(fault.message).toContain('v1 image "a-1" is its own ancestor');
  });

  test('a folder that is no v1 image is ignored', async () => {
    expect(await listMembers([...good, file('other/VERSION', '1.0')])).toHaveLength(1);
  });
});
