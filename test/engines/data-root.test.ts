import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { engineDeps } from '../../src/commands/open.js';
import { type ImageSource } from '../../src/ports.js';
import { measure } from '../../src/primitives/bytes.js';
import { type Digest } from '../../src/primitives/digest.js';
import { type Engine, engineSink, engineSource, findEngine } from '../../src/transports/engine/index.js';
import { imagesOf } from '../helpers/bundles.js';
import { testContext } from '../helpers/context.js';
import { type Blobs, depsWith, fresh, makeImage, opener, planOf } from '../transports/images.js';
import { clientOf, engineNames, up, wipe } from './lab.js';

jest.setTimeout(120_000);
const never = new AbortController().signal;

interface Read {
  readonly images: readonly { readonly name: string; readonly digest: Digest }[];
  readonly blobs: ReadonlyMap<Digest, Digest>;
}

/** The images of a source, and what its blobs hold. */
async function readAll(source: ImageSource): Promise<Read> {
  try {
    const records = await source.images();
    const blobs = new Map<Digest, Digest>();
    for (const { root } of await imagesOf(source)) {
      if (root.kind !== 'image') throw new Error('an image was expected');
      const { blob, config, layers } = root;
      for (const part of [blob, config, ...layers.map((layer) => layer.blob)]) {
        blobs.set(part.digest, (await measure(source.open(part))).digest);
      }
    }
    const images = records.map(({ name = '', root: { digest, size, mediaType } }) => ({
      name,
      digest,
      size,
      mediaType,
    }));
    return { images: images.sort((a, b) => (a.name < b.name ? -1 : 1)), blobs };
  } finally {
    await source.close();
  }
}

describe.each(engineNames)('%s', (lab) => {
  const run = fresh();
  const blobs: Blobs = new Map();
  const plain = makeImage(blobs, [`${run}a`, `${run}b`, `${run}a`]);
  const gzip = makeImage(blobs, [`${run}a`, `${run}c`], { form: 'gzip' });
  const names = [`docker.io/he/${run}-plain:1`, `docker.io/he/${run}-gzip:latest`] as const;
  let engine: Engine;

  beforeAll(async () => {
    await up(lab);
    engine = await findEngine(clientOf(lab), never);
    const images = [
      { name: names[0], root: plain },
      { name: names[1], root: gzip },
    ];
    await engineSink(engine, depsWith()).receive(planOf(images), opener(blobs), never);
  }, 600_000);
  afterAll(() => wipe(lab, run));

  const open = async (words: readonly string[], way: 'stored' | 'saved'): Promise<Read> => {
    const deps = engineDeps(testContext());
    const openStream = (): never => {
      throw new Error('a save was asked for');
    };
    const given = way === 'stored' ? { ...deps, openStream } : { ...deps, openTree: undefined };
    return readAll(await engineSource(engine, words, given));
  };

  const idOf = ({ blob, config }: typeof plain): Digest =>
    engine.family === 'containerd' ? blob.digest : config.digest;

  test.each<[string, () => readonly string[]]>([
    ['two names', () => names],
    ['a name without host and tag', () => [`he/${run}-gzip`]],
    ['an ID', () => [idOf(plain)]],
    ['an image by two words', () => [names[0], idOf(plain)]],
  ])('its own storage gives what its save gives: %s', async (_, words) => {
    const stored = await open(words(), 'stored');
    expect(stored).toEqual(await open(words(), 'saved'));
    for (const [digest, found] of stored.blobs) expect(found).toBe(digest);
  });
});
