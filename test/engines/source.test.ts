import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type ImageSource } from '../../src/ports.js';
import { type Engine, engineSink, engineSource, findEngine, inventory } from '../../src/transports/engine/index.js';
import { type Blobs, depsWith, fresh, makeImage, opener, planOf } from '../transports/images.js';
import { clientOf, collect, engineNames, imagesOfSave, type SavedImage, up, wipe } from './lab.js';

jest.setTimeout(120_000);
const never = new AbortController().signal;

describe.each(engineNames)('%s', (lab) => {
  const run = fresh();
  const blobs: Blobs = new Map();
  const first = makeImage(blobs, [`${run}a`, `${run}b`]);
  const second = makeImage(blobs, [`${run}a`, `${run}c`, `${run}a`]);
  const [one, two] = [`docker.io/he/${run}-one:1`, `docker.io/he/${run}-two:latest`] as const;
  let engine: Engine;

  beforeAll(async () => {
    await up(lab);
    engine = await findEngine(clientOf(lab), never);
    const images = [
      { name: one, root: first },
      { name: two, root: second },
    ];
    await engineSink(engine, depsWith()).receive(planOf(images), opener(blobs), never);
  }, 600_000);
  afterAll(() => wipe(lab, run));

  const open = async (...names: readonly string[]): Promise<readonly SavedImage[]> => {
    let tar: Buffer = Buffer.alloc(0);
    const openStream = async (
      ...[, bytes]: Parameters<ReturnType<typeof depsWith>['openStream']>
    ): Promise<ImageSource> => {
      tar = await collect(bytes);
      return {} as ImageSource;
    };
    await engineSource(engine, names, depsWith({ openStream }));
    return imagesOfSave(tar);
  };

  test('gives several images by name, without a tag and without a host', async () => {
    const images = await open(one, `he/${run}-two`);
    const found = new Map(images.map(({ config, diffIds }) => [config, diffIds]));
    expect(found.get(first.config.digest)).toEqual(first.layers.map(({ diffId }) => diffId));
    expect(found.get(second.config.digest)).toEqual(second.layers.map(({ diffId }) => diffId));
    expect(
      images
        .flatMap(({ names }) => names)
        .map((name) => name.replace('docker.io/', ''))
        .sort(),
    ).toEqual([`he/${run}-one:1`, `he/${run}-two:latest`]);
  });

  test('gives an image by its ID', async () => {
    const id = engine.family === 'containerd' ? first.blob.digest : first.config.digest;
    expect(await open(id.slice('sha256:'.length, 'sha256:'.length + 12))).toMatchObject([
      { config: first.config.digest },
    ]);
  });

  test('names everything that is not there', async () => {
    await expect(open('he/nope:1', one, `he/${run}-nor:2`)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining(`he/nope:1, he/${run}-nor:2`),
    });
  });

  test('lists what is there', async () => {
    const images = await inventory(engine, never);
    const id = engine.family === 'containerd' ? second.blob.digest : second.config.digest;
    expect(images.find((image) => image.id === id)).toMatchObject({
      diffIds: second.layers.map(({ diffId }) => diffId),
      names: [expect.stringContaining(`he/${run}-two:latest`)],
    });
  });
});
