import { describe, expect, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { list } from '../../src/commands/list.js';
import { type Context, type PackOptions } from '../../src/commands/options.js';
import { pack } from '../../src/commands/pack.js';
import { type PackResult } from '../../src/commands/results.js';
import { verify } from '../../src/commands/verify.js';
import { type Inventory } from '../../src/model/inventory.js';
import { inventoryJson } from '../../src/model/inventory.js';
import { digestOf, hexOf } from '../../src/primitives/digest.js';
import { idOf } from '../../src/primitives/process-id.js';
import { faultOf, noise } from '../codecs/helpers.js';
import { testContext } from '../helpers/context.js';
import { saveFile } from '../helpers/files.js';
import { dockerArchive } from '../helpers/image-archives.js';
import { layerTar, tarOf } from '../helpers/members.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const MiB = 1024 * 1024;
const run = (
  sources: readonly string[],
  output: string,
  options: Partial<PackOptions> = {},
  context: Context = testContext(),
): Promise<PackResult> => pack({ sources, output: at(output), ...options }, context);
const small = (): Promise<string> => saveFile(at('small.tar'), { 'app:1': ['base', 'app'], 'db:1': ['base', 'db'] });

/** An image that no compression makes smaller than a few volumes. */
async function large(bytes = 2 * MiB + 12_345): Promise<string> {
  const layers = [noise(bytes).toString('latin1'), 'top'];
  const tars = await Promise.all(layers.map((text, i) => layerTar({ [`f${String(i)}`]: text })));
  return put(at('large.tar'), await tarOf(dockerArchive([{ tags: ['app:1'], layers: tars }])));
}

const volumesIn = (folder: string): string[] =>
  readdirSync(at(folder))
    .filter((name) => /\.\d{3}$/.test(name))
    .sort();
const joined = (folder: string): string =>
  digestOf(Buffer.concat(volumesIn(folder).map((name) => readFileSync(at(folder, name)))));
const digestAt = (name: string): string => digestOf(readFileSync(at(name)));

describe('pack --volume-size', () => {
  test('the volumes joined are the bundle; each reader takes the first, or the folder', async () => {
    const source = await large();
    const whole = await run([source], 'whole.tar.zst');
    mkdirSync(at('stick'));
    const cut = await run([source], 'stick/release.tar.zst', { volumeBytes: MiB });
    expect(volumesIn('stick').length).toBeGreaterThan(2);
    expect(joined('stick')).toBe(digestAt('whole.tar.zst'));
    expect(cut.receipt).toMatchObject({ tarDigest: whole.receipt?.tarDigest, fileSize: whole.receipt?.fileSize });
    expect(cut.files?.map(({ name }) => name)).toEqual(volumesIn('stick'));
    for (const word of [at('stick'), at('stick/release.tar.zst.001')]) {
      expect(await verify({ sources: [word] }, testContext())).toMatchObject({ images: 1, faults: [] });
    }
    await run([at('stick')], 'again.tar.zst');
    expect(digestAt('again.tar.zst')).toBe(digestAt('whole.tar.zst'));
  });

  test('an interrupted run goes on with --resume; what is whole is not written again', async () => {
    const source = await large(6 * MiB);
    await run([source], 'whole.tar');
    mkdirSync(at('stick'));
    const abort = new AbortController();
    const emit: Context['emit'] = () => {
      if (existsSync(at('stick/release.tar-001.json'))) abort.abort(new Error('enough'));
    };
    const options = { volumeBytes: MiB };
    await expect(run([source], 'stick/release.tar', options, { ...testContext(abort.signal), emit })).rejects.toThrow();
    expect(readdirSync(at('stick')).filter((name) => name.includes('.part'))).toEqual([]);
    expect(await faultOf(run([source], 'stick/release.tar', options))).toMatchObject({ code: 'USAGE' });
    await run([source], 'stick/release.tar', { ...options, resume: true });
    expect(joined('stick')).toBe(digestAt('whole.tar'));
    expect(await faultOf(run([source], 'stick/release.tar', { volumeBytes: 2 * MiB, resume: true }))).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('volume size'),
    });
  });

  test('--pause asks for each further medium', async () => {
    const asked: string[] = [];
    mkdirSync(at('stick'));
    const ask = {
      line: (question: string): Promise<string> => {
        asked.push(question);
        // Another stick, at the same place.
        for (const name of readdirSync(at('stick'))) rmSync(at('stick', name));
        return Promise.resolve('');
      },
      secret: (): Promise<undefined> => Promise.resolve(undefined),
    };
    const result = await run(
      [await large()],
      'stick/r.tar',
      { volumeBytes: MiB, pause: true },
      { ...testContext(), ask },
    );
    expect(asked).toHaveLength(result.files!.length - 1);
    expect(asked[0]).toMatch(
      /Unmount its medium first, then put the next medium in for volume 2 of at most \d, mount it and press Enter:$/,
    );
    expect(volumesIn('stick')).toHaveLength(1);
    expect(readdirSync(at('stick')).filter((name) => name.endsWith('.json'))).toHaveLength(result.files!.length);
    expect(await faultOf(run([at('large.tar')], 'x.tar', { volumeBytes: MiB, pause: true }))).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('there is nobody to ask'),
    });
    expect(existsSync(at('x.tar.001'))).toBe(false);
  });

  test('--dry-run says how many volumes at most, and writes none', async () => {
    const volumeBytes = 2 ** 60;
    const source = await saveFile(at('s.tar'), { 'app:1': ['base'] });
    const { notes, bytesAtMost = 0 } = await run([source], 'r.tar.zst', { volumeBytes, dryRun: true });
    expect(notes).toContain('at most 1 volume');
    expect(bytesAtMost).toBeGreaterThan(0);
    expect(readdirSync(at())).toEqual(['s.tar']);
  });

  test.each([
    [{ pause: true }, '--pause is for volumes'],
    [{ resume: true }, '--resume is for volumes'],
    [{ format: 'oci', volumeBytes: MiB }, '--volume-size is for bundles'],
    [{ format: 'oci', kit: true }, '--kit is for bundles'],
  ] as const)('%j cannot be', async (options, words) => {
    const fault = await faultOf(run([await small()], 'out', options));
    expect(fault).toMatchObject({ code: 'USAGE', message: expect.stringContaining(words) });
  });

  test('standard output takes no volumes', async () => {
    const work = pack({ sources: [await small()], output: '-', sign: 'key' }, testContext());
    expect(await faultOf(work)).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('--sign needs a file'),
    });
  });
});

describe('pack --verify', () => {
  test('reads back what was written', async () => {
    const result = await run([await small()], 'out.tar.zst', { verify: true });
    expect(result.readBack).toMatchObject({ fileSystem: expect.any(String) });
    expect(result.files).toEqual([
      { name: 'out.tar.zst', size: result.receipt?.fileSize, sha256: expect.stringMatching(/^sha256:/) },
    ]);
  });
});

describe('pack --sign', () => {
  /** A key as OpenSSH's own tools write it in PEM, and the line that allows it. */
  function key(name = 'key'): { file: string; signers: string } {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
    const sized = (bytes: Buffer | string): Buffer => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, Buffer.from(bytes)]);
    };
    const blob = Buffer.concat([sized('ssh-ed25519'), sized(raw)]).toString('base64');
    writeFileSync(at(name), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const signers = put(at(`${name}-signers`), `release@example.com namespaces="image-ferry" ssh-ed25519 ${blob}\n`);
    return { file: at(name), signers };
  }

  test.each([
    ['a file', 'out.tar.zst', {}, 'out.tar.zst'],
    ['volumes', 'out.tar', { volumeBytes: MiB }, 'out.tar.001'],
    ['a kit', 'kit', { kit: true }, 'kit'],
  ] as const)('%s: who signed is found', async (_, output, options, word) => {
    const { file, signers } = key();
    const result = await run([await large()], output, { ...options, sign: file });
    expect(result.signer).toContain('SHA256:');
    const good = await verify({ sources: [at(word)], allowedSigners: signers }, testContext());
    expect(good).toMatchObject({ faults: [], signed: [{ principals: 'release@example.com' }] });
    const other = await verify({ sources: [at(word)], allowedSigners: key('other').signers }, testContext());
    expect(other.signed).toBeUndefined();
    expect(other.faults).toMatchObject([{ code: 'SIGNATURE', message: expect.stringContaining('which is not in') }]);
  });

  test('another bundle under the name of the one that was signed', async () => {
    const { file, signers } = key();
    await run([await small()], 'out.tar', { sign: file });
    await run([await large()], 'other.tar');
    renameSync(at('other.tar'), at('out.tar'));
    const { faults } = await verify({ sources: [at('out.tar')], allowedSigners: signers }, testContext());
    expect(faults.map(({ message }) => message).join('\n')).toMatch(
      /not the file that was signed[^]*another bundle than the one that was signed/,
    );
  });

  test('unsigned', async () => {
    await run([await small()], 'out.tar');
    const { faults } = await verify({ sources: [at('out.tar')], allowedSigners: key().signers }, testContext());
    expect(faults).toMatchObject([{ code: 'SIGNATURE', message: expect.stringContaining('unsigned') }]);
  });

  test('a key that is none is found before anything is read', async () => {
    put(at('key'), 'no key');
    const fault = await faultOf(run(['/no/such/source'], 'out.tar', { sign: at('key') }));
    expect(fault?.message).toContain(at('key'));
    expect(readdirSync(at())).toEqual(['key']);
  });
});

describe('pack --kit', () => {
  test('a folder with everything, all of it in the checksums', async () => {
    const result = await run([await small()], 'kit', { kit: true });
    const names = readdirSync(at('kit')).sort();
    expect(names).toEqual(
      expect.arrayContaining(['README.txt', 'SHA256SUMS', 'bundle.json', 'kit.tar.zst', 'load.sh']),
    );
    const sums = readFileSync(at('kit/SHA256SUMS'), 'utf8').trim().split('\n');
    expect(sums.map((line) => line.slice(66))).toEqual(names.filter((name) => name !== 'SHA256SUMS'));
    for (const { name, sha256 } of result.files ?? []) {
      if (name !== 'SHA256SUMS') expect(sums).toContain(`${hexOf(sha256)}  ${name}`);
    }
    expect(await list({ sources: [at('kit')] }, testContext())).toMatchObject({ totals: { images: 2 }, faults: [] });
  });

  test('in volumes', async () => {
    await run([await large()], 'kit', { kit: true, volumeBytes: MiB });
    const sums = readFileSync(at('kit/SHA256SUMS'), 'utf8');
    expect(sums).toMatch(/ {2}kit\.tar\.zst\.003\n/);
    expect(sums).toMatch(/ {2}kit\.tar\.zst-003\.json\n/);
    expect(await verify({ sources: [at('kit')] }, testContext())).toMatchObject({ faults: [] });
  });

  test('on several media: the folder is made on each, with a notice; the script is on the last', async () => {
    mkdirSync(at('stick'));
    let count = 1;
    const line = (): Promise<string> => {
      renameSync(at('stick'), at(`stick-${String(count++)}`));
      mkdirSync(at('stick'));
      // Another kit would be mixed with this one.
      if (count === 3) {
        mkdirSync(at('stick/kit'));
        put(at('stick/kit/load.sh'), 'old');
      }
      return Promise.resolve('');
    };
    const ask = { line, secret: (): Promise<undefined> => Promise.resolve(undefined) };
    const context = testContext();
    const options = { kit: true, volumeBytes: MiB, pause: true };
    const { notes } = await run([await large()], 'stick/kit', options, { ...context, ask });
    expect(context.notes()).toEqual([expect.stringContaining('this one is not empty: put in another medium')]);
    expect(readdirSync(at('stick-1/kit'))).toEqual(['README-VOLUMES.txt', 'kit.tar.zst-001.json', 'kit.tar.zst.001']);
    expect(readdirSync(at('stick/kit'))).toEqual(
      expect.arrayContaining(['README-VOLUMES.txt', 'README.txt', 'SHA256SUMS', 'kit.tar.zst.003', 'load.sh']),
    );
    expect(notes.join()).toContain('load.sh and SHA256SUMS are on the last medium, with volume 3');
    expect(readFileSync(at('stick-1/kit/README-VOLUMES.txt'))).toEqual(
      readFileSync(at('stick/kit/README-VOLUMES.txt')),
    );
  });

  test('goes into no folder that holds something else', async () => {
    mkdirSync(at('kit'));
    put(at('kit/letter.txt'), 'dear');
    expect(await faultOf(run([await small()], 'kit', { kit: true }))).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('not empty'),
    });
  });

  test('goes into the folder where one was killed', async () => {
    mkdirSync(at('kit'));
    put(at(`kit/kit.tar.zst.${idOf(2 ** 22 + 1)}.part`), 'half');
    await run([await small()], 'kit', { kit: true });
    expect(readdirSync(at('kit')).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('for a Docker that reads no zstd it is compressed with gzip', async () => {
    const site: Inventory = {
      schema: 'image-ferry.inventory/1',
      place: {
        kind: 'engine',
        engine: 'docker 20.10.24 (overlay2)',
        store: 'graphdriver',
        version: '20.10.24',
        platform: 'linux/amd64',
      },
      images: [],
      blobs: [],
    };
    put(at('site.json'), inventoryJson(site));
    const result = await run([await small()], 'kit', { kit: true, base: [at('site.json')] });
    expect(existsSync(at('kit/kit.tar.gz'))).toBe(true);
    expect(result.notes.join()).toContain('reads no zstd');
  });
});
