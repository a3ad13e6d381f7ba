import { describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { openPath } from '../../../src/commands/open.js';
import { prune } from '../../../src/commands/prune.js';
import { verify } from '../../../src/commands/verify.js';
import { readGraph } from '../../../src/engine/graph.js';
import { ociLayoutSink } from '../../../src/formats/oci-layout/sink.js';
import { transfer } from '../../../src/engine/transfer.js';
import { drain } from '../../../src/primitives/bytes.js';
import { hexOf } from '../../../src/primitives/digest.js';
import { faultOf } from '../../codecs/helpers.js';
import { Blobs, forPlatform, named } from '../../helpers/blobs.js';
import { testContext } from '../../helpers/context.js';
import { layoutFolder } from '../../helpers/layout-folder.js';
import { useTempFolder } from '../../helpers/temp-folder.js';

const at = useTempFolder();
const blobs = new Blobs();
const [old, current] = [blobs.image({ layers: ['base', 'old'] }), blobs.image({ layers: ['base', 'new'] })];
const entries = [named(old.root, 'docker.io/library/app:1'), named(current.root, 'docker.io/library/app:2')];
const pruned = { code: 'SOURCE_CHANGED', hint: 'Nothing is damaged: run the same again.' };
const dropOld = (): Promise<unknown> => prune({ archive: at('a'), keep: ['app:2'] }, testContext());
const lost = (...digests: { digest: (typeof old.root)['digest'] }[]): void => {
  for (const { digest } of digests) rmSync(at('a/blobs/sha256', hexOf(digest)));
};

describe('an archive that is pruned while it is read', () => {
  test('is no damage to one who has read its names', async () => {
    layoutFolder(at('a'), blobs, entries);
    const source = await openPath(at('a'), testContext());
    const records = await source.images();
    await dropOld();
    const { images, faults } = await readGraph(source, records);
    expect(images.map(({ record }) => record.name)).toEqual(['docker.io/library/app:2']);
    expect(faults.map(({ error }) => error)).toEqual([expect.objectContaining(pruned)]);
  });

  test('nor to one who is at its layers; what stays can be read on', async () => {
    layoutFolder(at('a'), blobs, entries);
    const source = await openPath(at('a'), testContext());
    await readGraph(source, await source.images());
    await dropOld();
    expect(await faultOf(drain(source.open(old.layers[1]!)))).toMatchObject(pruned);
    expect(await faultOf(drain(source.open(old.layers[0]!)))).toBeUndefined();
  });

  test('what is lost without a prune is damage', async () => {
    layoutFolder(at('a'), blobs, entries);
    const source = await openPath(at('a'), testContext());
    await readGraph(source, await source.images());
    lost(old.layers[1]!);
    expect(await faultOf(drain(source.open(old.layers[1]!)))).toMatchObject({ code: 'NOT_FOUND' });
    lost(old.layers[0]!);
    expect((await verify({ sources: [at('a')] }, testContext())).faults.map(({ code }) => code)).toEqual([
      'BLOB_MISSING',
      'BLOB_MISSING',
    ]);
  });
});

test('an archive that is added to while it is read: platforms that were left out are no matter', async () => {
  const multi = new Blobs();
  const arm = multi.image({ layers: ['arm'], platform: { architecture: 'arm64' } });
  const amd = multi.image({ layers: ['amd'] });
  const index = multi.index([forPlatform(amd.root, 'linux', 'amd64'), forPlatform(arm.root, 'linux', 'arm64')]);
  layoutFolder(at('a'), multi.drop(arm.root, arm.config, ...arm.layers), [named(index, 'docker.io/library/multi:1')]);
  const source = await openPath(at('a'), testContext());
  const records = await source.images();
  const { images } = await readGraph(blobs.source(), [{ name: 'docker.io/library/app:1', root: old.root }]);
  const job = { ...testContext(), what: 'packing', images: images.map(({ image }) => image) };
  await transfer({ ...job, source: blobs.source(), sink: ociLayoutSink(at('a')) });
  expect((await readGraph(source, records)).faults).toEqual([]);
});
