import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { prune } from '../../src/commands/prune.js';
import { verify } from '../../src/commands/verify.js';
import { Blobs, named } from '../helpers/blobs.js';
import { testContext } from '../helpers/context.js';
import { layoutFolder } from '../helpers/layout-folder.js';
import { useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();

test('whatever the archive and the rules: a dry run tells what the real one does, and what stays is whole', async () => {
  const names = ['app:1', 'app:2', 'db:1', 'db:2', 'web:1'];
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          name: fc.nat({ max: 4 }),
          layers: fc.subarray(['p', 'q', 'r', 's']),
          year: fc.integer({ min: 2014, max: 2025 }),
        }),
        { maxLength: 6 },
      ),
      fc.record({ keepLast: fc.constantFrom(1, 2), keep: fc.subarray(['app', 'db:1']) }),
      fc.array(fc.constantFrom('stray 1', 'stray 2'), { maxLength: 2 }),
      async (images, rules, strays) => {
        const blobs = new Blobs();
        const archive = mkdtempSync(at('a-'));
        const entries = images.map(({ name, layers, year }) =>
          named(blobs.image({ layers, config: { created: `${String(year)}-01-01T00:00:00Z` } }).root, names[name]!),
        );
        for (const stray of strays) blobs.put('', stray);
        layoutFolder(archive, blobs, entries);
        const planned = await prune({ archive, ...rules, dryRun: true }, testContext());
        const done = await prune({ archive, ...rules }, testContext());
        expect(done).toEqual({ ...planned, dryRun: false });
        const report = await verify({ sources: [archive] }, testContext());
        expect(report).toMatchObject({
          faults: [],
          images: new Set(done.kept.map(({ name, digest }) => `${String(name)} ${digest}`)).size,
        });
        expect(readdirSync(`${archive}/blobs/sha256`)).toHaveLength(done.left.blobs);
        expect(report.blobs).toBe(done.left.blobs);
        expect(await prune({ archive, ...rules }, testContext())).toMatchObject({
          dropped: [],
          removed: { blobs: 0 },
          left: done.left,
        });
        rmSync(archive, { recursive: true });
      },
    ),
    { numRuns: 25 },
  );
});
