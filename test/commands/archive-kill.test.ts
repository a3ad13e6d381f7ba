import { expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { verify } from '../../src/commands/verify.js';
import { list } from '../../src/commands/list.js';
import { type Descriptor } from '../../src/model/descriptor.js';
import { Blobs, forPlatform, named } from '../helpers/blobs.js';
import { testContext } from '../helpers/context.js';
import { KILLS, killAtMoments, SEED, useFerry } from '../helpers/kill.js';
import { layoutFolder } from '../helpers/layout-folder.js';
import { useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const build = useFerry();

const random = (): Buffer => randomBytes(100_000);
const app = (n: number): string => `docker.io/library/app:${String(n)}`;

/** Names with what they lead to, of an archive that must be whole. */
async function wholeNames(): Promise<[string | undefined, string, number][]> {
  expect((await verify({ sources: [at('a')] }, testContext())).faults).toEqual([]);
  const { images } = await list({ sources: [at('a')] }, testContext());
  return images.map(({ name, digest, platforms }) => [name, digest, platforms.length]);
}
const stored = (): string[] => readdirSync(at('a/blobs/sha256')).sort();
const prepare = (): void => {
  rmSync(at('a'), { recursive: true, force: true });
  cpSync(at('before'), at('a'), { recursive: true });
};

const title = `${String(KILLS)} times, seed ${String(SEED)}`;
const patience = 30_000 + KILLS * 5_000;

test(
  `an archive is whole after a killed add, and the next one finishes it (${title})`,
  async () => {
    const first = new Blobs();
    const amd = first.image({ layers: [random(), random()] });
    const more = new Blobs();
    const arm = more.image({ layers: Array.from({ length: 8 }, random), platform: { architecture: 'arm64' } });
    // The same index is there already with one platform: half of the other one must never show.
    const children = [forPlatform(amd.root, 'linux', 'amd64'), forPlatform(arm.root, 'linux', 'arm64')];
    const multi = first.index(children);
    layoutFolder(at('before'), first, [named(amd.root, app(1)), named(multi, 'docker.io/library/multi:1')]);
    for (const [digest, bytes] of first.bytes) more.bytes.set(digest, bytes);
    const added = [2, 3, 4].map((n) => named(more.image({ layers: Array.from({ length: 8 }, random) }).root, app(n)));
    layoutFolder(at('new'), more, [...added, named(multi, 'docker.io/library/multi:1')]);
    prepare();
    const before = await wholeNames();
    const killed = await killAtMoments({
      build: build(),
      prepare,
      words: ['pack', at('new'), '-o', at('a')],
      afterKill: async () => {
        const names = await wholeNames();
        const old = before.map(([name, digest]) => [name, digest]);
        expect(names.map(([name, digest]) => [name, digest])).toEqual(expect.arrayContaining(old));
        expect([2, 5]).toContain(names.length);
      },
      afterFinish: async () => {
        expect((await wholeNames()).map(([name, , platforms]) => [name, platforms])).toEqual([
          ...[1, 2, 3, 4].map((n) => [app(n), 1]),
          ['docker.io/library/multi:1', 2],
        ]);
        expect(stored().filter((name) => name.endsWith('.part'))).toEqual([]);
        expect(readdirSync(at('a')).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
      },
    });
    expect(killed).toBeGreaterThan(0);
  },
  patience,
);

test(
  `an archive is whole after a killed prune, and the next one finishes it (${title})`,
  async () => {
    const blobs = new Blobs();
    const base = random();
    const entries: Descriptor[] = Array.from({ length: 30 }, (_, n) =>
      named(
        blobs.image({
          layers: [base, ...Array.from({ length: 5 }, () => randomBytes(500))],
          config: { created: `2025-01-01T00:${String(n).padStart(2, '0')}:00Z` },
        }).root,
        app(n),
      ),
    );
    layoutFolder(at('before'), blobs, entries);
    const kept = [app(28), app(29)];
    let left: string[] | undefined;
    const killed = await killAtMoments({
      build: build(),
      prepare,
      words: ['prune', at('a'), '--keep-last', '2'],
      afterKill: async () => {
        const names = await wholeNames();
        expect(names.map(([name]) => name)).toEqual(expect.arrayContaining(kept));
        expect([2, 30]).toContain(names.length);
      },
      afterFinish: async () => {
        expect((await wholeNames()).map(([name]) => name)).toEqual(kept);
        left ??= stored();
        expect(stored()).toEqual(left);
        expect(left).toHaveLength(1 + 2 * 7);
        expect(readFileSync(at('a/index.json'), 'utf8')).toContain(app(29));
      },
    });
    expect(killed).toBeGreaterThan(0);
  },
  patience,
);
