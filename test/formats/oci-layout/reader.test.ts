import { describe, expect, test } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import { type FileTree } from '../../../src/formats/tree/file-tree.js';
import { folderTree } from '../../../src/formats/tree/folder-tree.js';
import { isOciLayout, ociLayoutSource } from '../../../src/formats/oci-layout/reader.js';
import { type Descriptor } from '../../../src/model/descriptor.js';
import { hexOf } from '../../../src/primitives/digest.js';
import { collect, type Fault, faultOf } from '../../codecs/helpers.js';
import { Blobs } from '../../helpers/blobs.js';
import { file, json, type Member, withMember } from '../../helpers/members.js';
import { memoryTree } from '../../helpers/memory-tree.js';
import { put, useTempFolder } from '../../helpers/temp-folder.js';

const blobs = new Blobs();
const { root, layers } = blobs.image();
const source = (members: readonly Member[], label = 'dir/My Layout.tar'): ReturnType<typeof ociLayoutSource> =>
  ociLayoutSource(memoryTree(members, { label }));
const FULL = 'io.containerd.image.name';
const REF = 'org.opencontainers.image.ref.name';

describe('names', () => {
  test.each<[string, Record<string, string> | undefined, string | undefined]>([
    ['the annotation of containerd', { [FULL]: 'docker.io/library/app:1', [REF]: '1' }, 'docker.io/library/app:1'],
    ['a short name in it', { [FULL]: 'app:1' }, 'docker.io/library/app:1'],
    ['a full name as ref.name', { [REF]: 'registry.example/team/app:1' }, 'registry.example/team/app:1'],
    ['a short name as ref.name', { [REF]: 'team/app:1' }, 'docker.io/team/app:1'],
    ['a bare tag is a tag of the layout', { [REF]: 'v1.0' }, 'localhost/my-layout:v1.0'],
    ['a bare tag that could be a name', { [REF]: 'latest' }, 'localhost/my-layout:latest'],
    ['an empty annotation', { [FULL]: '', [REF]: 'v1' }, 'localhost/my-layout:v1'],
    ['empty annotations', { [FULL]: '', [REF]: '' }, undefined],
    ['other annotations', { a: 'b' }, undefined],
    ['none', undefined, undefined],
  ])('%s', async (_, annotations, name) => {
    const records = await source(blobs.layout([{ ...root, ...(annotations && { annotations }) }])).images();
    expect(records.map((record) => record.name)).toEqual([name]);
  });

  test.each([
    ['/mnt/usb/release-1.tar.zst', 'release-1'],
    ['/mnt/usb/Ünï.oci', 'n'],
    ['/mnt/usb/...', 'layout'],
    ['images/', 'images'],
  ])('the repository for bare tags in %s is %s', async (label, repository) => {
    const [record] = await source(blobs.layout([{ ...root, annotations: { [REF]: 't' } }]), label).images();
    expect(record?.name).toBe(`localhost/${repository}:t`);
  });

  test.each(['App:1', 'a b', '../../x', 'app:1\u001b[31m', `x${'y'.repeat(600)}`])('%j is refused', async (name) => {
    const fault = await faultOf(source(blobs.layout([{ ...root, annotations: { [FULL]: name } }])).images());
    expect(fault).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: expect.stringContaining(`expected an image name for ${root.digest}`),
    });

    expect(fault?.message).not.toMatch(/\u001b/);
  });
});

describe('an OCI layout', () => {
  test('gives its entries in order, repeated ones too, and its blobs', async () => {
    const layout = source(blobs.layout([root, { ...root, annotations: { [FULL]: 'app' } }, root]));
    expect((await layout.images()).map(({ root: { digest } }) => digest)).toEqual([
      root.digest,
      root.digest,
      root.digest,
    ]);
    expect(layout.has(layers[0]!.digest)).toBe(true);
    expect((await collect(layout.open(layers[0]!))).toString()).toBe('layer');
  });

  test.each<[string, (members: Member[]) => Member[]]>([
    ['oci-layout is missing', (members) => withMember(members, 'oci-layout')],
    ['another 1.x version', (members) => withMember(members, 'oci-layout', '{"imageLayoutVersion":"1.1.0"}')],
    ['white space around it', (members) => withMember(members, 'oci-layout', '\n {"imageLayoutVersion":"1.0.0"}\n')],
  ])('is read when %s', async (_, change) => {
    expect(await source(change(blobs.layout([root]))).images()).toHaveLength(1);
  });

  test.each([null, []])('manifests of %j: no images', async (manifests) => {
    expect(await source([json('index.json', { schemaVersion: 2, manifests })]).images()).toEqual([]);
  });

  test.each<[string, string, string | undefined, string]>([
    ['no index.json', 'index.json', undefined, 'an OCI image layout without its index.json'],
    ['an empty index.json', 'index.json', '', 'index.json: expected JSON, but it is empty'],
    ['half an index.json', 'index.json', '{"manifests":[', 'index.json: expected JSON'],
    ['a list', 'index.json', '[]', 'index.json: expected an index, found []'],
    ['an entry without a digest', 'index.json', '{"manifests":[{"size":1}]}', 'index.json: manifests[0]: digest'],
    [
      'another version',
      'oci-layout',
      '{"imageLayoutVersion":"2.0.0"}',
      'imageLayoutVersion: expected version 1.x, found "2.0.0"',
    ],
    ['no version', 'oci-layout', '{}', 'expected version 1.x, found {}'],
    ['no JSON in oci-layout', 'oci-layout', 'x', 'oci-layout: expected JSON'],
  ])('%s is BAD_ARCHIVE', async (_, name, contents, words) => {
    const fault = await faultOf(source(withMember(blobs.layout([root]), name, contents)).images());
    expect(fault).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: expect.stringContaining(words),
      hint: expect.any(String),
    });
  });

  test.each([
    [['index.json'], true],
    [['oci-layout'], true],
    [['manifest.json'], false],
  ])('a tree of %j is one: %s', (names, is) => {
    expect(isOciLayout(memoryTree(names.map((name) => file(name, ''))))).toBe(is);
  });
});

describe('audit', () => {
  async function audit(tree: FileTree, reached: readonly Descriptor[]): Promise<Fault[]> {
    const faults: Fault[] = [];
    for await (const fault of ociLayoutSource(tree).audit(new Set(reached.map(({ digest }) => digest))))
      faults.push(fault);
    return faults;
  }

  test('reads only blobs that nothing reached, and tells the tree what was read', async () => {
    const tree = memoryTree(blobs.layout([root]));
    expect((await audit(tree, [root])).map(({ message }) => message)).toEqual(['test.tar: what the tree itself found']);
    expect(tree.opened).not.toContain(`blobs/sha256/${hexOf(root.digest)}`);
    expect(tree.opened).toHaveLength(2);
    expect(tree.audited.size).toBe(3);
  });

  test('a blob that is not what its name says', async () => {
    const damaged = new Blobs();
    const image = damaged.image();
    damaged.damage(image.layers[0]!);
    const [fault] = await audit(memoryTree(damaged.layout([])), []);
    expect(fault).toMatchObject({
      code: 'BLOB_CORRUPT',
      message: expect.stringContaining(`blobs/sha256/${hexOf(image.layers[0]!.digest)} (no whole image needs it)`),
    });
  });

  const at = useTempFolder();
  test('a folder in place of a blob is one fault of several, and other files are none', async () => {
    mkdirSync(at(`blobs/sha256/${'0'.repeat(64)}`), { recursive: true });
    put(at(`blobs/sha256/${'1'.repeat(64)}`), 'not that');
    put(at('blobs/sha256/README'), 'other');
    expect((await audit(folderTree(at()), [])).map(({ code }) => code)).toEqual(['BLOB_MISSING', 'BLOB_CORRUPT']);
  });
});
