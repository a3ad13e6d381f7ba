import { describe, expect, test } from '@jest/globals';
import { list } from '../../src/commands/list.js';
import { pack } from '../../src/commands/pack.js';
import { verify } from '../../src/commands/verify.js';
import { type Descriptor } from '../../src/model/descriptor.js';
import { type Digest } from '../../src/primitives/digest.js';
import { faultOf } from '../codecs/helpers.js';
import { Blobs, named } from '../helpers/blobs.js';
import { bundleOf, membersOf } from '../helpers/bundles.js';
import { testContext } from '../helpers/context.js';
import { ociLayout } from '../helpers/image-archives.js';
import { bytesIn, file, json, layerTar, type Member, tarOf, withMember } from '../helpers/members.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const full = (short: string): string => `docker.io/library/${short}`;
const pathOf = ({ digest }: { readonly digest: Digest }): string => `blobs/sha256/${digest.slice('sha256:'.length)}`;

/** A bundle with bytes of some of its blobs changed. */
async function bundle(
  blobs: Blobs,
  images: readonly (readonly [string | undefined, Descriptor])[],
  damaged: readonly Descriptor[],
  { edit = same, damage = broken }: { edit?: (members: Member[]) => Member[]; damage?: Damage } = {},
): Promise<string> {
  const records = images.map(([name, root]) => ({ name: name === undefined ? undefined : full(name), root }));
  const { bytes } = await bundleOf(blobs.source(records));
  let members: Member[] = (await membersOf(bytes)).map(([name, contents]) => file(name, contents));
  for (const blob of damaged) members = withMember(members, pathOf(blob), damage(bytesIn(members, pathOf(blob))));
  return put(at('bundle.tar'), await tarOf(edit(members)));
}

type Damage = (bytes: Buffer) => Buffer;
const same = (members: Member[]): Member[] => members;

/** No JSON any more. */
function broken(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed[0] = changed[0]! ^ 1;
  return changed;
}

/** Still JSON, and still a manifest: only its digest tells. */
function altered(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes.toString('latin1').replace('"schemaVersion":2', '"schemaVersion":3'), 'latin1');
  expect(changed.equals(bytes)).toBe(false);
  return changed;
}

const shown = async (path: string): Promise<{ images: (string | undefined)[]; faults: string[] }> => {
  const { images, faults } = await list({ sources: [path] }, testContext());
  return {
    images: images.map(({ name }) => name),
    faults: faults.map((fault) => `${fault.code} ${fault.images.join()}`),
  };
};

describe('one damaged manifest in a bundle', () => {
  const blobs = new Blobs();
  const [bad, whole, other, unnamed] = ['b', 'w', 'o', 'u'].map((layer) => blobs.image({ layers: [layer] }).root);
  const named4 = [
    ['bad:1', bad!],
    ['other:1', other!],
    ['whole:1', whole!],
    [undefined, unnamed!],
  ] as const;

  test.each([broken, altered])('list shows the other images, and the fault of that one (%p)', async (damage) => {
    const path = await bundle(blobs, named4, [bad!], { damage });
    expect(await shown(path)).toEqual({
      images: [full('other:1'), full('whole:1'), undefined],
      faults: ['BLOB_CORRUPT bad:1'],
    });
  });

  test('verify lists every fault, none of them a disagreement of lists', async () => {
    const path = await bundle(blobs, named4, [bad!, other!]);
    const { faults } = await verify({ sources: [path] }, testContext());
    expect(new Set(faults.map(({ code }) => code))).toEqual(new Set(['BLOB_CORRUPT']));
    for (const name of ['bad:1', 'other:1'])
      expect(faults).toContainEqual(expect.objectContaining({ code: 'BLOB_CORRUPT', images: [name] }));
  });

  test('pack --only takes a whole one', async () => {
    const path = await bundle(blobs, named4, [bad!]);
    const { images } = await pack({ sources: [path], output: at('out.tar'), only: ['whole:1'] }, testContext());
    expect(images.map(({ name }) => name)).toEqual([full('whole:1')]);
    expect((await verify({ sources: [at('out.tar')] }, testContext())).faults).toEqual([]);
    expect(await faultOf(pack({ sources: [path], output: at('all.tar') }, testContext()))).toMatchObject({
      code: 'BLOB_CORRUPT',
      hint: expect.stringContaining('--only'),
    });
  });

  test('wherever it stands, also the one without a name, also all of them', async () => {
    for (const [name, root] of named4) {
      const { images, faults } = await shown(await bundle(blobs, named4, [root]));
      expect([name, images.length, faults.length]).toEqual([name, 3, 1]);
    }
    expect((await shown(await bundle(blobs, named4, [bad!, other!, whole!, unnamed!]))).faults).toHaveLength(4);
  });

  test('its absence is a fault of that image alone', async () => {
    const path = await bundle(blobs, named4, [], { edit: (members) => withMember(members, pathOf(bad!)) });
    expect(await shown(path)).toMatchObject({ images: { length: 3 }, faults: ['BLOB_MISSING bad:1'] });
  });

  test('an index with one damaged platform is a fault of that image alone', async () => {
    const platforms = ['amd64', 'arm64'].map(
      (architecture) => blobs.image({ layers: [architecture], platform: { architecture } }).root,
    );
    const images = [...named4.slice(0, 2), ['multi:1', blobs.index(platforms)] as const, ...named4.slice(2)];
    for (const platform of platforms) {
      const path = await bundle(blobs, images, [platform]);
      expect(await shown(path)).toMatchObject({ images: { length: 4 }, faults: ['BLOB_CORRUPT multi:1'] });
    }
  });

  test('an artifact, which has no place in manifest.json, does not shift the others', async () => {
    const chart = blobs.artifact('chart').root;
    const nameless = blobs.artifact('no name').root;
    const images = [['a-chart:1', chart] as const, ...named4, [undefined, nameless] as const];
    const path = await bundle(blobs, images, [chart, nameless]);
    expect(await shown(path)).toMatchObject({ images: { length: 4 }, faults: { length: 2 } });
  });

  test('a descriptor that lies about a manifest leaves the true one to be compared', async () => {
    const lie = (members: Member[]): Member[] => {
      const index = JSON.parse(bytesIn(members, 'index.json').toString()) as { manifests: Descriptor[] };
      const lies = [{ ...bad!, mediaType: 'application/x-unknown' }, ...index.manifests];
      return withMember(members, 'index.json', JSON.stringify({ ...index, manifests: lies }));
    };
    const path = await bundle(blobs, named4, [], { edit: lie });
    expect((await shown(path)).images).toContain(full('bad:1'));
  });

  test('does not hide that the lists disagree about whole ones', async () => {
    const exchanged = (members: Member[]): Member[] => {
      const entries = JSON.parse(bytesIn(members, 'manifest.json').toString()) as { Layers: string[] }[];
      const [first, second, third, ...rest] = entries;
      const edited = [first, { ...second, Layers: third!.Layers }, third, ...rest];
      return withMember(members, 'manifest.json', JSON.stringify(edited));
    };
    const path = await bundle(blobs, named4, [bad!], { edit: exchanged });
    expect(await faultOf(shown(path))).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: expect.stringContaining('index.json and manifest.json disagree: other:1, image 2'),
    });
  });
});

describe('one damaged manifest in what Docker 25 and later save', () => {
  test.each([
    ['app:0', broken],
    ['app:0', altered],
    [undefined, broken],
  ])('is a fault of %s alone (%p)', async (tag, damage) => {
    const layers = await Promise.all(['0', '1'].map((n) => layerTar({ n })));
    const members = ociLayout(
      layers.map((layer, i) => ({ tags: i === 1 ? ['app:1'] : tag === undefined ? null : [tag], layers: [layer] })),
      { hybrid: true },
    );
    const index = JSON.parse(bytesIn(members, 'index.json').toString()) as { manifests: Descriptor[] };
    const path = pathOf(index.manifests[0]!);
    const damaged = withMember(members, path, damage(bytesIn(members, path)));
    const { images, faults } = await shown(put(at('save.tar'), await tarOf(damaged)));
    expect([images.length, faults.length]).toEqual([1, 1]);
  });

  test('a manifest under the digest of another image is not compared as if it were that image', async () => {
    const blobs = new Blobs();
    const [a, b] = ['a', 'b'].map((layer) => blobs.image({ layers: [layer] }));
    blobs.damage(a!.root, blobs.bytes.get(b!.root.digest));
    const entry = { Config: pathOf(a!.config), RepoTags: ['a:1'], Layers: a!.layers.map(pathOf) };
    const members = blobs.layout(
      [named(a!.root, full('a:1')), named(b!.root, full('b:1'))],
      [json('manifest.json', [entry])],
    );
    expect(await shown(put(at('save.tar'), await tarOf(members)))).toEqual({
      images: [full('b:1')],
      faults: ['BLOB_CORRUPT a:1'],
    });
  });
});
