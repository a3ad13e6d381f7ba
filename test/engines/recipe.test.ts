import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { type PackResult } from '../../src/index.js';
import { ferryJson, program } from './cli.js';
import { must, save, up, wipe } from './lab.js';

jest.setTimeout(300_000);
const root = path.resolve(import.meta.dirname, '../..');
let folder: string;

beforeAll(async () => {
  await up('docker20');
  folder = await mkdtemp(path.join(tmpdir(), 'ferry-recipe-'));
}, 600_000);
afterAll(async () => {
  await wipe('docker20', 'shop/api');
  await rm(folder, { recursive: true, force: true });
});

test("the README's recipe takes an image out with tar, zstd, jq and sha256sum alone", async () => {
  const saves = ['api-1.0.docker-20.10', 'release-1.1.docker-28.5', 'worker-1.0.podman-5.8'];
  const sources = saves.map((name) => path.join(root, 'fixtures/demo', `${name}.tar.gz`));
  const packed = await ferryJson<PackResult>(undefined, 'pack', ...sources, '-o', path.join(folder, 'release.tar.zst'));
  const recipe = /```sh\n(mkdir bundle[\s\S]*?)```/.exec(await readFile(path.join(root, 'README.md'), 'utf8'))?.[1];
  expect(await program('bash', ['-euo', 'pipefail', '-c', recipe ?? 'false'], process.env, folder)).toMatchObject({
    status: 0,
  });
  // Docker 20 sees only the temporary folder, which this is in.
  await copyFile(path.join(folder, 'app.tar'), path.join(folder, 'load.tar'));
  await must('docker20', ['load', '-q', '-i', path.join(folder, 'load.tar')]);
  const [image] = await save('docker20', 'shop/api:1.1');
  const wanted = packed.images.find(({ name }) => name === 'docker.io/shop/api:1.1');
  expect(image?.config).toBe(wanted?.platforms[0]?.imageId);
});
