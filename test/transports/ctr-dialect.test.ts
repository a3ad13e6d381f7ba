import { afterAll, describe, expect, test } from '@jest/globals';
import { type TreeNode } from '../../src/model/graph.js';
import { digestOf } from '../../src/primitives/digest.js';
import {
  isLoadFailure,
  isMadePlain,
  loadArgs,
  saveArgs,
  tagArgs,
  untagArgs,
} from '../../src/transports/engine/dialect.js';
import { describeEngine, type Engine, type EngineFamily } from '../../src/transports/engine/engine.js';
import { groupLoads } from '../../src/transports/engine/groups.js';
import { holdingsOf, omittable } from '../../src/transports/engine/holdings.js';
import { engineFrom } from '../../src/transports/engine/identify.js';
import { inspect, inventory } from '../../src/transports/engine/inventory.js';
import { checkNames } from '../../src/transports/engine/names.js';
import { nerdctlRows } from '../../src/transports/engine/nerdctl.js';
import { prove } from '../../src/transports/engine/proof.js';
import { surveyEngine } from '../../src/transports/engine/survey.js';
import { localMachine } from '../../src/transports/machine/local.js';
import { program, removeTempFolders } from './fake-client.js';
import { type Blobs, makeImage, makeIndex } from './images.js';

afterAll(removeTempFolders);

const never = new AbortController().signal;
const client = { machine: localMachine, command: ['ctr'] };
const engineOf = (family: EngineFamily, more: Partial<Engine> = {}): Engine => ({
  ...client,
  family,
  version: '2.1.9',
  apiVersion: '2.1.9',
  storageDriver: 'overlayfs',
  platform: { os: 'linux', architecture: 'amd64' },
  ...more,
});
const [a, c] = [digestOf('a'), digestOf('c')];

describe('which words a client is given', () => {
  const blobs: Blobs = new Map();
  const here = makeImage(blobs, ['x']);
  const index = makeIndex(blobs, [here, makeImage(blobs, ['y'], { architecture: 'arm64' })]);
  const sparse = { ...index, absent: [here.blob] } as TreeNode;
  const args = (family: EngineFamily, root: TreeNode, more?: Partial<Engine>): string =>
    loadArgs(engineOf(family, more), [{ name: 'docker.io/he/x:1', root }]).join(' ');

  test('to load', () => {
    expect(args('ctr', here)).toBe('images import --local --all-platforms -');
    expect(args('ctr', index, { apiVersion: '1.6.20' })).toBe('images import --all-platforms -');
    expect(args('ctr', sparse)).toBe('images import --local -');
    expect(args('nerdctl', index)).toBe('load');
    for (const family of ['graphdriver', 'containerd', 'podman'] as const) expect(args(family, index)).toBe('load -q');
  });

  test('to save', () => {
    const save = (family: EngineFamily, more?: Partial<Engine>): string =>
      saveArgs(engineOf(family, more), ['x', 'y']).join(' ');
    expect(save('ctr')).toBe('images export --local - x y');
    expect(save('ctr', { apiVersion: '1.6.20' })).toBe('images export - x y');
    expect(save('podman')).toBe('save -m x y');
    expect([save('nerdctl'), save('graphdriver')]).toEqual(['save x y', 'save x y']);
    expect(saveArgs(engineOf('podman'), ['x'])).toEqual(['save', 'x']);
  });

  test('to give and take names', () => {
    expect(tagArgs(engineOf('ctr'), 'x', 'y').join(' ')).toBe('images tag --force x y');
    expect(tagArgs(engineOf('nerdctl'), 'x', 'y').join(' ')).toBe('tag x y');
    const untag = (family: EngineFamily, version = '5.0'): string =>
      untagArgs(engineOf(family, { version }), ['x']).join(' ');
    expect([untag('ctr'), untag('nerdctl'), untag('podman'), untag('podman', '4.1'), untag('containerd')]).toEqual([
      'images rm x',
      'rmi x',
      'rmi --no-prune x',
      'rmi x',
      'rmi --no-prune x',
    ]);
  });

  test('whether it reads zstd, and whether a load failed with 0', () => {
    const layers = here.layers.map((layer) => ({
      ...layer,
      blob: { ...layer.blob, mediaType: `${layer.blob.mediaType}+zstd` },
    }));
    const reads = (family: EngineFamily, version: string): boolean =>
      !isMadePlain(engineOf(family, { version }), { ...here, layers });
    expect([reads('graphdriver', '20.10'), reads('graphdriver', '23.0'), reads('podman', '4.3')]).toEqual([
      false,
      true,
      false,
    ]);
    expect([reads('podman', '5.0'), reads('ctr', '1.6'), reads('nerdctl', '1.6'), reads('containerd', '28')]).toEqual(
      Array(4).fill(true),
    );
    expect(isLoadFailure({ stdout: 'Loaded image: x\nError unpacking image x: EOF\n', stderr: '' })).toBe(
      'Error unpacking image x: EOF',
    );
    expect(isLoadFailure({ stdout: 'Loaded image: x\n', stderr: '' })).toBeUndefined();
  });
});

describe('what is sent to ctr', () => {
  const blobs: Blobs = new Map();
  const [arm, amd] = [makeImage(blobs, ['r'], { architecture: 'arm64' }), makeImage(blobs, ['a'])];
  const index = makeIndex(blobs, [arm, amd]);
  const groupFor = (root: TreeNode, engine = engineOf('ctr')) =>
    groupLoads([{ name: 'docker.io/he/m:1', root }], engine).groups[0]!;

  test('a whole index, one with the host alone, or what is not for the host on its own', () => {
    expect(groupFor(index)).toMatchObject({ id: index.blob.digest, node: index, image: amd });
    const lost = { mediaType: 'x', digest: c, size: 1 };
    const sparse = { ...index, absent: [lost] } as TreeNode;
    const outer = makeIndex(blobs, [arm]);
    const nested = { ...outer, children: [outer, sparse] } as TreeNode;
    expect(groupFor(sparse).node).toEqual({ ...index, children: [amd], absent: [lost, arm.blob] });
    expect(groupFor(nested).node).toEqual({
      ...nested,
      children: [{ ...index, children: [amd], absent: [lost, arm.blob] }],
      absent: [outer.blob],
    });
    const foreign = engineOf('ctr', { platform: { os: 'linux', architecture: 's390x' } });
    expect(groupFor(index, foreign)).toMatchObject({ id: arm.blob.digest, node: arm });
    expect(groupFor(index, engineOf('nerdctl'))).toMatchObject({ id: amd.blob.digest, node: amd });
  });

  test('without the blobs that are there, whatever is known of their contents', () => {
    const app = makeImage(blobs, ['a', 'b', 'c']);
    const have = holdingsOf(
      [{ id: c, diffIds: app.layers.map(({ diffId }) => diffId), names: [], size: 1 }],
      new Set(),
    );
    have.blobs.add(app.layers[1]!.blob.digest);
    expect(omittable('ctr', groupFor(app), have)).toEqual(new Set([app.layers[1]!.blob.digest]));
    have.blobs.clear();
    expect(omittable('nerdctl', groupFor(app, engineOf('nerdctl')), have)).toEqual(new Set());
  });
});

describe('nerdctl, from its source', () => {
  const version = {
    Client: { Version: 'v2.1.2', Os: 'linux', Arch: 'arm64', Components: [{ Name: 'buildctl', Version: '' }] },
    Server: {
      Components: [
        { Name: 'containerd', Version: 'v2.0.5' },
        { Name: 'runc', Version: '1.2.6' },
      ],
    },
  };
  const image = makeImage(new Map(), ['x']);
  const row = (name: string, digest: string): string =>
    JSON.stringify({
      Digest: digest,
      ID: digest,
      Repository: 'x',
      Tag: '1',
      Name: name,
      BlobSize: '10 KiB',
      Platform: 'linux/amd64',
    });
  const nerdctl = (...rows: readonly string[]): Engine =>
    engineOf('nerdctl', { command: [program(`cat <<'E'\n${rows.join('\n')}\nE`, 'nerdctl')] });

  test('is told from Docker', () => {
    const engine = engineFrom(client, version, { Driver: 'overlayfs' });
    expect(engine).toMatchObject({
      family: 'nerdctl',
      version: '2.0.5',
      apiVersion: '2.1.2',
      platform: { architecture: 'arm64' },
    });
    expect(describeEngine(engine!)).toBe('nerdctl 2.1.2 (containerd 2.0.5)');
    expect(engineFrom(client, { ...version, Server: null }, {})).toBeUndefined();
    const docker = { Client: { Version: '28' }, Server: { ...version.Server, Version: '28.5.2', ApiVersion: '1.51' } };
    expect(engineFrom(client, docker, { Driver: 'overlay2' })).toMatchObject({ family: 'graphdriver' });
  });

  test('lists names, one row a platform', () => {
    const rows = [row('docker.io/he/x:1', a), row('docker.io/he/x:1', a), row('odd', '<none>'), 'WARN something'];
    expect(nerdctlRows(rows.join('\n'))).toEqual([{ name: 'docker.io/he/x:1', target: a, size: 10_240 }]);
  });

  test('finds images, has nothing that could be left out, and proves little', async () => {
    const engine = nerdctl(row('docker.io/he/x:1', image.blob.digest), row('docker.io/he/y:1', image.blob.digest));
    expect(await inventory(engine, never)).toEqual([
      { id: image.blob.digest, diffIds: [], names: ['docker.io/he/x:1', 'docker.io/he/y:1'], size: 10_240 },
    ]);
    const [group] = groupLoads([{ name: 'docker.io/he/x:1', root: image }], engine).groups;
    const have = await surveyEngine(engine, [group!], never);
    expect([have.ids.size, have.blobs.size, have.names.get('docker.io/he/x:1')]).toEqual([0, 0, image.blob.digest]);
    expect(await prove(engine, group!, 'he/x:1', never)).toContain('does not tell');
    const { images, words } = await inspect(engine, ['he/y:1', 'he/z:1'], never);
    expect([images.length, words]).toEqual([1, 'no such image: he/z:1']);
    const wrong = checkNames(engine, [['docker.io/he/x:1', a]], never);
    await expect(wrong).rejects.toMatchObject({ message: expect.stringContaining(`expected image ${a}`) });
  });
});
