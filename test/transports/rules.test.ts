import { describe, expect, test } from '@jest/globals';
import { type ManifestNode } from '../../src/model/graph.js';
import { bytesOf, type ByteStream } from '../../src/primitives/bytes.js';
import { type Digest, digestOf } from '../../src/primitives/digest.js';
import { checkedLayer } from '../../src/transports/engine/checked-layer.js';
import { type Engine, type EngineFamily, isAtLeast } from '../../src/transports/engine/engine.js';
import { checkArgument, wordsOf } from '../../src/transports/engine/failure.js';
import { groupLoads, type LoadGroup } from '../../src/transports/engine/groups.js';
import { addProven, chainIds, type Holdings, holdingsOf, omittable } from '../../src/transports/engine/holdings.js';
import { isStale, temporaryName } from '../../src/transports/engine/names.js';
import { localMachine } from '../../src/transports/machine/local.js';
import { Tail } from '../../src/transports/machine/tail.js';
import { type Blobs, gunzipOrNot, type ImageOptions, layerTar, makeImage, makeIndex } from './images.js';

const engineOf = (family: EngineFamily, architecture = 'amd64'): Engine => ({
  machine: localMachine,
  command: ['docker'],
  family,
  version: '28.5.2',
  apiVersion: '1.51',
  storageDriver: 'overlay2',
  platform: { os: 'linux', architecture },
});
const image = (layers: readonly string[], options?: ImageOptions): ManifestNode =>
  makeImage(new Map(), layers, options);
const groupOf = (family: EngineFamily, root: ManifestNode): LoadGroup =>
  groupLoads([{ name: 'docker.io/he/x:1', root }], engineOf(family)).groups[0]!;
const blobsOf = (node: ManifestNode, ...at: readonly number[]): Set<Digest> =>
  new Set(at.map((index) => node.layers[index]!.blob.digest));
const having = (...images: readonly ManifestNode[]): Holdings =>
  holdingsOf(
    images.map(({ config, layers }) => ({
      id: config.digest,
      diffIds: layers.map(({ diffId }) => diffId),
      names: ['he/base:1'],
      size: 1,
    })),
    new Set(),
  );

test('chain IDs are those of the OCI specification', () => {
  const [a, b] = [digestOf('a'), digestOf('b')];
  expect(chainIds([a, b])).toEqual([a, digestOf(`${a} ${b}`)]);
  expect(chainIds([])).toEqual([]);
});

describe('what may be left out', () => {
  test('graph driver: the prefix of the chain that is there, and no layer that is read again', () => {
    const base = having(image(['a', 'b']));
    const app = image(['a', 'b', 'c']);
    expect(omittable('graphdriver', groupOf('graphdriver', app), base)).toEqual(blobsOf(app, 0, 1));
    const again = image(['a', 'b', 'a']);
    expect(omittable('graphdriver', groupOf('graphdriver', again), base)).toEqual(blobsOf(again, 1));
    const other = image(['b', 'a']);
    expect(omittable('graphdriver', groupOf('graphdriver', other), base)).toEqual(new Set());
    const gzipped = image(['a', 'b', 'c'], { form: 'gzip' });
    expect(omittable('graphdriver', groupOf('graphdriver', gzipped), base)).toEqual(blobsOf(gzipped, 0, 1));
  });

  test.each(['podman', 'containerd'] as const)('%s: plain layers wherever they lie, compressed ones not', (family) => {
    const base = having(image(['a', 'b']));
    const other = image(['b', 'c', 'a']);
    expect(omittable(family, groupOf(family, other), base)).toEqual(blobsOf(other, 0, 2));
    const gzipped = image(['a', 'b'], { form: 'gzip' });
    expect(omittable(family, groupOf(family, gzipped), base)).toEqual(new Set());
  });

  test.each(['podman', 'containerd'] as const)('%s: a compressed layer that this run brought', (family) => {
    const have = having();
    addProven(have, groupOf(family, image(['a', 'b'], { form: 'gzip' })));
    const next = image(['b', 'c'], { form: 'gzip' });
    expect(omittable(family, groupOf(family, next), have)).toEqual(blobsOf(next, 0));
  });
});

describe('which loads there are', () => {
  test('two names, and two manifests of one config, are one load for a graph driver', () => {
    const plain = image(['a']);
    const gzipped = image(['a'], { form: 'gzip' });
    const images = [
      { name: 'docker.io/he/a:1', root: plain },
      { name: 'docker.io/he/b:1', root: gzipped },
      { name: undefined, root: plain },
    ];
    const one = groupLoads(images, engineOf('graphdriver')).groups;
    expect(one).toMatchObject([{ id: plain.config.digest, names: ['docker.io/he/a:1', 'docker.io/he/b:1'] }]);
    expect(groupLoads(images, engineOf('containerd')).groups.map(({ id }) => id)).toEqual([
      plain.blob.digest,
      gzipped.blob.digest,
    ]);
  });

  test('of an index: the host platform, else the first with a note; the containerd store takes it whole', () => {
    const blobs: Blobs = new Map();
    const [arm, amd] = [makeImage(blobs, ['r'], { architecture: 'arm64' }), makeImage(blobs, ['a'])];
    const images = [{ name: 'docker.io/he/m:1', root: makeIndex(blobs, [arm, amd]) }];
    expect(groupLoads(images, engineOf('podman')).groups[0]).toMatchObject({ node: amd, note: undefined });
    expect(groupLoads(images, engineOf('podman', 's390x')).groups[0]).toMatchObject({
      node: arm,
      note: 'it is for linux/arm64, the engine runs linux/s390x',
    });
    expect(groupLoads(images, engineOf('containerd')).groups[0]).toMatchObject({ node: images[0]!.root, image: amd });
  });

  test('artifacts are left, and a digest is no name', () => {
    const blob = { mediaType: 'x', digest: digestOf('x'), size: 1 };
    const chart = { kind: 'artifact', blob, type: 'chart', parts: [], subject: undefined } as const;
    const pinned = { name: `docker.io/he/x@${blob.digest}`, root: image(['a']) };
    const { groups, members } = groupLoads([{ name: 'docker.io/he/chart:1', root: chart }, pinned], engineOf('podman'));
    expect(members[0]?.group).toContain('not a container image');
    expect(groups).toMatchObject([{ names: [] }]);
  });
});

describe('a compressed layer on its way', () => {
  const diffId = digestOf(layerTar('a'));
  const bytes = (): Buffer => {
    const blobs: Blobs = new Map();
    return blobs.get(makeImage(blobs, ['a'], { form: 'gzip' }).layers[0]!.blob.digest) ?? blobs.values().next().value!;
  };
  const read = async (stream: ByteStream): Promise<number> => {
    let size = 0;
    for await (const chunk of stream) size += chunk.byteLength;
    return size;
  };
  const pieces = (whole: Buffer): ByteStream =>
    bytesOf(whole.subarray(0, 100), whole.subarray(100, 5000), whole.subarray(5000));

  test('passes when it is what the config says', async () => {
    const whole = bytes();
    expect(await read(checkedLayer(pieces(whole), diffId, gunzipOrNot, 'layer'))).toBe(whole.length);
  });

  test('does not end when it is something else', async () => {
    const checked = checkedLayer(pieces(bytes()), digestOf('else'), gunzipOrNot, 'app: layer 1');
    await expect(read(checked)).rejects.toMatchObject({
      code: 'BLOB_CORRUPT',
      message: expect.stringContaining(`app: layer 1: expected contents (diffID) ${digestOf('else')}, found ${diffId}`),
    });
  });

  test('a decompressor that stops early, or fails at once, hangs nothing', async () => {
    // eslint-disable-next-line @typescript-eslint/require-await -- it fails before it reads
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      throw new Error('not gzip');
    };
    await expect(read(checkedLayer(pieces(bytes()), diffId, failing, 'x'))).rejects.toThrow('not gzip');
    const early = (): ByteStream => bytesOf(layerTar('a'));
    expect(await read(checkedLayer(pieces(bytes()), diffId, early, 'x'))).toBe(bytes().length);
  });

  test('lets go of everything when its reader stops', async () => {
    let closed = false;
    const source = (async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield* pieces(bytes());
      } finally {
        closed = true;
      }
    })();
    for await (const chunk of checkedLayer(source, diffId, gunzipOrNot, 'x')) if (chunk.length > 0) break;
    expect(closed).toBe(true);
  });
});

describe('temporary names', () => {
  const id = digestOf('x');
  const now = Date.UTC(2026, 0, 1);
  test('are full, never the same, and stale only after a week, or the time that is told', () => {
    const name = temporaryName(id, now);
    expect(name).toMatch(/^docker\.io\/ferry-incoming\/[0-9a-f]{12}:[0-9a-z]+-[0-9a-f]{8}$/);
    expect(temporaryName(id, now)).not.toBe(name);
    expect(isStale(name, undefined, now + 6 * 24 * 3_600_000)).toBe(false);
    expect(isStale(name, undefined, now + 8 * 24 * 3_600_000)).toBe(true);
    expect(isStale(name, 3_600_000, now + 60_000)).toBe(false);
    expect(isStale(name, 3_600_000, now + 2 * 3_600_000)).toBe(true);
    expect(isStale('docker.io/ferry-incoming/app:1.0', 0, now)).toBe(false);
  });
});

describe('an engine in words', () => {
  const said = (stderr: string, stdout = ''): string => wordsOf({ status: 1, signal: null, stdout, stderr });
  test('its own, on one line, without what it always says', () => {
    expect(said('time="x" level=warning msg="Using cgroups-v1"\nError: a\n  b\u001b[31m\n')).toBe(
      'Error: a; b\\x1b[31m',
    );
    expect(said('', 'on stdout')).toBe('on stdout');
    expect(said('')).toBe('exit status 1, without a word');
    expect(wordsOf({ status: null, signal: 'SIGKILL', stdout: '', stderr: '' })).toBe('ended by SIGKILL');
    expect(said(`${'x'.repeat(5000)} the end`)).toMatch(/^….{0,600} the end$/);
  });
  test('versions', () => {
    expect([isAtLeast('1.48', 1, 48), isAtLeast('1.5', 1, 48), isAtLeast('2.0', 1, 48)]).toEqual([true, false, true]);
    expect([isAtLeast('20.10.24+dfsg1', 23), isAtLeast('v23', 23), isAtLeast('', 23)]).toEqual([false, true, false]);
  });
  test.each(['-x', '--all', ''])('%j is no name', (name) => {
    expect(() => checkArgument(name)).toThrow('not an image name');
  });
});

test('a tail keeps the end of what it is given', () => {
  const tail = new Tail(10);
  for (const text of ['abc', 'defgh', 'ijklmnopqrstuvw', 'xyz']) tail.push(Buffer.from(text));
  expect(tail.text()).toBe('qrstuvwxyz');
  expect(tail.total).toBe(26);
});
