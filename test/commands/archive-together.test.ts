import { expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { list } from '../../src/commands/list.js';
import { verify } from '../../src/commands/verify.js';
import { Blobs, named } from '../helpers/blobs.js';
import { testContext } from '../helpers/context.js';
import { type Run, runFerry, useFerry } from '../helpers/kill.js';
import { layoutFolder } from '../helpers/layout-folder.js';
import { useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const build = useFerry();

const app = (n: number): string => `docker.io/library/app:${String(n)}`;
const ferry = (...words: string[]): Promise<Run> => runFerry(build(), words);
/** What is said by those that came second; the others succeeded. */
const refusals = (runs: readonly Run[]): string[] =>
  runs.filter(({ status }) => status !== 0).map(({ status, stdout, stderr }) => `${String(status)} ${stdout}${stderr}`);

/** An archive of app 0 to 9 whose images share a layer, and a folder with three of them under further names. */
function folders(): void {
  const blobs = new Blobs();
  const base = randomBytes(200_000);
  const images = Array.from({ length: 10 }, (_, n) =>
    blobs.image({ layers: [base, randomBytes(20_000)], config: { created: `202${String(n)}-06-01T00:00:00Z` } }),
  );
  layoutFolder(
    at('a'),
    blobs,
    images.map(({ root }, n) => named(root, app(n))),
  );
  layoutFolder(
    at('new'),
    blobs,
    images.slice(0, 3).map(({ root }, n) => named(root, app(100 + n))),
  );
}

async function wholeNames(): Promise<(string | undefined)[]> {
  const { faults } = await verify({ sources: [at('a')] }, testContext());
  expect(faults).toEqual([]);
  expect(readdirSync(at('a')).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  return (await list({ sources: [at('a')] }, testContext())).images.map(({ name }) => name);
}

test('adds and prunes at once: one works at a time, the others say so, and the archive stays whole', async () => {
  folders();
  const runs = await Promise.all([
    ferry('pack', at('new'), '-o', at('a')),
    ferry('prune', at('a'), '--keep-last', '2'),
    ferry('pack', at('new'), '-o', at('a')),
    ferry('prune', at('a'), '--keep-last', '2'),
  ]);
  expect(runs.some(({ status }) => status === 0)).toBe(true);
  for (const refusal of refusals(runs)) expect(refusal).toMatch(/^7 .*(is writing this folder|is writing it)/s);
  await wholeNames();
  // What they could not do then, they can do now; in this order the outcome is known.
  expect((await ferry('pack', at('new'), '-o', at('a'))).status).toBe(0);
  const names = await wholeNames();
  expect(names).toEqual(expect.arrayContaining([app(8), app(9), app(100), app(101), app(102)]));
});

test('readers beside a prune read what stays, or say that images were removed: never damage', async () => {
  folders();
  const reading = (): Promise<Run>[] => [ferry('pack', at('a'), '-o', at('out.tar')), ferry('verify', at('a'))];
  const [pruned, ...readers] = await Promise.all([ferry('prune', at('a'), '--keep-last', '2'), ...reading()]);
  expect(pruned.status).toBe(0);
  for (const refusal of refusals(readers)) expect(refusal).toContain('images were removed from it while it was read');
  expect(await wholeNames()).toEqual([app(8), app(9)]);
});
