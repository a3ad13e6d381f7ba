import { describe, expect, test } from '@jest/globals';
import { readGraph } from '../../src/engine/graph.js';
import { type Offer } from '../../src/engine/merge.js';
import { planTransfer } from '../../src/engine/plan.js';
import { selectImages } from '../../src/engine/select.js';
import { type Descriptor } from '../../src/model/descriptor.js';
import { imagesIn, type IndexNode } from '../../src/model/graph.js';
import { formatPlatform, parsePlatform } from '../../src/model/platform.js';
import { hexOf } from '../../src/primitives/digest.js';
import { Blobs, forPlatform } from '../helpers/blobs.js';

async function offersOf(blobs: Blobs, roots: Readonly<Record<string, Descriptor>>): Promise<Offer[]> {
  const records = Object.entries(roots).map(([name, root]) => ({
    name: name.startsWith('unnamed') ? undefined : name,
    root,
  }));
  const { images, faults } = await readGraph(blobs.source(), records);
  expect(faults).toEqual([]);
  return images.map(({ image }) => ({ image, from: 'a.tar' }));
}

const select = (offers: readonly Offer[], only: string[], ...platforms: string[]): Offer[] =>
  selectImages(offers, { only, platforms: platforms.map(parsePlatform) });
const names = (offers: readonly Offer[]): (string | undefined)[] => offers.map(({ image }) => image.name);

describe('--only', () => {
  const blobs = new Blobs();
  const [app, tool] = [blobs.image({ layers: ['app'] }), blobs.image({ layers: ['tool'] })];
  const sbom = blobs.artifact('sbom', { subject: app.root });
  const other = blobs.artifact('sbom of something else', { subject: tool.root });
  const unnamed = blobs.image({ layers: ['unnamed'] });
  const signature = (of: Descriptor, ending: string): string =>
    `docker.io/library/app:sha256-${hexOf(of.digest)}${ending}`;
  const offers = offersOf(blobs, {
    'docker.io/library/app:1': app.root,
    'docker.io/team/tool:2': tool.root,
    'unnamed sbom': sbom.root,
    'unnamed other': other.root,
    [signature(app.root, '.sig')]: blobs.artifact('signature').root,
    [signature(app.root, '')]: blobs.artifact('referrers by tag').root,
    [signature(tool.root, '.sig')]: blobs.artifact('signature of tool').root,
    'unnamed image': unnamed.root,
  });

  test('nothing asked for: everything', async () => {
    expect(await offers).toEqual(select(await offers, []));
  });

  test.each(['app:1', 'app:[1]'.replace(/[[\]]/g, ''), 'docker.io/library/app:1'])(
    '%s keeps its signatures, by subject and by tag',
    async (word) => {
      const chosen = select(await offers, [word]);
      expect(chosen.map(({ image }) => image.name ?? image.root.blob.digest)).toEqual([
        'docker.io/library/app:1',
        sbom.root.digest,
        signature(app.root, '.sig'),
        signature(app.root, ''),
      ]);
    },
  );

  test('several words', async () => {
    expect(names(select(await offers, ['app:1', 'team/*']))).toHaveLength(7);
  });

  test('an image without a name is chosen by its digest, also short', async () => {
    for (const word of [unnamed.root.digest, unnamed.root.digest.slice(0, 20)])
      expect(select(await offers, [word])).toMatchObject([{ image: { root: { blob: unnamed.root } } }]);
  });

  test('a digest chooses every name of an image', async () => {
    expect(names(select(await offers, [tool.root.digest]))[0]).toBe('docker.io/team/tool:2');
  });

  test('words that match nothing are NOT_FOUND, all of them, with what there is', async () => {
    const all = await offers;
    expect(() => select(all, ['app:1', 'nothing', 'none:*'])).toThrow(
      expect.objectContaining({
        code: 'NOT_FOUND',
        message: 'no image called nothing, none:*',
        hint: expect.stringContaining('There is: app:1, team/tool:2'),
      }),
    );
  });

  test('the hint names ten at most', async () => {
    const [first] = await offers;
    const many = Array.from({ length: 13 }, (_, i) => ({
      ...first!,
      image: { ...first!.image, name: `docker.io/library/n${String(i)}:1` },
    }));
    expect(() => select(many, ['nothing'])).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/n9:1, and 3 more\.$/) }),
    );
  });
});

describe('--platform', () => {
  const blobs = new Blobs();
  const make = (architecture: string): ReturnType<Blobs['image']> =>
    blobs.image({ layers: [architecture], platform: { architecture } });
  const [amd, arm] = [make('amd64'), make('arm64')];
  const attest = (of: Descriptor): Descriptor => ({
    ...forPlatform(blobs.artifact(`about ${of.digest}`).root, 'unknown', 'unknown'),
    annotations: { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': of.digest },
  });
  const [aboutAmd, aboutArm] = [attest(amd.root), attest(arm.root)];
  const index = blobs.index([amd.root, arm.root, aboutAmd, aboutArm]);
  const outer = blobs.index([index, make('s390x').root]);
  const chart = blobs.artifact('chart');

  test('leaves out the other platforms with their attestations, and keeps the digest of the index', async () => {
    const [chosen] = select(await offersOf(blobs, { app: index }), [], 'linux/arm64');
    const root = chosen!.image.root as IndexNode;
    expect(root.blob).toEqual(index);
    expect(root.children.map(({ blob }) => blob)).toEqual([arm.root, aboutArm]);
    expect(root.absent.map(({ digest }) => digest)).toEqual([amd.root.digest, aboutAmd.digest]);
    const planned = planTransfer([chosen!.image], new Set()).blobs.map(({ blob }) => blob.digest);
    expect(planned).toContain(arm.layers[0]!.digest);
    expect(planned).not.toContain(amd.layers[0]!.digest);
    expect(planned).not.toContain(aboutAmd.digest);
  });

  test('reaches into nested indexes, and drops one in which nothing remains', async () => {
    const platforms = async (...wanted: string[]): Promise<string[]> =>
      select(await offersOf(blobs, { app: outer }), [], ...wanted).flatMap(({ image }) =>
        [...imagesIn(image.root)].map(({ platform }) => formatPlatform(platform)),
      );
    expect(await platforms('linux/arm64')).toEqual(['linux/arm64']);
    expect(await platforms('linux/s390x')).toEqual(['linux/s390x']);
    expect(await platforms('linux/amd64', 'linux/s390x')).toEqual(['linux/amd64', 'linux/s390x']);
    const [chosen] = select(await offersOf(blobs, { app: outer }), [], 'linux/s390x');
    expect((chosen!.image.root as IndexNode).absent.map(({ digest }) => digest)).toEqual([index.digest]);
  });

  test('drops an image of another platform, and keeps what is no image', async () => {
    const offers = await offersOf(blobs, { amd: amd.root, arm: arm.root, chart: chart.root, index });
    expect(names(select(offers, [], 'linux/arm64'))).toEqual(['arm', 'chart', 'index']);
  });

  test('is NOT_FOUND when nothing remains, with the platforms that there are', async () => {
    const offers = await offersOf(blobs, { app: index, amd: amd.root });
    expect(() => select(offers, [], 'linux/riscv64', 'windows/amd64')).toThrow(
      expect.objectContaining({
        code: 'NOT_FOUND',
        message: 'no image for linux/riscv64 or windows/amd64',
        hint: 'There is: linux/amd64, linux/arm64.',
      }),
    );
  });
});
