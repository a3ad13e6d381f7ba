import { describe, expect, test } from '@jest/globals';
import { renderDiff } from '../../src/cli/render/diff.js';
import { renderInspect } from '../../src/cli/render/inspect.js';
import { renderList } from '../../src/cli/render/list.js';
import { renderLoad } from '../../src/cli/render/load.js';
import { renderPack } from '../../src/cli/render/pack.js';
import { type Report } from '../../src/cli/render/report.js';
import { renderInventory } from '../../src/cli/render/inventory.js';
import { renderVerify } from '../../src/cli/render/verify.js';
import { type View } from '../../src/cli/render/view.js';
import { pipe, terminal } from './helpers.js';
import * as results from './results.js';

const loadOptions = { sources: ['a.tar'] };
const longName = `registry.example.internal:5000/${'team/'.repeat(12)}service:2026.01.02-rc.1`;

function lines(report: Report): string {
  return [...report.lines, ...(report.errors.length > 0 ? ['-- stderr', ...report.errors] : [])].join('\n');
}

/** Every renderer with texts from a hostile archive in every place that takes foreign text. */
function hostile(view: View): Report[] {
  const { HOSTILE: evil } = results;
  const image = results.image(evil, {
    platforms: [results.platform('x', { platform: evil })],
    notIncluded: [evil],
    artifacts: [{ type: evil, digest: results.digest('a'), bytes: 1 }],
  });
  const fault = { code: 'BAD_ARCHIVE' as const, message: evil, hint: evil, images: [evil] };
  const entry = { name: evil, platform: evil, newBytes: 1 };
  const config = {
    config: { Cmd: evil, Env: [evil], User: evil, Labels: { [evil]: evil }, ExposedPorts: { [evil]: {} } },
  };
  const history = [{ createdBy: evil, comment: evil }];
  const inspected = {
    ...image,
    platforms: [{ ...results.platform('x'), platform: evil, created: evil, config, history }],
  };
  return [
    renderList(results.list({ images: [image], faults: [fault] }), view),
    renderList(results.list({ images: [], sources: [evil] }), view),
    renderInspect(results.inspect({ images: [inspected], faults: [fault] }), view),
    renderVerify(results.verify({ sources: [evil], faults: [fault] }), view),
    renderDiff({ ...results.diff({ added: [entry] }), a: evil, b: evil }, view),
    renderPack(results.pack({ images: [image], output: evil, notes: [evil] }), view),
    renderLoad(results.load([results.item(evil, 'skipped', evil)], { engine: evil, notes: [evil] }), view, {
      ...loadOptions,
      receipt: evil,
    }),
  ];
}

describe('pack', () => {
  test('at 80 columns', () => {
    const notes = ['Docker 20.10 cannot load zstd layers: app:1.0'];
    expect(lines(renderPack(results.pack({ notes }), terminal))).toMatchInlineSnapshot(`
     "12 images, 48 layers, 31 of them unique
     1.2 GB in all, 700.0 MB stored once: 41.7 % saved
     note: Docker 20.10 cannot load zstd layers: app:1.0

     packed: release.tar.zst, 312.4 MB
     tar sha256:90aebae315675cbf04612de4f7d5874850f48e0b8dd82becbeaa47ca93f5ebfb"
    `);
  });

  test('of a dry run says what would be written', () => {
    const result = results.planned(results.pack({ dryRun: true, output: 'archive/' }));
    const report = renderPack(result, pipe);
    expect(report.wanted).toBe(true);
    expect(report.lines[1]).toBe('app:1.0  linux/amd64  2a8db30ccbcf  12.3 MB  10.0 MB');
    expect(report.lines.at(-1)).toBe('dry run: 300.0 MB would be written to archive/ (400.0 MB are there already)');
    const fresh = { ...result, totals: { ...results.totals, bytesToCopy: results.totals.bytesUnique } };
    expect(renderPack(fresh, pipe).lines.at(-1)).toBe('dry run: 700.0 MB would be written to archive/');
  });

  test('into a folder says what was added', () => {
    const receipt = { items: [], bytesMoved: 1_000_000 };
    expect(renderPack(results.pack({ output: 'archive/', receipt }), pipe).lines.at(-1)).toBe(
      'packed: archive/, an OCI layout folder, 1.0 MB written',
    );
  });

  test('a dry run of very many images shows the first ones, and always the summary', () => {
    const images = Array.from({ length: 1000 }, (_, n) => results.image(`docker.io/library/app:${String(n)}`));
    const shown = renderPack(results.planned(results.pack({ images, output: '-', dryRun: true })), pipe).lines;
    expect(shown).toHaveLength(41 + 1 + 1 + 2 + 1 + 1);
    expect(shown).toContain('... and 960 more images');
    expect(shown.at(-1)).toMatch(/^dry run: .* standard output/);
  });
});

describe('load', () => {
  const items = [
    results.item('docker.io/library/app:1.0', 'proven'),
    results.item('registry.example/db:2', 'present'),
    results.item('docker.io/library/old:1', 'unproven', 'the engine cannot be asked for its layers'),
    results.item(undefined, 'skipped', 'an attestation is not for engines'),
  ];

  test('at 80 columns', () => {
    const options = { ...loadOptions, receipt: 'receipt.json' };
    expect(lines(renderLoad(results.load(items), terminal, options))).toMatchInlineSnapshot(`
     "NAME                   IMAGE ID      OUTCOME
     app:1.0                2a8db30ccbcf  loaded, proven
     registry.example/db:2  c75593430929  already there
     old:1                  90b1fdbd7f57  loaded, not proven
       the engine cannot be asked for its layers
     (no name)              ac2a3c400552  skipped
       an attestation is not for engines

     docker 28.5.1 (overlay2): 2 images loaded, 1 already there, 1 not proven, 1
     skipped, 12.3 MB moved
     receipt: receipt.json"
    `);
  });

  test('is never silent about an image that is not proven', () => {
    expect(renderLoad(results.load(items), pipe, loadOptions).wanted).toBe(true);
    expect(renderLoad(results.load(items.slice(0, 2)), pipe, loadOptions).wanted).toBe(false);
  });

  test('of a dry run says what would move', () => {
    const result = results.planned(results.load([], { dryRun: true, notes: ['a note'] }));
    expect(renderLoad(result, pipe, loadOptions)).toStrictEqual({
      lines: ['note: a note', 'dry run: 12 images, 300.0 MB would move to docker, 900.0 MB would not'],
      errors: [],
      wanted: true,
    });
  });
});

describe('every result', () => {
  test('fits 80 columns', () => {
    const reports = [
      renderList(results.list({ images: [results.multiPlatform, results.image(longName)] }), terminal),
      renderInspect(results.inspect(), terminal),
      renderDiff(results.diff({ added: [{ name: longName, platform: 'linux/arm64/v8', newBytes: 1 }] }), terminal),
      renderPack(results.pack({ images: [results.image(longName)] }), terminal),
      renderLoad(results.load([results.item(longName, 'unproven')]), terminal, loadOptions),
      renderLoad(
        results.planned(results.load([], { dryRun: true, engine: 'docker 28.5.2+dfsg4 (containerd image store)' })),
        terminal,
        loadOptions,
      ),
    ];
    for (const line of reports.flatMap((report) => report.lines)) {
      expect({ line, fits: Array.from(line).length <= 80 }).toStrictEqual({ line, fits: true });
    }
  });

  test.each([
    ['a terminal', terminal],
    ['a pipe', pipe],
  ])('is harmless on %s, whatever the input says', (_, view) => {
    for (const report of hostile(view)) {
      const shown = [...report.lines, ...report.errors];
      expect(shown.join('')).toContain('evil');
      for (const line of shown) {
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
      }
    }
  });
});

describe('inventory', () => {
  const options = { sources: [] };

  test('says what was written, and how long it is on paper', () => {
    const { lines, wanted } = renderInventory(results.inventory({ output: 'site.json' }), pipe, options);
    expect(wanted).toBe(false);
    expect(lines).toStrictEqual([
      'docker 28.5.2 (containerd image store), linux/amd64: 50 images, 130 layers, 129 blobs known',
      'written: site.json, 31.4 kB, 4505 characters with --compact',
      `inventory ${results.digest('inventory')}`,
    ]);
  });

  test('says when blobs are not known; a graph driver keeps none', () => {
    const render = (more: Parameters<typeof results.inventory>[0]): string =>
      renderInventory(results.inventory({ output: 'x', ...more }), pipe, { ...options, compact: true }).lines.join(
        '\n',
      );
    expect(render({ blobs: 0 })).toContain('130 layers, blobs not known\nwritten: x, 31.4 kB\n');
    const place = { ...results.inventory().place, store: 'graphdriver' } as never;
    expect(render({ blobs: 0, place })).toContain('130 layers\n');
    expect(render({ place: { kind: 'archive', lists: undefined }, images: 1, layers: 1, blobs: 1 })).toContain(
      'archive: 1 image, 1 layer, 1 blob known\n',
    );
  });

  test('without a file is the document alone', () => {
    const result = results.inventory({ document: '{\n  "schema": 1\n}\n' });
    expect(renderInventory(result, pipe, options)).toStrictEqual({
      lines: ['{', '  "schema": 1', '}'],
      errors: [],
      wanted: true,
    });
  });
});
