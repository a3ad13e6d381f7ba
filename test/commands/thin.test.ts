import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { inspect } from '../../src/commands/inspect.js';
import { list } from '../../src/commands/list.js';
import { type PackOptions } from '../../src/commands/options.js';
import { pack } from '../../src/commands/pack.js';
import { type PackResult } from '../../src/commands/results.js';
import { verify } from '../../src/commands/verify.js';
import { type Descriptor } from '../../src/model/descriptor.js';
import { RELIANCE_ANNOTATION } from '../../src/formats/bundle/reliance.js';
import { fingerprintOf } from '../../src/model/fingerprint.js';
import { type Reliance } from '../../src/model/reliance.js';
import { digestOf } from '../../src/primitives/digest.js';
import { faultOf } from '../codecs/helpers.js';
import { Blobs, forPlatform, named } from '../helpers/blobs.js';
import { membersOf } from '../helpers/bundles.js';
import { testContext } from '../helpers/context.js';
import { saveFile } from '../helpers/files.js';
import { file, tarOf } from '../helpers/members.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const run = (sources: readonly string[], output: string, options: Partial<PackOptions> = {}): Promise<PackResult> =>
  pack({ sources, output: at(output), ...options }, testContext());
const caught = faultOf;

const old = (): Promise<string> =>
  saveFile(at('old-save.tar'), { 'app:1': ['base', 'lib', 'app-1'], 'tool:1': ['base', 'tool'] });
const fresh = (): Promise<string> =>
  saveFile(at('new-save.tar'), { 'app:2': ['base', 'lib', 'app-2'], 'tool:1': ['base', 'tool'] });

/** A bundle of the old images, one of the new, and the thin one between them. */
async function scene(): Promise<{ full: PackResult; thin: PackResult }> {
  await run([await old()], 'old.tar.zst');
  const full = await run([await fresh()], 'full.tar');
  const thin = await run([await fresh()], 'thin.tar', { base: [at('old.tar.zst')] });
  return { full, thin };
}

const blobsIn = async (name: string): Promise<number> =>
  (await membersOf(readFileSync(at(name)))).filter(
    ([member, bytes]) => member.startsWith('blobs/') && bytes.length >= 512,
  ).length;

describe('pack --base', () => {
  test('leaves out what the base has, and says so', async () => {
    const { full, thin } = await scene();
    expect((await blobsIn('full.tar')) - (await blobsIn('thin.tar'))).toBe(3);
    expect(thin.reliance?.layers).toHaveLength(3);
    expect(thin.reliance?.bases).toMatchObject([
      { kind: 'archive', names: ['docker.io/library/app:1', 'docker.io/library/tool:1'] },
    ]);
    expect(thin.totals.bytesUnique).toBe(full.totals.bytesUnique);
    expect(thin.totals.bytesToCopy).toBeLessThan(full.totals.bytesToCopy);
    expect(thin.notes.join('\n')).toContain("podman's own load takes a thin bundle of one name only, this one has 2");
  });

  test('with the base it is whole again, byte for byte', async () => {
    const { full } = await scene();
    const again = await run([at('thin.tar')], 'again.tar', { with: [at('old.tar.zst')] });
    expect(again.receipt?.tarDigest).toBe(full.receipt?.tarDigest);
    expect(readFileSync(at('again.tar'))).toEqual(readFileSync(at('full.tar')));
    expect(again.reliance).toBeUndefined();
  });

  test.each([
    ['a save', (): Promise<string> => old()],
    ['a folder', async (): Promise<string> => (await run([await old()], 'archive')).output],
    ['a bundle', async (): Promise<string> => (await run([await old()], 'old.tar')).output],
  ])('%s is a base, and makes it whole', async (_, make) => {
    const base = await make();
    await run([await fresh()], 'full.tar');
    const thin = await run([await fresh()], 'thin.tar', { base: [base] });
    expect(thin.reliance?.layers).toHaveLength(3);
    await run([at('thin.tar')], 'again.tar', { with: [base] });
    expect(readFileSync(at('again.tar'))).toEqual(readFileSync(at('full.tar')));
  });

  test('the same whatever the base is called, and whatever its compression', async () => {
    await run([await old()], 'one.tar');
    await run([await old()], 'two.tar.zst');
    const one = await run([await fresh()], 'a.tar', { base: [at('one.tar')] });
    const two = await run([await fresh()], 'b.tar', { base: [at('two.tar.zst')] });
    expect(one.receipt?.tarDigest).toBe(two.receipt?.tarDigest);
    expect(one.reliance?.bases[0]?.digest).toBe((await run([at('one.tar')], 'c.tar')).receipt?.lists);
  });

  test('a thin bundle is a base for all that it names: a chain of months', async () => {
    await scene();
    const next = await saveFile(at('next-save.tar'), { 'app:3': ['base', 'lib', 'app-3'] });
    const third = await run([next], 'third.tar', { base: [at('thin.tar')] });
    expect(third.reliance?.layers.map(({ diffId }) => diffId)).toHaveLength(2);
    expect(third.reliance?.bases[0]?.names).toEqual(['docker.io/library/app:2']);
  });

  test('nothing in common: a bundle like any other', async () => {
    const other = await saveFile(at('other.tar'), { 'db:1': ['db'] });
    const full = await run([await fresh()], 'full.tar');
    const result = await run([await fresh()], 'thin.tar', { base: [other] });
    expect(result.receipt?.tarDigest).toBe(full.receipt?.tarDigest);
  });

  test('an archive folder holds whole images only', async () => {
    expect(await caught(run([await fresh()], 'archive', { base: [await old()] }))).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('an OCI layout folder has all of its images'),
    });
  });

  test('the output is not the base', async () => {
    await run([await old()], 'old.tar');
    expect(await caught(run([await fresh()], 'old.tar', { base: [at('old.tar')] }))).toMatchObject({ code: 'USAGE' });
    expect(await caught(run([await fresh()], 'old.tar', { with: [at('old.tar')] }))).toMatchObject({ code: 'USAGE' });
  });

  test('a dry run tells what would be left out', async () => {
    const result = await run([await fresh()], 'thin.tar', { base: [await old()], dryRun: true });
    expect(result.reliance?.layers).toHaveLength(3);
  });
});

describe('a thin bundle', () => {
  test('that is packed again stays thin, and keeps to what it still holds', async () => {
    const { thin } = await scene();
    const copy = await run([at('thin.tar')], 'copy.tar');
    expect(copy.receipt?.tarDigest).toBe(thin.receipt?.tarDigest);
    const some = await run([at('thin.tar')], 'some.tar', { only: ['tool:1'] });
    expect(some.reliance?.layers).toHaveLength(2);
    expect(some.reliance?.bases).toHaveLength(1);
  });

  test('is listed and inspected with what it takes for granted', async () => {
    const { thin } = await scene();
    const listed = await list({ sources: [at('thin.tar')] }, testContext());
    expect(listed.faults).toEqual([]);
    expect(listed.reliance).toEqual(thin.reliance);
    const [app, tool] = listed.images.map(({ platforms }) => platforms[0]!);
    expect(tool?.reliedBytes).toBeGreaterThan(0);
    expect(app!.reliedBytes).toBeLessThan(app!.bytes);
    const shown = await inspect({ sources: [at('thin.tar')], name: 'app:2' }, testContext());
    const layers = shown.images[0]?.platforms[0]?.history.map(({ layer }) => layer?.relied);
    expect(layers).toEqual([true, true, undefined]);
    const whole = await list({ sources: [at('thin.tar')], with: [at('old.tar.zst')] }, testContext());
    expect(whole.reliance).toBeUndefined();
  });

  test('alone is verified as far as it goes; with its base, as a whole', async () => {
    const { thin, full } = await scene();
    const alone = await verify({ sources: [at('thin.tar')] }, testContext());
    expect(alone).toMatchObject({ faults: [], layers: 1 });
    expect(alone.reliance).toEqual(thin.reliance);
    expect(alone.fingerprints).toEqual([{ source: at('thin.tar'), fingerprint: fingerprintOf(thin.receipt!.lists!) }]);
    const both = await verify({ sources: [at('thin.tar')], with: [at('old.tar.zst')] }, testContext());
    expect(both).toMatchObject({ faults: [], layers: full.totals.uniqueLayers });
    expect(both.reliance).toBeUndefined();
  });

  test('with what has more than it leaves out: nothing else comes from there', async () => {
    const blobs = new Blobs();
    const app = (n: number): Descriptor =>
      blobs.index(
        ['amd64', 'arm64'].map((architecture) => {
          const { root } = blobs.image({
            layers: [`base ${architecture}`, `app ${String(n)}`],
            platform: { architecture },
          });
          return forPlatform(root, 'linux', architecture);
        }),
      );
    const names = ['docker.io/library/app:1', 'docker.io/library/app:2'];
    const [one, two] = [app(1), app(2)];
    put(at('old-save.tar'), await tarOf(blobs.layout([named(one, names[0]!)])));
    put(at('new-save.tar'), await tarOf(blobs.layout([named(one, names[0]!), named(two, names[1]!)])));
    const platforms = ['linux/amd64'];
    await run([at('new-save.tar')], 'full.tar', { platforms });
    await run([at('new-save.tar')], 'thin.tar', { platforms, base: [at('old-save.tar')] });
    await run([at('thin.tar')], 'again.tar', { with: [at('old-save.tar')] });
    expect(readFileSync(at('again.tar'))).toEqual(readFileSync(at('full.tar')));
  });

  test('with a base that is damaged: that is what is named', async () => {
    await scene();
    await run([at('old.tar.zst')], 'bad.tar');
    const members = await membersOf(readFileSync(at('bad.tar')));
    const spoilt = members.map(([name, bytes]) =>
      file(name, name.startsWith('blobs/') && bytes.length >= 512 ? Buffer.alloc(bytes.length) : bytes),
    );
    put(at('bad.tar'), await tarOf(spoilt));
    const { faults } = await verify({ sources: [at('thin.tar')], with: [at('bad.tar')] }, testContext());
    expect(faults).toHaveLength(3);
    for (const { message } of faults) expect(message).toContain(`${at('bad.tar')}: sha256:`);
  });

  test('with something that is not its base: 6, with what is lacking', async () => {
    await scene();
    const other = await saveFile(at('other.tar'), { 'app:0': ['base', 'something'] });
    const { faults } = await verify({ sources: [at('thin.tar')], with: [other] }, testContext());
    expect(faults).toMatchObject([{ code: 'BASE_MISSING', images: ['app:2', 'tool:1'] }]);
    expect(faults[0]?.message).toMatch(
      /other\.tar lacks 2 layers that the thin bundle leaves out: app:2: 1 layer \(.*\); tool:1: 1 layer/,
    );
    expect(faults[0]?.hint).toMatch(
      /^They are in the base [0-9a-f]{4}( [0-9a-f]{4}){4} \(app:1, tool:1\): load that first, or name a copy/,
    );
    expect(await caught(run([at('thin.tar')], 'full-2.tar', { with: [other] }))).toMatchObject({
      code: 'BASE_MISSING',
    });
  });

  test('goes into an archive that has the rest, and into no other', async () => {
    const { full } = await scene();
    expect(await caught(run([at('thin.tar')], 'empty'))).toMatchObject({ code: 'BASE_MISSING' });
    await run([at('old.tar.zst')], 'archive');
    await run([at('thin.tar')], 'archive');
    expect(await verify({ sources: [at('archive')] }, testContext())).toMatchObject({ faults: [] });
    const back = await run([at('archive')], 'back.tar', { only: ['app:2', 'tool:1'] });
    expect(back.receipt?.tarDigest).toBe(full.receipt?.tarDigest);
  });

  test('--layers plain needs what it leaves out', async () => {
    await run([await saveFile(at('gz.tar'), { 'app:1': ['base', 'one'] }, { oci: true })], 'old.tar');
    const thin = await run([at('old.tar')], 'thin.tar', { base: [at('old.tar')] });
    expect(thin.reliance?.layers).toHaveLength(2);
    expect((await run([at('thin.tar')], 'plain.tar', { layers: 'plain' })).reliance?.layers).toHaveLength(2);
  });

  test('one layer more gone than it says: damaged', async () => {
    await scene();
    const members = await membersOf(readFileSync(at('thin.tar')));
    const lost = members.find(([name, bytes]) => name.startsWith('blobs/') && bytes.length >= 512);
    const rest = members.filter((member) => member !== lost);
    put(at('cut.tar'), await tarOf(rest.map(([name, bytes]) => file(name, bytes))));
    for (const more of [{}, { with: [at('full.tar')] }]) {
      const { faults } = await verify({ sources: [at('cut.tar')], ...more }, testContext());
      expect(faults).toMatchObject([{ code: 'BLOB_MISSING' }]);
    }
  });

  const withAnnotation = async (change: (value: string) => string): Promise<string> => {
    await scene();
    const members = await membersOf(readFileSync(at('thin.tar')));
    const changed = members.map(([name, bytes]) => {
      if (name !== 'index.json') return file(name, bytes);
      const index = JSON.parse(bytes.toString()) as { annotations: Record<string, string> };
      index.annotations[RELIANCE_ANNOTATION] = change(index.annotations[RELIANCE_ANNOTATION]!);
      return file(name, JSON.stringify(index));
    });
    return put(at('odd.tar'), await tarOf(changed));
  };

  test('what nobody needs is not assumed, and sizes are those of the images', async () => {
    const odd = await withAnnotation((value) => {
      const { bases, layers } = JSON.parse(value) as Reliance;
      const more = { digest: digestOf('nobody'), size: 9e15, diffId: digestOf('nobody'), bases: [0] };
      return JSON.stringify({ bases, layers: [...layers.map((layer) => ({ ...layer, size: 1 })), more] });
    });
    const real = await list({ sources: [at('thin.tar')] }, testContext());
    expect((await list({ sources: [odd] }, testContext())).reliance).toEqual(real.reliance);
    const whole = await verify({ sources: [odd], with: [at('old.tar.zst')] }, testContext());
    expect(whole).toMatchObject({ faults: [] });
    expect(whole.reliance).toBeUndefined();
    const some = await list({ sources: [odd], only: ['tool:1'] }, testContext());
    expect(some.reliance?.layers).toHaveLength(2);
  });

  test.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['no bases', '{"layers":[]}'],
    ['an unknown kind', `{"bases":[{"digest":"${digestOf('x')}","kind":"disk","names":[]}],"layers":[]}`],
    ['a bad name', `{"bases":[{"digest":"${digestOf('x')}","kind":"archive","names":["A B"]}],"layers":[]}`],
    ['a bad digest', '{"bases":[],"layers":[{"digest":"sha256:12","size":1,"diffId":"x","bases":[]}]}'],
    [
      'a negative size',
      `{"bases":[],"layers":[{"digest":"${digestOf('x')}","size":-1,"diffId":"${digestOf('x')}","bases":[]}]}`,
    ],
    [
      'a layer that no base has',
      `{"bases":[],"layers":[{"digest":"${digestOf('x')}","size":1,"diffId":"${digestOf('x')}","bases":[]}]}`,
    ],
    [
      'a base that is not there',
      `{"bases":[],"layers":[{"digest":"${digestOf('x')}","size":1,"diffId":"${digestOf('x')}","bases":[0]}]}`,
    ],
  ])('%s in the annotation: refused', async (_, value) => {
    await withAnnotation(() => value);
    expect(await caught(list({ sources: [at('odd.tar')] }, testContext()))).toMatchObject({ code: 'BAD_ARCHIVE' });
  });
});
