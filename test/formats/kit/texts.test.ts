import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { bundleFiles, type KitFacts } from '../../../src/formats/kit/facts.js';
import { checkKitName, type KitFile, kitFiles } from '../../../src/formats/kit/index.js';
import { kitNotes } from '../../../src/formats/kit/notes.js';
import { fingerprintOf } from '../../../src/model/fingerprint.js';
import { digestOf } from '../../../src/primitives/digest.js';
import { Blobs, forPlatform, named } from '../../helpers/blobs.js';
import { imagesOf } from '../../helpers/bundles.js';
import { programPath } from '../../helpers/kits.js';
import { useTempFolder } from '../../helpers/temp-folder.js';

const temp = useTempFolder();
const name = (text: string): string => `docker.io/library/${text}`;
const of = (digest: string): string => digest.slice('sha256:'.length);

const blobs = new Blobs();
const app = blobs.image({ layers: ['bottom', 'middle', 'app'] });
const arm = blobs.image({ layers: ['arm'], platform: { architecture: 'arm64', variant: 'v8' } });
const amd = blobs.image({ layers: ['amd'] });
const multi = blobs.index([forPlatform(arm.root, 'linux', 'arm64', 'v8'), forPlatform(amd.root, 'linux', 'amd64')]);
const chart = blobs.artifact('chart').root;
const lists = digestOf('lists');
let facts: KitFacts;
let thin: KitFacts;

beforeAll(async () => {
  const records = [
    { name: name('app:1'), root: app.root },
    { name: name('multi:1'), root: multi },
    { name: undefined, root: amd.root },
    { name: name('chart:1'), root: chart },
  ];
  facts = {
    bundle: 'release.tar.zst',
    format: 'tar.zst',
    files: [
      { name: 'release.tar.zst.001', size: 5, sha256: digestOf('one') },
      { name: 'release.tar.zst-001.json', size: 3, sha256: digestOf('{}') },
    ],
    images: await imagesOf(blobs.source(records)),
    platforms: [],
    reliance: undefined,
    lists,
    tarDigest: digestOf('tar'),
  };
  thin = {
    ...facts,
    reliance: {
      bases: [{ digest: digestOf('base'), kind: 'archive', names: [name('base:1')] }],
      layers: app.layers.slice(0, 2).map(({ digest, size }) => ({ digest, size, diffId: digest, bases: [0] })),
    },
  };
});

const textOf = (files: readonly KitFile[], file: string): string =>
  files.find((one) => one.name === file)?.text ?? `no ${file}`;

test('the files: checksums last, over all the others; the same facts, the same files', async () => {
  const files = await kitFiles(facts);
  expect(files.map((file) => file.name)).toEqual([
    'load.sh',
    'kit.txt',
    'parts.txt',
    'bundle.json',
    'README.txt',
    'SHA256SUMS',
  ]);
  expect(await kitFiles(facts)).toEqual(files);
  const own = files.slice(0, -1).map(({ name: file, text }) => `${of(digestOf(text))}  ${file}`);
  const bundle = facts.files.map(({ name: file, sha256 }) => `${of(sha256)}  ${file}`);
  const lines = textOf(files, 'SHA256SUMS').split('\n');
  expect(lines.pop()).toBe('');
  expect(lines).toEqual([...own, ...bundle].sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)));
});

test('what load.sh reads', async () => {
  const layers = app.layers.map(({ digest }) => digest);
  expect(textOf(await kitFiles(thin), 'kit.txt').split('\n')).toEqual([
    'kit 1',
    'bundle release.tar.zst',
    'format tar.zst',
    'thin yes',
    `lists ${lists}`,
    `fingerprint ${fingerprintOf(lists)}`,
    expect.stringMatching(/^bytes [0-9]+$/),
    'file release.tar.zst.001',
    `base 0 the base ${fingerprintOf(digestOf('base'))} (base:1)`,
    `image 0 ${name('app:1')} app:1 ${app.root.digest} ${String(app.root.size + app.config.size + 'app'.length)}`,
    `platform 0 linux/amd64 ${app.config.digest} ${layers.join(',')} ${layers.slice(0, 2).join(',')} ${layers.slice(0, 2).join(',')} 0`,
    expect.stringContaining(`image 1 ${name('multi:1')} multi:1 ${multi.digest}`),
    `platform 1 linux/amd64 ${amd.config.digest} ${amd.layers[0]!.digest} - - -`,
    `platform 1 linux/arm64/v8 ${arm.config.digest} ${arm.layers[0]!.digest} - - -`,
    expect.stringContaining(`image 2 - ${of(amd.root.digest).slice(0, 12)} ${amd.root.digest}`),
    expect.stringContaining('platform 2 linux/amd64'),
    expect.stringContaining(`artifact 3 chart:1 ${chart.digest}`),
    '',
  ]);
});

test('what an archive of one image takes: not what is left out', async () => {
  const lines = textOf(await kitFiles(thin), 'parts.txt').split('\n');
  expect(lines.map((line) => line.split(' ', 2).join(' '))).toEqual(
    ['0', '1', '2'].flatMap((n) => [`index ${n}`, `manifest ${n}`, `blobs ${n}`]).concat(''),
  );
  const { digest, mediaType, annotations } = named(app.root, name('app:1'));
  expect(JSON.parse(lines[0]!.slice('index 0 '.length))).toMatchObject({
    manifests: [{ digest, mediaType, annotations }],
  });
  const blob = (one: { digest: string }): string => `blobs/sha256/${of(one.digest)}`;
  expect(JSON.parse(lines[1]!.slice('manifest 0 '.length))).toEqual([
    { Config: blob(app.config), RepoTags: [name('app:1')], Layers: app.layers.map(blob) },
  ]);
  expect(lines[2]!.split(' ').slice(2)).toEqual([app.root, app.config, app.layers[2]!].map(blob).sort());
});

test('the statement', async () => {
  const text = textOf(await kitFiles(thin), 'bundle.json');
  expect(text.endsWith('}\n')).toBe(true);
  expect(JSON.parse(text)).toMatchObject({
    schema: 'image-ferry.statement/1',
    bundle: 'release.tar.zst',
    tar: digestOf('tar'),
    lists,
    fingerprint: fingerprintOf(lists),
    bases: [{ digest: digestOf('base'), fingerprint: fingerprintOf(digestOf('base')), names: [name('base:1')] }],
    images: [
      { name: name('app:1'), digest: app.root.digest, platforms: [{ imageId: app.config.digest }] },
      { name: name('multi:1'), digest: multi.digest },
      { digest: amd.root.digest },
      { name: name('chart:1'), digest: chart.digest, platforms: [] },
    ],
    files: facts.files.map((file) => ({ ...file })),
  });
});

describe('the page for people', () => {
  test('one page, in lines that any window shows', async () => {
    for (const some of [facts, thin]) {
      const lines = textOf(await kitFiles(some), 'README.txt').split('\r\n');
      expect(lines.length).toBeLessThanOrEqual(60);
      expect(lines.filter((line) => line.length > 78 || /[^ -~]/.test(line))).toEqual([]);
      const [id, manifest] = [app.config, app.root].map(({ digest }) => of(digest).slice(0, 12));
      for (const word of [fingerprintOf(lists), `  ${id!}  ${manifest!}  `, 'multi:1', 'sh load.sh'])
        expect(lines.join('\n')).toContain(word);
    }
    expect(textOf(await kitFiles(thin), 'README.txt')).toContain(fingerprintOf(digestOf('base')));
    expect(textOf(await kitFiles(facts), 'README.txt')).not.toContain('thin:');
  });

  test('of twelve images a page, of fifty a line each; long names are wrapped', async () => {
    const readme = async (count: number, text: string): Promise<string[]> => {
      const [image] = facts.images;
      const images = Array.from({ length: count }, (_, i) => ({ ...image!, name: name(`${text}:${String(i)}`) }));
      const { bases } = thin.reliance!;
      const reliance = { ...thin.reliance!, bases: bases.map((one) => ({ ...one, names: images.map((x) => x.name) })) };
      return textOf(await kitFiles({ ...thin, images, reliance }), 'README.txt').split('\r\n');
    };
    expect((await readme(12, 'team/app')).length).toBeLessThanOrEqual(60 + 1);
    expect((await readme(50, 'team/app')).length).toBeLessThanOrEqual(60 + 1 + 38);
    const long = `a.registry.with.a.long.name/of/a/team/${'x'.repeat(120)}`;
    expect((await readme(12, long)).filter((line) => line.length > 78)).toEqual([]);
  });

  test('the command that loads by hand is one for this bundle', async () => {
    const load = async (some: KitFacts): Promise<string> =>
      / {6}cat .*load.*/.exec(textOf(await kitFiles(some), 'README.txt'))?.[0].trim() ?? '';
    const files = [{ ...facts.files[0]!, name: 'r.tar.gz' }];
    expect(await load(facts)).toBe('cat release.tar.zst.* | zstd -dc | docker load   # or podman load');
    expect(await load({ ...facts, bundle: 'r.tar.gz', format: 'tar.gz', files })).toBe(
      'cat r.tar.gz | gzip -dc | docker load   # or podman load',
    );
    expect(await load({ ...thin, bundle: 'r.tar', format: 'tar' })).toBe('cat r.tar.* | docker load');
  });

  test('its commands take a name with blanks and quotes', async () => {
    const odd = "it's a.tar.gz";
    const files = [{ ...facts.files[0]!, name: odd }];
    const text = textOf(await kitFiles({ ...facts, bundle: odd, format: 'tar.gz', files }), 'README.txt');
    expect(text).toContain(`cat 'it'\\''s a.tar.gz' | gzip -dc |`);
  });
});

test('stock sha256sum checks a kit', async () => {
  for (const { name: file, text } of await kitFiles(facts)) writeFileSync(temp(file), text);
  writeFileSync(temp('release.tar.zst.001'), 'one');
  writeFileSync(temp('release.tar.zst-001.json'), '{}');
  const said = execFileSync(programPath('sha256sum'), ['-c', 'SHA256SUMS'], { cwd: temp(), encoding: 'utf8' });
  expect(said.match(/: OK$/gm)).toHaveLength(7);
});

test('load.sh is the file in the source tree, with line ends of sh', async () => {
  const text = textOf(await kitFiles(facts), 'load.sh');
  expect(text).toBe(readFileSync('src/formats/kit/load.sh', 'utf8'));
  expect(text).not.toContain('\r');
});

test('which files are the bundle', () => {
  const files = ['a.tar', 'a.tar.001', 'a.tar-001.json', 'a.tar.gz'].map((file) => ({
    ...facts.files[0]!,
    name: file,
  }));
  expect(bundleFiles({ bundle: 'a.tar', files }).map((file) => file.name)).toEqual(['a.tar', 'a.tar.001']);
});

test('names that a kit cannot have', () => {
  for (const bad of ['a:b.tar', 'NUL.tar', ' a.tar', '-a.tar', 'README.TXT', 'a.tar.', 'a\\b.tar', ''])
    expect(() => {
      checkKitName(bad);
    }).toThrow(/this name/);
  for (const good of ['release.tar.zst', 'Größe 2.tar', 'a']) checkKitName(good);
});

test('what is said when it is packed', () => {
  expect(kitNotes(facts)).toEqual([expect.stringContaining('--format tar.gz')]);
  expect(kitNotes({ ...facts, format: 'tar.gz' })).toEqual([]);
  expect(kitNotes(thin, ['podman'])).toEqual([expect.stringContaining('load.sh needs tar, zstd and')]);
  expect(kitNotes(thin, ['containerd'])).toEqual([]);
  expect(kitNotes({ ...thin, images: thin.images.slice(0, 1) }, ['podman'])).toEqual([]);
});
