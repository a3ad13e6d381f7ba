import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { inventory } from '../../src/commands/inventory.js';
import { load } from '../../src/commands/load.js';
import { type PackOptions } from '../../src/commands/options.js';
import { pack } from '../../src/commands/pack.js';
import { type PackResult } from '../../src/commands/results.js';
import { send } from '../../src/commands/send.js';
import { mediaTypes } from '../../src/model/media-types.js';
import { digestOf } from '../../src/primitives/digest.js';
import { faultOf } from '../codecs/helpers.js';
import { Blobs, named } from '../helpers/blobs.js';
import { testContext } from '../helpers/context.js';
import { saveFile } from '../helpers/files.js';
import { layerTar, tarOf } from '../helpers/members.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';
import { fresh } from '../transports/images.js';
import { client, clientOf, idOf, labDir, labNames, namesWith, save, up, wipe } from './lab.js';

jest.setTimeout(120_000);
const at = useTempFolder();

describe.each(labNames)('thin bundles and %s', (lab) => {
  const run = fresh();
  let count = 0;
  let own: string;
  beforeAll(() => up(lab), 600_000);
  afterAll(() => wipe(lab, run));
  beforeEach(() => {
    own = `${run}-${String(++count)}`;
  });

  const name = (word: string): string => `docker.io/he/${own}-${word}`;
  const layers = (...words: readonly string[]): string[] => words.map((word) => `${own}-${word}`);
  const context = testContext;
  const loads = (source: string, more = {}): Promise<unknown> =>
    load({ sources: [source], engine: clientOf(lab), ...more }, context());
  const packs = (source: string, output: string, more: Partial<PackOptions> = {}): Promise<PackResult> =>
    pack({ sources: [source], output: at(output), engine: clientOf(lab), ...more }, context());
  const stock = (file: string): ReturnType<typeof client> =>
    client(lab, lab === 'containerd2' ? ['images', 'import', '-'] : ['load'], readFileSync(file));

  const isThere = async (tag: string, ...words: readonly string[]): Promise<void> => {
    const [saved] = await save(lab, tag);
    const expected = await Promise.all(
      layers(...words).map(async (layer) => digestOf(await layerTar({ [`files/${layer}`]: layer.repeat(100) }))),
    );
    expect(saved?.diffIds).toEqual(expected);
  };
  /** The archive of release 1, as a bundle, and a save of release 2. */
  const releases = async (): Promise<{ old: string; fresh: string }> => {
    const one = await saveFile(at('one.tar'), { [name('app:1')]: layers('base', 'lib', 'app-1') });
    await packs(one, 'old.tar.zst');
    const two = await saveFile(at('two.tar'), { [name('app:2')]: layers('base', 'lib', 'app-2') });
    return { old: at('old.tar.zst'), fresh: two };
  };
  const bases = {
    'a bundle': (old: string): Promise<string> => Promise.resolve(old),
    'a folder': async (old: string): Promise<string> => (await packs(old, 'archive')).output,
    'the engine': (): Promise<string> => Promise.resolve('engine:'),
    'its inventory': async (): Promise<string> => {
      await inventory({ sources: [], engine: clientOf(lab), output: at('site.json') }, context());
      return at('site.json');
    },
    'its inventory, compact': async (): Promise<string> => {
      await inventory({ sources: [], engine: clientOf(lab), output: at('site.txt'), compact: true }, context());
      return at('site.txt');
    },
  };

  describe.each(Object.entries(bases))('%s as base', (_, makeBase) => {
    test('ferry loads it, and the stock client does', async () => {
      const { old, fresh: two } = await releases();
      await loads(old);
      const thin = await packs(two, 'thin.tar', { base: [await makeBase(old)] });
      expect(thin.reliance?.layers).toHaveLength(2);
      expect((await stock(at('thin.tar'))).status).toBe(0);
      await isThere(name('app:2'), 'base', 'lib', 'app-2');
      await client(lab, lab === 'containerd2' ? ['images', 'rm', name('app:2')] : ['rmi', name('app:2')]);
      expect(await idOf(lab, name('app:2'))).toBeUndefined();
      await loads(at('thin.tar'));
      await isThere(name('app:2'), 'base', 'lib', 'app-2');
    });
  });

  const compressors = {
    gzip: (bytes: Buffer): Buffer => gzipSync(bytes),
    zstd: (bytes: Buffer): Buffer => execFileSync('zstd', ['-qc'], { input: bytes }),
  };
  test.each(['gzip', 'zstd'] as const)('layers in %s: an engine that has them takes it', async (form) => {
    const inForm = async (file: string, tag: string, ...words: string[]): Promise<string> => {
      const tars = layers(...words).map((word) => layerTar({ [`files/${word}`]: word.repeat(100) }));
      const blobs = new Blobs();
      const { config, layers: plain } = blobs.image({ layers: await Promise.all(tars) });
      const packed = plain.map(({ digest }) =>
        blobs.put(`${mediaTypes.ociLayer}+${form}`, compressors[form](blobs.bytes.get(digest)!)),
      );
      const mediaType = mediaTypes.ociManifest;
      const root = blobs.put(mediaType, { schemaVersion: 2, mediaType, config, layers: packed });
      return put(at(file), await tarOf(blobs.drop(...plain).layout([named(root, name(tag))])));
    };
    const one = await inForm('one.tar', 'app:1', 'base', 'lib', 'app-1');
    const thin = await packs(await inForm('two.tar', 'app:2', 'base', 'lib', 'app-2'), 'thin.tar', { base: [one] });
    expect(thin.reliance?.layers).toHaveLength(2);
    expect(await faultOf(loads(at('thin.tar')))).toMatchObject({ code: 'BASE_MISSING' });
    await loads(one);
    expect(await loads(at('thin.tar'))).toMatchObject({ receipt: { items: [{ state: 'proven' }] } });
  });

  test('without the base: exit 6 with what is lacking, and nothing is changed', async () => {
    const { old, fresh: two } = await releases();
    await packs(two, 'thin.tar', { base: [old] });
    const fault = await faultOf(loads(at('thin.tar')));
    expect(fault).toMatchObject({ code: 'BASE_MISSING' });
    expect(fault?.message).toMatch(
      new RegExp(`lacks 2 layers that the thin bundle leaves out: he/${own}-app:2: 2 layers`),
    );
    expect(fault?.hint).toMatch(new RegExp(`They are in the base [0-9a-f ]{24} \\(he/${own}-app:1\\)`));
    expect(await namesWith(lab, own)).toEqual([]);
    await loads(at('thin.tar'), { with: [old] });
    await isThere(name('app:2'), 'base', 'lib', 'app-2');
  });

  test('several names: ferry loads it in every engine', async () => {
    const one = await saveFile(at('one.tar'), {
      [name('app:1')]: layers('base', 'app'),
      [name('db:1')]: layers('base', 'db'),
    });
    await loads(one);
    const two = await saveFile(at('two.tar'), {
      [name('app:2')]: layers('base', 'app', 'more'),
      [name('db:2')]: layers('base', 'db', 'even more'),
      [name('new:2')]: layers('other', 'base'),
    });
    const thin = await packs(two, 'thin.tar', { base: [one] });
    expect(thin.reliance?.layers.length).toBeGreaterThan(0);
    await loads(at('thin.tar'));
    await isThere(name('app:2'), 'base', 'app', 'more');
    await isThere(name('db:2'), 'base', 'db', 'even more');
    await isThere(name('new:2'), 'other', 'base');
  });

  test('over SSH: the host with the base takes it, the one without is told', async () => {
    const { old, fresh: two } = await releases();
    const thin = await packs(two, 'thin.tar', { base: [old] });
    expect(thin.reliance?.layers).toHaveLength(2);
    const sent = async (): ReturnType<typeof send> => {
      const remoteEngine = lab === 'containerd2' ? 'ctr' : undefined;
      const ssh = { configFile: path.join(labDir, 'ssh/config') };
      return send({ sources: [at('thin.tar')], to: [lab], ssh, remoteEngine, retries: 0 }, context());
    };
    const before = await sent();
    expect(before.hosts).toMatchObject([{ state: 'failed', error: { code: 'BASE_MISSING' } }]);
    await loads(old);
    expect(await sent()).toMatchObject({ hosts: [{ state: 'done' }] });
    await isThere(name('app:2'), 'base', 'lib', 'app-2');
  });
});
