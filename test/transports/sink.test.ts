import { afterAll, describe, expect, test } from '@jest/globals';
import { type ImageNode, type ManifestNode } from '../../src/model/graph.js';
import { type Receipt } from '../../src/model/receipt.js';
import { type TransferEvent } from '../../src/ports.js';
import { type EngineDeps, engineSink } from '../../src/transports/engine/index.js';
import { fakeEngine, type FakeEngine, nextImage, removeTempFolders } from './fake-client.js';
import { type Blobs, depsWith, makeImage, opener, planOf } from './images.js';

afterAll(removeTempFolders);

const name = 'docker.io/he/app:1';
const never = new AbortController().signal;

function receive(
  engine: FakeEngine,
  images: readonly ImageNode[],
  blobs: Blobs,
  deps: Partial<EngineDeps> = {},
  signal = never,
): Promise<Receipt> {
  return engineSink(engine, depsWith(deps)).receive(planOf(images), opener(blobs), signal);
}
const called = (engine: FakeEngine, word: string): readonly string[] =>
  engine.calls().filter((line) => line.startsWith(word));
const one = (): { readonly blobs: Blobs; readonly image: ManifestNode; readonly images: readonly ImageNode[] } => {
  const blobs: Blobs = new Map();
  const image = makeImage(blobs, ['a', 'b']);
  return { blobs, image, images: [{ name, root: image }] };
};

/** Shell of a `system dial-stdio` that answers every request with this status and body. */
const answering = (body: string, status = '200 OK'): string =>
  `read -r line; printf 'HTTP/1.1 ${status}\\r\\nContent-Type: application/json\\r\\nContent-Length: ${String(body.length)}\\r\\n\\r\\n%s' '${body}'; sleep 5`;
const stored = (image: ManifestNode, available: boolean): string =>
  JSON.stringify({ Id: image.blob.digest, Manifests: [{ ID: image.blob.digest, Available: available }] });

describe('the order of a load', () => {
  test('temporary name, proof, name, temporary name gone, name checked', async () => {
    const { blobs, image, images } = one();
    const engine = fakeEngine();
    nextImage(engine, image);
    const receipt = await receive(engine, images, blobs);
    expect(receipt).toMatchObject({ items: [{ state: 'proven' }], engine: 'docker 28.5.2 (overlay2)' });
    expect(engine.calls().map((line) => line.replace(/--format .*\}\}\} /, '').replace(/:\w+-\w+/, ':TMP'))).toEqual([
      'image ls -q --no-trunc',
      'load -q',
      `image inspect docker.io/ferry-incoming/${image.config.digest.slice(7, 19)}:TMP`,
      'image inspect docker.io/he/app:1',
      `tag docker.io/ferry-incoming/${image.config.digest.slice(7, 19)}:TMP ${name}`,
      `rmi --no-prune docker.io/ferry-incoming/${image.config.digest.slice(7, 19)}:TMP`,
      `image inspect ${name}`,
    ]);
  });

  test('when one of several names is refused, none has moved', async () => {
    const { blobs, image, images } = one();
    const second = 'docker.io/he/second:1';
    const engine = fakeEngine({
      tag: 'case $3 in *second*) echo "invalid reference" >&2; exit 1 ;; *) cp "$(ref "$2")" "$(ref "$3")" ;; esac',
    });
    nextImage(engine, image);
    const old = makeImage(new Map(), ['old']);
    engine.add(old.config.digest, [old.layers[0]!.diffId], [name]);
    await expect(receive(engine, [...images, { name: second, root: image }], blobs)).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining('naming an image docker.io/he/second:1: invalid reference'),
    });
    expect(called(engine, 'tag').at(-1)).toBe(`tag ${old.config.digest} ${name}`);
    expect(called(engine, 'rmi').at(-1)).toContain('ferry-incoming');
  });

  test('a name that cannot be put back is told of', async () => {
    const { blobs, image, images } = one();
    const engine = fakeEngine({
      tag: 'if [ -e "$dir/tagged" ]; then echo "read-only" >&2; exit 1; fi; touch "$dir/tagged"; cp "$(ref "$2")" "$(ref "$3")"',
    });
    nextImage(engine, image);
    const old = makeImage(new Map(), ['old']);
    engine.add(old.config.digest, [old.layers[0]!.diffId], [name]);
    const both = [...images, { name: 'docker.io/he/second:1', root: image }];
    const note = `these names may have moved already, and could not be put back: ${name}; no other has`;
    await expect(receive(engine, both, blobs)).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining(`read-only; ${note}`),
    });
  });
});

describe('failures', () => {
  test.each([
    [
      'exit status 0 and "Error unpacking"',
      'receive; register; echo "Error unpacking image x: wrong diff id"',
      'wrong diff id',
    ],
    ['death in the middle', 'head -c 100 >/dev/null; echo "unexpected EOF" >&2; exit 1', 'unexpected EOF'],
    ['death by a signal', 'kill -9 $$', 'ended by SIGKILL'],
    ['no reading at all', 'echo "no space left on device" >&2; exit 1', 'no space left'],
    ['much to say', "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo the end >&2; exit 1", 'the end'],
    ['success without an image', 'receive', 'the image ID: expected sha256'],
  ])('%s', async (_, load, words) => {
    const { blobs, image, images } = one();
    const engine = fakeEngine({ load });
    nextImage(engine, image);
    await expect(receive(engine, images, blobs)).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      side: 'sink',
      message: expect.stringContaining(words),
    });
    expect(called(engine, 'tag')).toEqual([]);
    expect(called(engine, 'rmi')).toHaveLength(1);
    expect(engine.has(name)).toBe(false);
  });

  test('other layers than those that were sent', async () => {
    const { blobs, image, images } = one();
    const engine = fakeEngine();
    nextImage(engine, image, { diffIds: [image.layers[0]!.diffId] });
    await expect(receive(engine, images, blobs)).rejects.toMatchObject({
      message: expect.stringContaining('the layers'),
    });
    expect(called(engine, 'tag')).toEqual([]);
  });

  test('an interrupt: the reason, the temporary name gone, no other', async () => {
    const { blobs, images } = one();
    const engine = fakeEngine({ load: 'receive; exec sleep 60' });
    const stop = new AbortController();
    const looking = setInterval(() => {
      if (called(engine, 'load').length > 0) stop.abort(new Error('interrupted'));
    }, 10);
    await expect(receive(engine, images, blobs, {}, stop.signal)).rejects.toThrow('interrupted');
    clearInterval(looking);
    expect(called(engine, 'tag')).toEqual([]);
    expect(called(engine, 'rmi').length).toBeGreaterThan(0);
  });
});

describe('the containerd store', () => {
  test('is asked whether everything is there', async () => {
    const { blobs, image, images } = one();
    const engine = fakeEngine({ family: 'containerd', dial: answering(stored(image, true)) });
    nextImage(engine, image);
    expect(await receive(engine, images, blobs)).toMatchObject({ items: [{ state: 'proven' }] });
  });

  test('an image that lacks contents is an error, whatever the exit status', async () => {
    const { blobs, image, images } = one();
    const engine = fakeEngine({ family: 'containerd', dial: answering(stored(image, false)) });
    nextImage(engine, image);
    await expect(receive(engine, images, blobs)).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining('contents missing'),
    });
    expect(called(engine, 'load')).toHaveLength(1);
  });

  test('is sent everything when what was left out turns out to be missing', async () => {
    const { blobs, image, images } = one();
    const engine = fakeEngine({ family: 'containerd', dial: answering(stored(image, false)) });
    nextImage(engine, image);
    const base = makeImage(new Map(), ['a']);
    engine.add(base.blob.digest, [base.layers[0]!.diffId], []);
    const events: TransferEvent[] = [];
    await expect(receive(engine, images, blobs, { emit: (event) => events.push(event) })).rejects.toThrow('missing');
    expect(called(engine, 'load')).toHaveLength(2);
    expect(events).toContainEqual({ type: 'note', message: expect.stringContaining('sending all of') });
  });

  test('an API that cannot tell: loaded whole, not proven, and why', async () => {
    const { blobs, image, images } = one();
    const engine = fakeEngine({ family: 'containerd', apiVersion: '1.45' });
    const base = makeImage(new Map(), ['a']);
    engine.add(base.blob.digest, [base.layers[0]!.diffId], []);
    nextImage(engine, image);
    const receipt = await receive(engine, images, blobs);
    expect(receipt).toMatchObject({ items: [{ state: 'unproven', note: expect.stringContaining('API 1.45') }] });
    expect(receipt.bytesMoved).toBe([...blobs.values()].reduce((sum, bytes) => sum + bytes.length, 0));
  });

  test.each([
    ['an error of the daemon', answering('{"message":"broken store"}', '500 Internal Server Error'), 'broken store'],
    ['a client without dial-stdio', 'echo "unknown command: dial-stdio" >&2; exit 1', 'unknown command'],
    [
      'an answer that breaks off',
      "printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 100\\r\\n\\r\\n{'",
      'GET /v1.48/images/',
    ],
  ])('%s', async (_, dial, words) => {
    const { blobs, image, images } = one();
    const engine = fakeEngine({ family: 'containerd', dial });
    nextImage(engine, image);
    await expect(receive(engine, images, blobs)).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining(words),
    });
  });
});

describe('forms', () => {
  const zstd = (image: ManifestNode): ManifestNode => ({
    ...image,
    layers: image.layers.map((layer) => ({
      ...layer,
      blob: { ...layer.blob, mediaType: `${layer.blob.mediaType}+zstd` },
    })),
  });

  test.each([
    ['graphdriver', '20.10.24', true],
    ['graphdriver', '26.1.5', false],
    ['podman', '4.3.1', true],
    ['podman', '5.8.6', false],
    ['containerd', '28.5.2', false],
  ] as const)('%s %s gets plain layers for zstd ones: %s', async (family, version, expected) => {
    const { blobs, image } = one();
    const engine = fakeEngine({ family, version, dial: answering(stored(image, true)) });
    nextImage(engine, image);
    let asked = false;
    const plain: EngineDeps['plain'] = (node, open) => {
      asked = true;
      return Promise.resolve({ image: { ...node, layers: image.layers }, open });
    };
    const receipt = await receive(engine, [{ name, root: zstd(image) }], blobs, { plain });
    expect(asked).toBe(expected);
    expect(receipt.items[0]?.note !== undefined).toBe(expected);
  });

  test.each([
    ['docker.io/he/app', [], 'this one was left out'],
    ['docker.io/he/app:1', [name], `named ${name} only`],
  ])('%s with a digest: loaded, and the receipt says what name it got', async (repository, names, words) => {
    const { blobs, image } = one();
    const listed = fakeEngine();
    const diffIds = image.layers.map(({ diffId }) => diffId);
    listed.add(image.config.digest, diffIds, names);
    const images = [{ name: `${repository}@${image.blob.digest}`, root: image }];
    const note = `engines cannot be given a name by digest; ${words}`;
    expect(await receive(listed, images, blobs)).toMatchObject({ items: [{ state: 'present', note }] });
    expect(called(listed, 'tag')).toEqual([]);

    const load =
      'receive; register; cp "$dir/next" "$(ref "$(sed -n \'s/.*"Id":"\\([^"]*\\)".*/\\1/p\' "$dir/next")")"';
    const empty = fakeEngine({ load });
    nextImage(empty, image);
    expect(await receive(empty, images, blobs)).toMatchObject({ items: [{ state: 'proven', note }] });
    expect(called(empty, 'tag').map((line) => line.split(' ')[2])).toEqual(names);
  });

  test('artifacts are left out and said to be', async () => {
    const { image } = one();
    const chart: ImageNode = {
      name: 'docker.io/he/chart:1',
      root: { kind: 'artifact', blob: image.blob, type: 'chart', parts: [], subject: undefined },
    };
    const engine = fakeEngine();
    expect(await receive(engine, [chart], new Map())).toMatchObject({ items: [{ state: 'skipped' }], bytesMoved: 0 });
    expect(called(engine, 'load')).toEqual([]);
  });
});
