import { describe, expect, test } from '@jest/globals';
import { inspect } from '../../src/commands/inspect.js';
import { load } from '../../src/commands/load.js';
import { pack } from '../../src/commands/pack.js';
import { type PackOptions } from '../../src/commands/options.js';
import { type PackResult } from '../../src/commands/results.js';
import { hexOf } from '../../src/primitives/digest.js';
import { faultOf } from '../codecs/helpers.js';
import { Blobs, named } from '../helpers/blobs.js';
import { testContext } from '../helpers/context.js';
import { saveFile } from '../helpers/files.js';
import { tarOf } from '../helpers/members.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const run = (source: string, options: Partial<PackOptions>): Promise<PackResult> =>
  pack({ sources: [source], output: at('out.tar'), ...options }, testContext());

describe('an image without a name', () => {
  test('is chosen by its image ID or digest, whole or the beginning, and by *', async () => {
    const source = await saveFile(at('a.tar'), { '': ['x'], 'app:1': ['y'] });
    const [image] = (await inspect({ sources: [source] }, testContext())).images.filter(
      ({ name }) => name === undefined,
    );
    const { imageId, manifest } = image!.platforms[0]!;
    for (const word of [imageId, hexOf(imageId), hexOf(imageId).slice(0, 12), manifest, hexOf(manifest).slice(0, 12)]) {
      expect((await run(source, { only: [word] })).images.map(({ name }) => name)).toEqual([undefined]);
    }
    expect((await run(source, { only: ['*'] })).images).toHaveLength(2);
    expect(await faultOf(run(source, { only: ['s'] }))).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('--rename', () => {
  test('without a tag means every tag of the repository, which is kept', async () => {
    const source = await saveFile(at('a.tar'), { 'app:1': ['x'], 'app:2': ['y'], 'other:1': ['z'] });
    const { images } = await run(source, { rename: ['app=registry.local/team/app'] });
    expect(images.map(({ name }) => name)).toEqual([
      'docker.io/library/other:1',
      'registry.local/team/app:1',
      'registry.local/team/app:2',
    ]);
  });

  test('that matches nothing is NOT_FOUND, and nothing is written', async () => {
    const source = await saveFile(at('a.tar'), { 'app:1': ['x'] });
    expect(await faultOf(run(source, { rename: ['ap=new'] }))).toMatchObject({ code: 'NOT_FOUND' });
  });
});

test('--platform that no image is for is NOT_FOUND, also with an artifact beside them', async () => {
  const blobs = new Blobs();
  const { root } = blobs.image();
  const sbom = blobs.artifact('sbom', { subject: root }).root;
  const source = put(at('a.tar'), await tarOf(blobs.layout([named(root, 'docker.io/library/app:1'), sbom])));
  expect(await faultOf(run(source, { platforms: ['linux/riscv64'] }))).toMatchObject({ code: 'NOT_FOUND' });
  expect((await run(source, { platforms: ['linux/amd64'] })).images).toHaveLength(2);
});

describe('what is wrong with the call is said before a source is read', () => {
  const unread = 'file:/nonexistent/source.tar';
  test.each<[string, Partial<PackOptions>, string]>([
    ['a folder for the output that is not there', { output: '/nonexistent/out.tar' }, 'out.tar|/nonexistent: no such'],
    ['a level that there is not', { output: 'x.tar.zst', level: 23 }, 'level 23'],
    ['a folder on standard output', { output: '-', format: 'oci' }, 'standard output'],
  ])('%s', async (_, options, words) => {
    expect((await faultOf(run(unread, options)))?.message).toMatch(new RegExp(words));
  });

  test('a receipt that cannot be written, before anything is loaded', async () => {
    const options = { sources: [unread], receipt: '/nonexistent/receipt.json' };
    expect((await faultOf(load(options, testContext())))?.message).toContain('/nonexistent: no such file or folder');
  });

  test('no engine', async () => {
    const options = { sources: [unread], engine: '/nonexistent/docker' };
    expect(await faultOf(load(options, testContext()))).toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  });
});
