import { describe, expect, test } from '@jest/globals';
import { renderDiff } from '../../src/cli/render/diff.js';
import { renderInspect } from '../../src/cli/render/inspect.js';
import { renderList } from '../../src/cli/render/list.js';
import { type Report } from '../../src/cli/render/report.js';
import { renderPrune } from '../../src/cli/render/prune.js';
import { renderVerify } from '../../src/cli/render/verify.js';
import { type View } from '../../src/cli/render/view.js';
import { pipe, terminal } from './helpers.js';
import * as results from './results.js';

const colour: View = { ...terminal, colour: true };
const longName = `registry.example.internal:5000/${'team/'.repeat(12)}service:2026.01.02-rc.1`;

function lines(report: Report): string {
  return [...report.lines, ...(report.errors.length > 0 ? ['-- stderr', ...report.errors] : [])].join('\n');
}

describe('list', () => {
  test('at 80 columns', () => {
    expect(lines(renderList(results.list(), terminal))).toMatchInlineSnapshot(`
     "NAME                            PLATFORM          IMAGE ID         SIZE   SHARED
     app:1.0                         linux/amd64       2a8db30ccbcf  12.3 MB  10.0 MB
     multi:2.0                       2 platforms       50d93dd79c59   3.0 MB   1.5 MB
                                       linux/amd64     1f3d6b86569e   1.0 MB      0 B
                                       linux/arm64/v8  0afaa6346c31   2.0 MB   1.5 MB
                                       attestation     f745a15153c4   4.1 kB
       not included: linux/386, linux/arm/v6, linux/arm/v7, linux/ppc64le,
       linux/riscv64, linux/s390x
     registry.exampl…5000/team/db:2  linux/amd64       d0190f970f88  12.3 MB  10.0 MB

     12 images, 48 layers, 31 of them unique
     1.2 GB in all, 700.0 MB stored once: 41.7 % saved"
    `);
  });

  test('speaks of no saving where there is hardly any', () => {
    const totals = { ...results.totals, bytesUsed: 90_900_000, bytesUnique: 90_890_000 };
    expect(renderList(results.list({ totals }), pipe).lines).toContain('90.9 MB in all, 90.9 MB stored once');
  });

  test('shows what is no image as what it is', () => {
    const type = (text: string) => [{ type: text, digest: results.digest(text), bytes: 900 }];
    const images = [
      results.image(undefined),
      results.image('docker.io/library/chart:1', {
        kind: 'artifact',
        platforms: [],
        artifacts: type('application/vnd.cncf.helm.config.v1+json'),
      }),
      results.image('docker.io/library/sig:1', {
        kind: 'artifact',
        platforms: [],
        artifacts: type('application/vnd.dev.cosign.simplesigning.v1+json'),
      }),
      results.image('docker.io/library/odd:1', { kind: 'artifact', platforms: [], artifacts: type('text/x-odd') }),
      results.image('docker.io/library/blob:1', { kind: 'opaque', platforms: [] }),
      results.image('docker.io/library/empty:1', { kind: 'index', platforms: [], notIncluded: ['linux/amd64'] }),
    ];
    expect(lines(renderList(results.list({ images }), pipe))).toMatchInlineSnapshot(`
     "NAME       PLATFORM      IMAGE ID         SIZE   SHARED
     (no name)  linux/amd64   ac2a3c400552  12.3 MB  10.0 MB
     chart:1    helm chart    d03fd797d322    900 B
     sig:1      signature     819b039ff709    900 B
     odd:1      artifact      98124b1a6340    900 B
     blob:1     unknown kind  54d3922690fd
     empty:1    no platform   199a0fd6e823
       not included: linux/amd64

     12 images, 48 layers, 31 of them unique
     1.2 GB in all, 700.0 MB stored once: 41.7 % saved"
    `);
  });

  test('puts faults at the end, apart from the table', () => {
    const faults = [results.fault, { ...results.fault, images: [] }];
    expect(renderList(results.list({ faults }), pipe).errors).toMatchInlineSnapshot(`
     [
       "fault: a.tar: blobs/sha256/00: expected 12 bytes, found 11",
       "  hint: Copy the file again.",
       "  breaks app:1.0, registry.example/team/db:2",
       "fault: a.tar: blobs/sha256/00: expected 12 bytes, found 11",
       "  hint: Copy the file again.",
       "  breaks no image",
     ]
    `);
  });

  test('says so when there is nothing, or nothing to save', () => {
    expect(lines(renderList(results.list({ images: [] }), pipe))).toBe('no images in a.tar');
    const totals = { ...results.totals, images: 1, layerUses: 1, uniqueLayers: 1, bytesUsed: 1000, bytesUnique: 1000 };
    const twins = [{ diffId: results.digest('t'), blobs: [results.digest('1'), results.digest('2')] }];
    expect(renderList(results.list({ totals, twins }), pipe).lines.slice(-3)).toStrictEqual([
      '1 image, 1 layer, 1 of them unique',
      '1.0 kB in all, 1.0 kB stored once',
      '1 layer in more than one form (plain, gzip, ...); --layers plain stores each once',
    ]);
  });

  test('cuts a long name on a terminal only', () => {
    const result = results.list({ images: [results.image(longName)] });
    const [, cut = ''] = renderList(result, terminal).lines;
    expect(cut).toMatch(/^registry\S+…\S+rc\.1 /);
    expect(cut.length).toBeLessThanOrEqual(80);
    const wide = renderList(result, { ...terminal, width: 200 }).lines.join('\n');
    for (const text of [wide, renderList(result, pipe).lines.join('\n')]) expect(text).toContain(`${longName} `);
  });

  test('keeps one image on one line in a pipe', () => {
    const images = [results.image(longName), results.image('docker.io/library/app:1')];
    const found = renderList(results.list({ images }), pipe).lines.filter((line) => line.startsWith(longName));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/linux\/amd64 +[0-9a-f]{12} +12\.3 MB +10\.0 MB$/);
  });

  test('dims what is not included, in colour only', () => {
    const shown = lines(renderList(results.list(), colour));
    expect(shown).toContain('\u001b[2m  not included: linux/386');
    expect(lines(renderList(results.list(), terminal))).not.toContain('\u001b');
  });
});

describe('inspect', () => {
  test('at 80 columns', () => {
    expect(lines(renderInspect(results.inspect(), terminal))).toMatchInlineSnapshot(`
     "app:1.0  linux/amd64
     image ID sha256:686db4ed66d28fe449d5d091af0ca69dc9edd93bab9c1e26bc939e757caaf854
     manifest sha256:f9d2155037fe016c523dea7ae4c702842c76ee8c5a9028b72619aeae3f757aaa
     size        12.3 MB in 3 layers, 10.0 MB shared
     created     2026-01-02T03:04:05Z
     entrypoint  ["/bin/app","--serve"]
     command     ["--port","80"]
     user        1000:1000
     folder      /srv
     env         PATH=/usr/bin:/bin
                 MODE=production
     ports       80/tcp, 443/tcp
     volumes     /data
     labels      org.opencontainers.image.version=1.0
                 vendor=us
          SIZE  STEP, the lowest layer first
       10.0 MB  ADD file:0123456789abcdef0123456789abcdef0123456789abcdef01 in /
                also in app:1.1, registry.example/team/db:2
                ENV MODE=production
        2.3 MB  RUN apk add curl jq"
    `);
  });

  test('copes with a config that is nothing of the kind', () => {
    for (const config of [
      null,
      'x',
      [],
      {},
      { config: null },
      { config: { Env: {}, Cmd: 7, Labels: [], User: null } },
    ]) {
      const [image] = results.inspect().images;
      const platforms = [{ ...image!.platforms[0]!, config, history: [] }];
      const shown = renderInspect(results.inspect({ images: [{ ...image!, platforms }] }), terminal).lines;
      expect(shown).toHaveLength(5);
    }
  });

  test('shows artifacts, and what was left out', () => {
    const [image] = results.inspect().images;
    const artifacts = [{ type: 'application/vnd.in-toto+json', digest: results.digest('a'), bytes: 4096 }];
    const images = [{ ...image!, platforms: [], artifacts, notIncluded: ['linux/arm64'] }];
    expect(renderInspect(results.inspect({ images }), pipe).lines).toStrictEqual([
      'app:1.0',
      `digest ${image!.digest}`,
      'artifact    application/vnd.in-toto+json, 4.1 kB',
      'left out    linux/arm64',
    ]);
  });

  test('cuts nothing in a pipe', () => {
    const shown = lines(renderInspect(results.inspect(), pipe));
    expect(shown).toContain('0123456789abcdef0123456789abcdef0123456789abcdef01 in /');
    expect(shown).not.toContain('…');
  });
});

describe('verify', () => {
  test('is one line when all is well', () => {
    const report = renderVerify(results.verify(), terminal);
    expect(report).toStrictEqual({
      lines: ['verified: 12 images, 34 blobs, 1.2 GB: every digest and diffID holds'],
      errors: [],
      wanted: false,
    });
  });

  test('says which part of the layers was read', () => {
    const sample = { percent: 10, day: '2026-11-21', blobs: 2, bytes: 1_000_000, of: { blobs: 20, bytes: 9_000_000 } };
    const report = renderVerify(results.verify({ sample: { ...sample, since: '2026-11-14T01:02:03.000Z' } }), terminal);
    expect(report.lines[1]).toBe(
      'layers in part: 2 of 20 layers, 1.0 MB of 9.0 MB (10 % of 2026-11-21, and written since 2026-11-14 01:02 UTC); of the others, that they are there with their sizes',
    );
  });

  test('lists every fault with every image that it breaks', () => {
    const faults = [results.fault, { code: 'BAD_ARCHIVE' as const, message: 'a.tar: broken frame', images: [] }];
    const report = renderVerify(results.verify({ faults }), terminal);
    expect(report.wanted).toBe(true);
    expect(lines(report)).toMatchInlineSnapshot(`
     "fault: a.tar: blobs/sha256/00: expected 12 bytes, found 11
       hint: Copy the file again.
       breaks app:1.0, registry.example/team/db:2
     fault: a.tar: broken frame
       breaks no image
     -- stderr
     not verified: a.tar: 2 faults, 2 of 12 images broken"
    `);
  });

  test('wraps long lists of images on a terminal, and keeps them on one line in a pipe', () => {
    const images = Array.from({ length: 30 }, (_, n) => `registry.example/team/app:${String(n)}`);
    const faults = [{ ...results.fault, images }];
    const onTerminal = renderVerify(results.verify({ faults }), terminal).lines;
    expect(onTerminal.length).toBeGreaterThan(10);
    for (const line of onTerminal) expect(line.length).toBeLessThanOrEqual(80);
    const inPipe = renderVerify(results.verify({ faults }), pipe).lines;
    expect(inPipe).toHaveLength(3);
    expect(inPipe[2]).toContain('app:29');
  });
});

describe('prune', () => {
  test('shows what went and why, and what is left', () => {
    expect(lines(renderPrune(results.prune(), terminal))).toMatchInlineSnapshot(`
     "NAME       DIGEST        CREATED     WHY
     app:1.0    d0ff5974b6aa  2025-01-02  older than the newest 2 of app
     (no name)  a543997d84f1  -           about app:1.0, which goes

     note: 1 without a name stay: no rule speaks of them
     pruned: archive/: 2 names, 4 blobs, 1 unfinished file removed, 6.0 MB freed
     left: 1 name, 3 blobs, 9.0 MB"
    `);
    expect(renderPrune(results.prune(), terminal).wanted).toBe(false);
  });

  test('a dry run says what would go, and is what was asked for', () => {
    const removed = { blobs: 1, bytes: 10, parts: 0, partBytes: 0 };
    const report = renderPrune(results.prune({ dryRun: true, dropped: [], notes: [], removed }), terminal);
    expect(report).toStrictEqual({
      lines: ['dry run: 0 names, 1 blob would go from archive/, 10 B', 'would stay: 1 name, 3 blobs, 9.0 MB'],
      errors: [],
      wanted: true,
    });
  });
});

describe('diff', () => {
  test('at 80 columns', () => {
    expect(lines(renderDiff(results.diff(), terminal))).toMatchInlineSnapshot(`
     "   NAME                    PLATFORM        BEFORE        AFTER            NEW
     -  gone:1                  linux/amd64     cd0aa9856147
     +  new:1                   linux/amd64                   1b16b1df538b  5.0 MB
     ~  registry.example/app:1  linux/arm64/v8  6b86b273ff34  d4735e3a265e  1.0 kB

     old.tar -> new.tar.zst
     1 image gone, 1 new, 1 changed, 0 the same
     -1 layer (900 B), +2 layers (5.0 MB), 10 layers (100.0 MB) the same"
    `);
  });

  test('says that nothing differs', () => {
    const same = [{ name: 'a', platform: 'linux/amd64', newBytes: 0 }];
    const shown = renderDiff(results.diff({ added: [], removed: [], changed: [], same }), pipe).lines;
    expect(shown.slice(0, 2)).toStrictEqual(['old.tar -> new.tar.zst', 'no image differs, 1 image the same']);
  });
});
