import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { openDockerArchive } from '../../../src/formats/docker-archive/index.js';
import { type Digest, digestOf } from '../../../src/primitives/digest.js';
import { dockerArchive, ociLayout } from '../../helpers/image-archives.js';
import { bytesIn, file, json, layerTar, type Member, untar, withMember } from '../../helpers/members.js';
import { memoryTree } from '../../helpers/memory-tree.js';
import { contentsOf, fixture, gunzip, listMembers, manifestOf, openMembers } from './setup.js';

let one: Buffer;
let two: Buffer;
beforeAll(async () => {
  one = await layerTar({ 'etc/one': '1' });
  two = await layerTar({ 'etc/two': '2', 'etc/more': '2'.repeat(2000) });
});

describe('a save of Docker 20.10', () => {
  const dup = (): Promise<Member[]> => untar(gunzipSync(fixture('dup.docker20.tar.gz')));

  test.each([1, 7, 512, 65_536])(
    'gets the manifest that Docker 26 and 28 write for it, read by %i bytes',
    async (chunk) => {
      const { source } = await openMembers(await dup(), chunk);
      const [record, ...more] = await source.images();
      expect(more).toEqual([]);
      expect(record?.name).toBe('docker.io/hl/odd-small-dup-1:1');
      const manifest = await contentsOf(source, record!.root);
      expect(manifest).toEqual(fixture('dup.docker26.manifest.json'));
      expect(manifest).toEqual(fixture('dup.docker28.manifest.json'));
      expect(record!.root.digest).toBe(digestOf(manifest));
    },
  );

  test('gets it as well when its layers are in gzip form', async () => {
    const members = (await dup()).map((member) =>
      'bytes' in member && member.name.endsWith('.tar') ? file(member.name, gzipSync(member.bytes)) : member,
    );
    const { source } = await openMembers(members);
    const [record] = await source.images();
    expect(await contentsOf(source, record!.root)).toEqual(fixture('dup.docker26.manifest.json'));
  });

  test('every blob is there and is what its digest says', async () => {
    const { source } = await openMembers(await dup());
    const [record] = await source.images();
    const { config, layers } = await manifestOf(source, record!);
    for (const blob of [config, ...layers] as { digest: ReturnType<typeof digestOf>; size: number }[]) {
      expect(source.has(blob.digest)).toBe(true);
      const bytes = await contentsOf(source, blob);
      expect(digestOf(bytes)).toBe(blob.digest);
      expect(bytes.byteLength).toBe(blob.size);
    }
  });
});

describe('names', () => {
  test('each tag is a record with its full name; an image without one has one record', async () => {
    const members = dockerArchive([
      { tags: ['app:1', 'localhost:5000/app:2'], layers: [one] },
      { tags: null, layers: [two] },
      { tags: [], layers: [one, two] },
    ]);
    const records = await listMembers(members);
    expect(records.map(({ name }) => name)).toEqual([
      'docker.io/library/app:1',
      'localhost:5000/app:2',
      undefined,
      undefined,
    ]);
    expect(records[0]?.root).toEqual(records[1]?.root);
  });

  test('a list without images is an archive without images', async () => {
    expect(await listMembers([json('manifest.json', [])])).toEqual([]);
  });
});

describe('layers', () => {
  test('of a plain archive: listing takes their beginning only', async () => {
    const big = await layerTar({ big: 'x'.repeat(1_000_000) });
    const members = dockerArchive([{ layers: [big, one] }, { layers: [big, two] }]);
    const { tree, source } = await openMembers(members, 4096);
    await source.images();
    expect(tree.taken()).toBeLessThan(20_000);
    expect(tree.opened.filter((name) => name.endsWith('layer.tar'))).toHaveLength(3);
  });

  test('as symlinks, also before what they link to', async () => {
    const members = dockerArchive([{ layers: [one, two, one] }], { linksFirst: true });
    expect('link' in members[0]!).toBe(true);
    const { source } = await openMembers(members);
    const [record] = await source.images();
    const { layers } = await manifestOf(source, record!);
    expect(layers.map(({ digest }) => digest)).toEqual([digestOf(one), digestOf(two), digestOf(one)]);
  });

  test('in gzip form appear as their plain tars, decompressed once to be listed', async () => {
    const images = [
      { tags: ['a:1'], layers: [one, two] },
      { tags: ['b:1'], layers: [one] },
    ];
    const plain = await listMembers(dockerArchive(images));
    const { tree, source } = await openMembers(dockerArchive(images, { style: 'kaniko' }));
    const records = await source.images();
    expect(records).toEqual(plain);
    await source.images();
    expect(tree.opened.filter((name) => name.endsWith('.tar.gz'))).toHaveLength(4);
    expect(await contentsOf(source, { digest: digestOf(two), size: two.byteLength })).toEqual(two);
  });

  test('the same layer plain and in gzip form, under two names, is one layer', async () => {
    const members = dockerArchive([{ layers: [one, one, one] }]);
    const links = members.filter((member) => 'link' in member);
    const mixed = withMember(members, links[0]!.name, gzipSync(one));
    const { source } = await openMembers(mixed);
    const [record] = await source.images();
    const sizes = (await manifestOf(source, record!)).layers.map(({ size }) => size);
    expect(sizes).toEqual([one.byteLength, one.byteLength, one.byteLength]);
  });
});

describe('what other tools write', () => {
  test.each(['x.json', 'config', './blobs/sha256/HEX', '/HEX.json', 'sha256:HEX', 'HEX'])(
    'a config called %s',
    async (form) => {
      const members = dockerArchive([{ tags: ['a:1'], layers: [one] }]);
      const [entry] = JSON.parse(bytesIn(members, 'manifest.json').toString()) as { Config: string }[];
      const name = form.replace('HEX', entry!.Config.replace('.json', ''));
      const config = bytesIn(members, entry!.Config);
      const renamed = [
        ...withMember(withMember(members, entry!.Config), 'manifest.json'),
        file(name.replace(/^\.?\//, ''), config),
        json('manifest.json', [{ ...entry, Config: name }]),
      ];
      expect(await listMembers(renamed)).toEqual(await listMembers(members));
    },
  );

  test('the hybrid of Docker 25 and later, with LayerSources and Parent', async () => {
    const images = [{ tags: ['a:1'], layers: [one, two] }];
    const members = ociLayout(images, { hybrid: true });
    const [entry] = JSON.parse(bytesIn(members, 'manifest.json').toString()) as Record<string, unknown>[];
    const full = [{ ...entry, LayerSources: {}, Parent: 'sha256:abc' }];
    const records = await listMembers(withMember(members, 'manifest.json', JSON.stringify(full)));
    expect(records).toEqual(await listMembers(dockerArchive(images)));
  });
});

describe('audit', () => {
  test('names unreached blobs that are not what they are called, then what the tree finds', async () => {
    const stray = `blobs/sha256/${'a'.repeat(64)}`;
    const good = `blobs/sha256/${digestOf('v1 json').slice(7)}`;
    const members = [...ociLayout([{ layers: [one] }], { hybrid: true }), file(stray, 'x'), file(good, 'v1 json')];
    const { tree, source } = await openMembers(members);
    const [record] = await source.images();
    const { config, layers } = await manifestOf(source, record!);
    const reached = new Set([record!.root, config, ...layers].map(({ digest }) => digest as Digest));
    const before = tree.opened.length;
    const faults = [];
    for await (const fault of source.audit(reached)) faults.push(`${fault.code} ${fault.message}`);
    expect(faults).toEqual([
      `BLOB_CORRUPT test.tar: "${stray}": expected the digest in its name, found ${digestOf('x')}`,
      'BAD_ARCHIVE test.tar: what the tree itself found',
    ]);
    // The stored manifest and the two strays; not the layer and the config.
    expect(tree.opened.slice(before)).toHaveLength(3);
    expect(tree.audited).toContain(`blobs/sha256/${digestOf(one).slice(7)}`);
    expect(tree.audited).toContain('manifest.json');
  });

  test('goes on behind a blob that cannot be read', async () => {
    const dangling = { name: `blobs/sha256/${'c'.repeat(64)}`, link: 'nowhere' };
    const { source } = await openMembers([json('manifest.json', []), dangling]);
    const codes = [];
    for await (const fault of source.audit(new Set())) codes.push(fault.code);
    expect(codes).toEqual(['BLOB_MISSING', 'BAD_ARCHIVE']);
  });

  test('goes on when the archive cannot be listed', async () => {
    const { source } = await openMembers([file('manifest.json', '{'), file(`blobs/sha256/${'b'.repeat(64)}`, 'x')]);
    const codes = [];
    for await (const fault of source.audit(new Set())) codes.push(fault.code);
    expect(codes).toEqual(['BLOB_CORRUPT', 'BAD_ARCHIVE']);
  });
});

describe('the source', () => {
  test('closes its tree', async () => {
    const { tree, source } = await openMembers([json('manifest.json', [])]);
    await source.close();
    expect(tree.closed()).toBe(true);
  });

  test('has no blob that it does not list', async () => {
    const { source } = await openMembers(dockerArchive([{ layers: [one] }]));
    const other = digestOf('other');
    expect(source.has(digestOf(one))).toBe(false);
    await source.images();
    expect(source.has(digestOf(one))).toBe(true);
    expect(source.has(other)).toBe(false);
    expect(() => source.open({ digest: other, size: 1 })).toThrow(`test.tar: ${other} is not in the file`);
  });

  test('is refused for a tree that is no docker archive', () => {
    const opening = (): unknown => openDockerArchive(memoryTree([file('etc/passwd', 'x')]), gunzip);
    expect(opening).toThrow(
      expect.objectContaining({
        code: 'NOT_AN_IMAGE',
        message: 'test.tar: expected "manifest.json" or "repositories", found neither',
      }),
    );
  });
});
