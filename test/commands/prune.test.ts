import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { prune } from '../../src/commands/prune.js';
import { type PruneOptions } from '../../src/commands/options.js';
import { type PruneResult, type VerifyResult } from '../../src/commands/results.js';
import { verify } from '../../src/commands/verify.js';
import { type Descriptor } from '../../src/model/descriptor.js';
import { hexOf } from '../../src/primitives/digest.js';
import { idOf } from '../../src/primitives/process-id.js';
import { faultOf } from '../codecs/helpers.js';
import { Blobs, forPlatform, type MadeImage, named } from '../helpers/blobs.js';
import { testContext } from '../helpers/context.js';
import { layoutFolder } from '../helpers/layout-folder.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const run = (options: Partial<PruneOptions>): Promise<PruneResult> =>
  prune({ archive: at('a'), ...options }, testContext());
const check = (archive = at('a')): Promise<VerifyResult> => verify({ sources: [archive] }, testContext());
const short = (name: string | undefined): string => name?.replace('docker.io/library/', '') ?? '(none)';
const gone = ({ dropped }: PruneResult): string[] => dropped.map(({ name }) => short(name));
const indexOf = (archive = at('a')): { manifests: Descriptor[]; annotations?: object } & Record<string, unknown> =>
  JSON.parse(readFileSync(`${archive}/index.json`, 'utf8')) as never;
/** Every file of an archive with its contents, but for when they were written. */
const contents = (archive: string): [string, string][] =>
  readdirSync(archive, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(`${archive}/${name}`).isFile())
    .sort()
    .map((name) => [name, readFileSync(`${archive}/${name}`, 'latin1')]);

const dated = (blobs: Blobs, seed: string, created: string): MadeImage =>
  blobs.image({ layers: ['base', seed], config: { created } });

/** app 1.0 to 1.3, one a year. */
function releases(): { blobs: Blobs; images: MadeImage[]; entries: Descriptor[] } {
  const blobs = new Blobs();
  const images = [0, 1, 2, 3].map((n) => dated(blobs, `app ${String(n)}`, `202${String(n)}-05-01T00:00:00Z`));
  return { blobs, images, entries: images.map(({ root }, n) => named(root, `docker.io/library/app:1.${String(n)}`)) };
}

describe('an archive', () => {
  test('loses names by rule, then what no name leads to; the rest verifies, a second run has nothing to do', async () => {
    const { blobs, entries, images } = releases();
    layoutFolder(at('a'), blobs, entries);
    put(at('a/blobs/sha256', `${'0'.repeat(64)}.${idOf(99_999_999)}.part`), 'half');
    const before = contents(at('a'));
    const planned = await run({ keepLast: 1, keep: ['app:1.0'], dryRun: true });
    expect(contents(at('a'))).toEqual(before);
    expect(gone(planned)).toEqual(['app:1.1', 'app:1.2']);
    expect(planned.dropped[0]).toMatchObject({
      created: '2021-05-01T00:00:00.000Z',
      why: 'older than the newest 1 of app',
    });
    expect(planned.kept.map(({ name, by }) => [short(name), by])).toEqual([
      ['app:1.0', ['name']],
      ['app:1.3', ['last']],
    ]);
    const done = await run({ keepLast: 1, keep: ['app:1.0'] });
    expect(done).toEqual({ ...planned, dryRun: false });
    expect(done.removed).toMatchObject({ blobs: 6, parts: 1, partBytes: 4 });
    expect(readdirSync(at('a/blobs/sha256')).sort()).toEqual(
      [images[0]!, images[3]!]
        .flatMap(({ root, config, layers }) => [root, config, ...layers])
        .map(({ digest }) => hexOf(digest))
        .filter((hex, i, all) => all.indexOf(hex) === i)
        .sort(),
    );
    expect(await check()).toMatchObject({ faults: [], images: 2, blobs: done.left.blobs });
    const after = contents(at('a'));
    expect(await run({ keepLast: 1, keep: ['app:1.0'] })).toMatchObject({
      dropped: [],
      removed: { blobs: 0, parts: 0 },
    });
    expect(contents(at('a'))).toEqual(after);
  });

  test('keeps what other tools wrote into its index', async () => {
    const { blobs, entries } = releases();
    const foreign = { ...entries[3]!, urls: ['u'], platform: { os: 'linux', architecture: 'amd64' } };
    const fields = { annotations: { 'x.y': 'z' }, unknown: [1] };
    layoutFolder(at('a'), blobs, [entries[0]!, foreign], fields);
    await run({ keepLast: 1 });
    expect(indexOf()).toMatchObject({ ...fields, schemaVersion: 2, manifests: [foreign] });
  });

  test('is not touched beyond blobs: other files and links stay', async () => {
    const { blobs, entries } = releases();
    layoutFolder(at('a'), blobs, entries);
    put(at('a/README.md'), 'mine');
    put(at('a/blobs/sha256/notes'), 'mine');
    put(at('a/blobs/sha256/upload.part'), 'of another tool');
    mkdirSync(at('a/blobs/sha512'));
    put(at('a/blobs/sha512', 'f'.repeat(128)), 'x');
    symlinkSync('notes', at('a/blobs/sha256', 'e'.repeat(64)));
    await run({ keepLast: 1 });
    expect(readdirSync(at('a')).sort()).toEqual(['README.md', 'blobs', 'index.json', 'oci-layout']);
    expect(readdirSync(at('a/blobs/sha256'))).toEqual(expect.arrayContaining(['notes', 'upload.part', 'e'.repeat(64)]));
    expect(readdirSync(at('a/blobs/sha512'))).toHaveLength(1);
  });

  test('has undated images in order of their tags', async () => {
    const blobs = new Blobs();
    const tags = ['1.10', '1.9', '1.2'];
    const entries = tags.map((tag) => named(dated(blobs, tag, '1970-01-01T00:00:00Z').root, `app:${tag}`));
    layoutFolder(at('a'), blobs, entries);
    const result = await run({ keepLast: 1, keepWithinHours: 1, dryRun: true });
    expect(result).toMatchObject({ dropped: [], notes: [expect.stringContaining('3 without a date of their own')] });
    expect(gone(await run({ keepLast: 1 }))).toEqual(['app:1.9', 'app:1.2']);
  });

  test('keeps signatures with their image, and drops them with it', async () => {
    const { blobs, images, entries } = releases();
    const [first, last] = [images[0]!.root, images[3]!.root];
    const signature = (subject: Descriptor): Descriptor => blobs.artifact(`of ${subject.digest}`, { subject }).root;
    const [old, current] = [signature(first), signature(last)];
    const tagged = named(blobs.artifact('tagged').root, `docker.io/library/app:sha256-${hexOf(first.digest)}.sig`);
    layoutFolder(at('a'), blobs, [entries[0]!, entries[3]!, old, current, tagged]);
    const result = await run({ keepLast: 1 });
    expect(result.dropped.map(({ name, why }) => [short(name), why])).toEqual([
      ['app:1.0', 'older than the newest 1 of app'],
      ['(none)', 'about app:1.0, which goes'],
      [`app:sha256-${hexOf(first.digest)}.sig`, 'about app:1.0, which goes'],
    ]);
    expect(indexOf().manifests.map(({ digest }) => digest)).toEqual([last.digest, current.digest]);
    expect((await check()).faults).toEqual([]);
  });

  test('keeps what has no name, and what unknown documents mention', async () => {
    const { blobs, images, entries } = releases();
    const layer = blobs.put('application/x', 'mentioned only');
    const opaque = blobs.put('application/vnd.unknown+json', { of: [layer.digest, images[1]!.root.digest] });
    layoutFolder(at('a'), blobs, [entries[1]!, entries[3]!, images[0]!.root, opaque]);
    const result = await run({ keepLast: 1 });
    expect(gone(result)).toEqual(['app:1.1']);
    const below = [images[1]!.config, ...images[1]!.layers].map(({ digest }) => hexOf(digest));
    expect(readdirSync(at('a/blobs/sha256'))).toEqual(expect.arrayContaining(below));
    expect(result.notes).toEqual(['2 without a name stay: no rule speaks of them']);
    expect(readdirSync(at('a/blobs/sha256'))).toContain(hexOf(layer.digest));
  });

  // Its manifest is there and shares a layer with what goes: left over it would look like a platform that lost layers.
  test('with an index of which a platform was left out stays whole when what it shares goes', async () => {
    const blobs = new Blobs();
    const [amd, arm] = [blobs.image({ layers: ['amd'] }), blobs.image({ layers: ['shared', 'arm'] })];
    const other = blobs.image({ layers: ['shared', 'other'] });
    const index = blobs.index([forPlatform(amd.root, 'linux', 'amd64'), forPlatform(arm.root, 'linux', 'arm64')]);
    blobs.drop(arm.config, arm.layers[1]!);
    layoutFolder(at('a'), blobs, [named(index, 'multi:1'), named(other.root, 'other:1')]);
    expect((await check()).faults).toEqual([]);
    await run({ keep: ['multi'] });
    expect(await check()).toMatchObject({ faults: [], images: 1 });
    expect(readdirSync(at('a/blobs/sha256'))).not.toContain(hexOf(arm.root.digest));
  });

  test('of another tool, with bare tags and an index in its index, is pruned as any', async () => {
    const { blobs, images } = releases();
    const bare = ({ root }: MadeImage, tag: string): Descriptor => ({
      ...root,
      annotations: { 'org.opencontainers.image.ref.name': tag },
    });
    const multi = blobs.index([forPlatform(images[2]!.root, 'linux', 'amd64')]);
    const index = { root: blobs.index([multi]), config: multi, layers: [] };
    layoutFolder(at('a'), blobs, [bare(images[0]!, '1.0'), bare(images[1]!, '1.1'), bare(index, '1.2')]);
    const result = await run({ keepLast: 1 });
    expect(result.dropped.map(({ name, why }) => [name, why])).toEqual([
      ['localhost/a:1.0', 'older than the newest 1 of localhost/a'],
      ['localhost/a:1.1', 'older than the newest 1 of localhost/a'],
    ]);
    expect(await check()).toMatchObject({ faults: [], images: 1, blobs: result.left.blobs });
  });

  test('says of a word of --keep that it keeps nothing', async () => {
    const { blobs, entries } = releases();
    layoutFolder(at('a'), blobs, entries);
    expect((await run({ keepLast: 9, keep: ['ap:*'] })).notes).toEqual(['--keep ap:*: nothing is called so']);
  });
});

describe('nothing is removed', () => {
  const everything = { keep: ['nothing'] };
  const refusal = async (options: Partial<PruneOptions> = everything): Promise<unknown> => {
    const before = contents(at());
    const fault = await faultOf(run(options));
    expect(contents(at())).toEqual(before);
    return fault;
  };

  test('without a rule', async () => {
    const { blobs, entries } = releases();
    layoutFolder(at('a'), blobs, entries);
    expect(await refusal({})).toMatchObject({ code: 'USAGE', hint: expect.stringContaining('--keep-last') });
  });

  test.each([{}, { dryRun: true }])('when no name would stay: %j', async (options) => {
    const { blobs, images, entries } = releases();
    layoutFolder(at('a'), blobs, [...entries, images[0]!.root]);
    expect(await refusal({ keep: ['ap:*'], ...options })).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('of its 4 names these rules keep none'),
    });
  });

  test.each([
    ['a manifest', (blobs: Blobs, image: MadeImage) => blobs.drop(image.root), 'BLOB_MISSING'],
    ['a layer', (blobs: Blobs, image: MadeImage) => blobs.drop(image.layers[1]!), 'BLOB_MISSING'],
    ['a whole config', (blobs: Blobs, image: MadeImage) => blobs.damage(image.config), 'BLOB_CORRUPT'],
  ])('of an archive where an image lacks %s', async (_, breakIt, code) => {
    const { blobs, images, entries } = releases();
    breakIt(blobs, images[0]!);
    layoutFolder(at('a'), blobs, entries);
    expect(await refusal()).toMatchObject({ code, hint: expect.stringContaining('Nothing was removed') });
  });

  test.each([
    ['cut off', '{"manifests": ['],
    ['no index', '{"manifests": {}}'],
    ['with an entry that is none', '{"manifests": [7]}'],
    [
      'with a digest of another kind',
      `{"manifests": [{"mediaType": "", "size": 1, "digest": "sha512:${'0'.repeat(128)}"}]}`,
    ],
    ['with a name that is none', JSON.stringify({ manifests: [named(releases().images[0]!.root, 'No Name')] })],
  ])('when index.json is %s', async (_, text) => {
    const { blobs, entries } = releases();
    layoutFolder(at('a'), blobs, entries);
    put(at('a/index.json'), text);
    expect(await refusal()).toMatchObject({ code: 'BAD_ARCHIVE' });
  });

  test('when index.json is not there, or is a pipe', async () => {
    const { blobs, entries } = releases();
    layoutFolder(at('a'), blobs, entries);
    rmSync(at('a/index.json'));
    expect(await refusal()).toMatchObject({ code: 'BAD_ARCHIVE' });
    execFileSync('mkfifo', [at('a/index.json')]);
    expect(await refusal()).toMatchObject({ code: 'BAD_ARCHIVE', message: expect.stringContaining('no regular file') });
  });

  test('of what is no archive', async () => {
    put(at('a.tar'), 'x');
    mkdirSync(at('empty'));
    expect(await refusal({ archive: at('a.tar'), ...everything })).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('it is a file'),
    });
    expect(await refusal({ archive: at('empty'), ...everything })).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('no OCI image layout'),
    });
    expect(await refusal({ archive: at('none'), ...everything })).toMatchObject({ code: 'NOT_FOUND' });
  });

  test.each(['manifest.json', 'repositories'])('of an unpacked docker save, with %s', async (name) => {
    const { blobs, entries } = releases();
    layoutFolder(at('a'), blobs, entries);
    put(at('a', name), '[]');
    expect(await refusal()).toMatchObject({ code: 'USAGE', message: expect.stringContaining(name) });
  });

  test('where blobs are shared with other layouts through a link', async () => {
    const { blobs, entries } = releases();
    layoutFolder(at('a'), blobs, entries);
    renameSync(at('a/blobs'), at('shared'));
    symlinkSync(at('shared'), at('a/blobs'));
    expect(await refusal()).toMatchObject({ code: 'USAGE', message: expect.stringContaining('leads out') });
  });

  test('while another process writes there; a dry run needs no lock', async () => {
    const { blobs, entries } = releases();
    layoutFolder(at('a'), blobs, entries);
    put(at('a/.ferry.lock'), idOf(process.ppid));
    expect(await refusal()).toMatchObject({ code: 'LOCKED' });
    expect(gone(await run({ keepLast: 3, dryRun: true }))).toEqual(['app:1.0']);
  });
});
