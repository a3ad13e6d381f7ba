import { afterAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Digest, digestOf } from '../../src/primitives/digest.js';
import { contentFrom, isUnpacked, unpackedOf } from '../../src/transports/engine/ctr-content.js';
import { bytesIn, ctrCheck, ctrEngineFrom, ctrImages } from '../../src/transports/engine/ctr.js';
import { describeEngine, type Engine, type EngineFamily } from '../../src/transports/engine/engine.js';
import { chainIds } from '../../src/transports/engine/holdings.js';
import { checkNames } from '../../src/transports/engine/names.js';
import { surveyEngine } from '../../src/transports/engine/survey.js';
import { localMachine } from '../../src/transports/machine/local.js';
import { program, removeTempFolders, tempFolder } from './fake-client.js';
import { makeImage } from './images.js';

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
const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')];

describe('containerd, as ctr tells of it', () => {
  const version = (own: string, server: string): string =>
    `Client:\n  Version:  ${own}\n  Revision: \n  Go version: go1.24.4\n\nServer:\n  Version:  ${server}\n  Revision: \n  UUID: x\n`;
  const plugins = (platform: string): string =>
    [
      'TYPE                                      ID                       PLATFORMS      STATUS    ',
      'io.containerd.content.v1                  content                  -              ok        ',
      'io.containerd.snapshotter.v1              btrfs                    linux/amd64    skip      ',
      `io.containerd.snapshotter.v1              native                   ${platform}    ok        `,
      'io.containerd.differ.v1                   erofs                    -              skip      ',
      `io.containerd.differ.v1                   walking                  ${platform}    ok        `,
    ].join('\n');

  test('versions of both ends, and the platform', () => {
    const engine = ctrEngineFrom(client, version('1.6.20~ds1', '2.1.9+unknown'), plugins('linux/amd64'));
    expect(engine).toEqual(engineOf('ctr', { apiVersion: '1.6.20~ds1', storageDriver: 'native' }));
    expect(describeEngine(engine!)).toBe('containerd 2.1.9');
    const k3s = ctrEngineFrom(client, version('v2.0.4-k3s2', 'v2.0.4-k3s2'), plugins('linux/arm64/v8'));
    expect(k3s).toMatchObject({
      version: '2.0.4-k3s2',
      platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
    });
  });

  test.each(['', 'ctr: failed to dial\n', 'Client:\n  Version:  1.7.24\n\n'])('%j is no server', (text) => {
    expect(ctrEngineFrom(client, text, '')).toBeUndefined();
  });

  const content = contentFrom(
    [
      'DIGEST\t\t\tSIZE\tAGE\t\tLABELS',
      `${digestOf('index')}\t1kB\t3 weeks\t\tcontainerd.io/gc.ref.content.m.1=${digestOf('m')},containerd.io/gc.ref.content.m.0=${digestOf('other')}`,
      `${digestOf('m')}\t401B\tLess than a second\tcontainerd.io/gc.ref.content.l.10=${c},containerd.io/gc.ref.content.l.2=${b},containerd.io/gc.ref.content.config=${digestOf('config')},containerd.io/gc.ref.content.l.0=${a}`,
      `${digestOf('config')}\t1kB\t1 second\tcontainerd.io/gc.ref.snapshot.overlayfs=${chainIds([a, b, c])[2]!},containerd.io/gc.ref.snapshot.native=${a}`,
      `${a}\t1kB\t1 second\tcontainerd.io/distribution.source.docker.io=library/x,team/y,containerd.io/uncompressed=${a}`,
      `${b}\t1kB\t1 second\tcontainerd.io/uncompressed=${b}`,
      `${c}\t1kB\t1 second\tcontainerd.io/uncompressed=${c},containerd.io/distribution.source.r.example=containerd.io/uncompressed=${a}`,
      `${digestOf('stray')}\t477B\t1 second\t-`,
      'sha256:short\t1B\t1 second\t-',
    ].join('\n'),
  );

  test('its contents, by labels whose values may have commas', () => {
    expect(content.size).toBe(7);
    expect(content.get(digestOf('m'))).toMatchObject({ config: digestOf('config'), layers: [a, b, c] });
    expect(content.get(digestOf('index'))?.manifests).toEqual([digestOf('other'), digestOf('m')]);
    expect(content.get(a)?.diffId).toBe(a);
    expect(content.get(digestOf('stray'))).toMatchObject({ layers: [], snapshots: [] });
  });

  test('layers of an image, when they add up to what is unpacked', () => {
    const unpacked = { manifest: digestOf('m'), diffIds: [a, b, c] };
    expect(unpackedOf(content, digestOf('m'))).toEqual(unpacked);
    expect(unpackedOf(content, digestOf('index'))).toEqual(unpacked);
    expect(unpackedOf(content, digestOf('none'))).toBeUndefined();
    expect(unpackedOf(new Map([...content].filter(([digest]) => digest !== b)), digestOf('m'))).toBeUndefined();
  });

  test('what is unpacked', () => {
    const image = makeImage(new Map(), ['x', 'y']);
    const chain = chainIds(image.layers.map(({ diffId }) => diffId))[1]!;
    const store = (snapshot: Digest): string =>
      `${image.config.digest}\t1B\tx\tcontainerd.io/gc.ref.snapshot.s=${snapshot}`;
    expect(isUnpacked(contentFrom(store(chain)), image)).toBe(true);
    expect(isUnpacked(contentFrom(store(a)), image)).toBe(false);
    expect(isUnpacked(contentFrom(''), makeImage(new Map(), []))).toBe(true);
  });

  test.each([
    ['73.5 MiB linux/amd64', 77_070_336],
    ['60.8 KiB', 62_259],
    ['282.0 B/60.3 KiB', 282],
    ['1.2GB', 1_288_490_189],
    ['-', 0],
    ['', 0],
  ])('%j is %d bytes', (text, bytes) => {
    expect(bytesIn(text)).toBe(bytes);
  });

  const fake = (script: string): Engine => engineOf('ctr', { command: [program(script, 'ctr')] });

  test('names, asked for with a filter that a name cannot break out of', async () => {
    const calls = path.join(tempFolder(), 'calls');
    const engine = fake(`
printf '%s\\n' "$@" >${calls}
echo 'REF TYPE DIGEST SIZE PLATFORMS LABELS '
echo 'docker.io/he/x:1 application/vnd.oci.image.manifest.v1+json ${a} 73.5 MiB linux/amd64 io.cri-containerd.image=managed '
echo 'docker.io/he/broken:1 application/vnd.oci.image.index.v1+json    ${b} -        -           -      '
echo 'a warning'`);
    expect(await ctrImages(engine, never, ['docker.io/he/x:1', 'odd"name'])).toEqual([
      { name: 'docker.io/he/x:1', target: a, size: 77_070_336 },
      { name: 'docker.io/he/broken:1', target: b, size: 0 },
    ]);
    expect(readFileSync(calls, 'utf8').trim().split('\n')).toEqual([
      'images',
      'ls',
      'name=="docker.io/he/x:1"',
      'name=="odd\\"name"',
    ]);
    await expect(
      checkNames(
        engine,
        [
          ['docker.io/he/x:1', a],
          ['docker.io/he/none:1', b],
        ],
        never,
      ),
    ).rejects.toMatchObject({
      message: expect.stringContaining(`naming an image docker.io/he/none:1: expected image ${b}`),
    });
  });

  test.each([
    ['complete (2/2)   73.5 MiB/73.5 MiB true     ', { complete: true, unpacked: true }],
    ['complete (4/4)   90.3 KiB/90.3 KiB false    ', { complete: true, unpacked: false }],
    ['incomplete (2/4) 30.3 KiB/90.3 KiB true     ', { complete: false, unpacked: true }],
    ['unavailable (0/?) -                false    ', { complete: false, unpacked: false }],
  ])('a check that says %j', async (row, expected) => {
    const engine = fake(`echo 'REF TYPE DIGEST STATUS SIZE UNPACKED '\necho 'docker.io/he/x:1 type ${a} ${row}'`);
    expect(await ctrCheck(engine, 'docker.io/he/x:1', never)).toEqual({ target: a, ...expected });
    expect(await ctrCheck(engine, 'docker.io/he/y:1', never)).toBeUndefined();
  });

  test('a question that is refused says so', async () => {
    const engine = fake('echo "ctr: permission denied" >&2; exit 1');
    await expect(surveyEngine(engine, [], never)).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringMatching(/^containerd 2\.1\.9: listing its .*: ctr: permission denied$/),
    });
  });
});
