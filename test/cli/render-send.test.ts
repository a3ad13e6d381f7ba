import { describe, expect, test } from '@jest/globals';
import { type Report } from '../../src/cli/render/report.js';
import { renderSend } from '../../src/cli/render/send.js';
import { pipe, terminal } from './helpers.js';
import * as results from './results.js';

const options = { sources: ['app:1.4'], to: ['prod-1'] };

function lines(report: Report): string {
  return [...report.lines, ...(report.errors.length > 0 ? ['-- stderr', ...report.errors] : [])].join('\n');
}

const receipt = (...items: ReturnType<typeof results.item>[]): { items: typeof items; bytesMoved: number } => ({
  items,
  bytesMoved: 1,
});

describe('send', () => {
  test('of one image to one host', () => {
    const report = renderSend(results.send([results.sentHost('deploy@prod-1')]), terminal, options);
    expect(report.wanted).toBe(false);
    expect(lines(report)).toMatchInlineSnapshot(`
     "HOST           OUTCOME       IMAGES      SENT   SKIPPED  TIME
     deploy@prod-1  sent, proven       1  123.4 MB  400.0 MB  12 s

     engine: docker 28.5.1 (overlay2)"
    `);
  });

  test('to several hosts, at 80 columns', () => {
    const hosts = [
      results.sentHost('deploy@prod-1', { retries: 2 }),
      results.sentHost('deploy@prod-2', {
        receipt: receipt(results.item('docker.io/library/app:1.4', 'present')),
        bytesSent: 0,
        seconds: 0.4,
      }),
      results.sentHost('deploy@prod-3', {
        totals: { ...results.totals, images: 4 },
        receipt: receipt(
          results.item('docker.io/library/app:1.4', 'proven'),
          results.item('docker.io/library/web:2.0', 'present'),
          results.item('docker.io/library/old:1', 'unproven', 'the engine cannot be asked for its layers'),
          results.item(undefined, 'skipped', 'an attestation is not for engines'),
        ),
        checkpoints: ['ferry-checkpoint/0123456789ab:2'],
      }),
      results.failedHost('deploy@prod-4', {
        totals: results.totals,
        bytesSent: 5_000_000,
        retries: 1,
        checkpoints: ['ferry-checkpoint/0123456789ab:1', 'ferry-checkpoint/0123456789ab:2'],
        error: {
          code: 'CONNECTION_LOST',
          message: 'deploy@prod-4: the connection broke after 5.0 MB: no answer to 3 keepalive messages',
          hint: 'Run it again: what has arrived is not sent twice.',
          images: [],
        },
      }),
      results.failedHost('prod-5', { error: { code: 'HOST_REFUSED', message: 'its key has changed', images: [] } }),
    ];
    const report = renderSend(results.send(hosts, { notes: ['arm64 is left out'] }), terminal, {
      ...options,
      receipt: 'sent.json',
    });
    expect(report.wanted).toBe(true);
    expect(lines(report)).toMatchInlineSnapshot(`
     "HOST           OUTCOME            IMAGES      SENT   SKIPPED  TIME
     deploy@prod-1  sent, proven            1  123.4 MB  400.0 MB  12 s
     deploy@prod-2  already there           1       0 B  400.0 MB   0 s
     deploy@prod-3  sent, not proven        3  123.4 MB  400.0 MB  12 s
     deploy@prod-4  failed            0 of 12    5.0 MB  400.0 MB  10 s
     prod-5         failed                                         10 s

     deploy@prod-1: connected anew 2 times
     deploy@prod-3: web:2.0: already there
     deploy@prod-3: old:1: sent, not proven: the engine cannot be asked for its
       layers
     deploy@prod-3: (no name): skipped: an attestation is not for engines
     deploy@prod-3: left there for the next try: ferry-checkpoint/0123456789ab:2
     deploy@prod-3: the next success removes it, or ferry send --clean --to
       deploy@prod-3
     note: arm64 is left out
     engine: docker 28.5.1 (overlay2)
     2 hosts done, 1 not proven, 2 failed, 251.8 MB sent
     receipt: sent.json
     -- stderr
     failed: deploy@prod-4: the connection broke after 5.0 MB: no answer to 3
         keepalive messages
       hint: Run it again: what has arrived is not sent twice.
       connected anew once
       left there for the next try: ferry-checkpoint/0123456789ab:1,
         ferry-checkpoint/0123456789ab:2
       the next success removes it, or ferry send --clean --to deploy@prod-4
     failed: prod-5: its key has changed"
    `);
  });

  test('that was interrupted says how things are there', () => {
    const host = results.sentHost('h', { state: 'interrupted', notes: ['these names may have moved already: app:1'] });
    const report = renderSend(results.send([host]), pipe, options);
    expect(report.wanted).toBe(true);
    expect(report.lines).toContain('h: these names may have moved already: app:1');
  });

  test('of an image that was there under another name', () => {
    const named = receipt(results.item('docker.io/library/app:1.4', 'proven', 'the image was there already'));
    const report = renderSend(results.send([results.sentHost('h', { bytesSent: 0, receipt: named })]), pipe, options);
    expect(report.lines[1]).toBe('h     named, proven       1   0 B  400.0 MB  12 s');
    expect(report.lines[3]).toBe('h: app:1.4: the image was there already');
  });

  test('of a dry run says what would move to each host, and what would not', () => {
    const planned = { state: 'planned', bytesSent: 0 } as const;
    const hosts = [
      results.planned(results.sentHost('prod-1', planned)),
      results.planned(
        results.sentHost('prod-2', {
          ...planned,
          engine: 'podman 5.8.6',
          totals: { ...results.totals, images: 1, bytesToCopy: 0 },
        }),
      ),
      results.failedHost('prod-3'),
    ];
    const report = renderSend(results.send(hosts, { dryRun: true }), terminal, { ...options, dryRun: true });
    expect(report.wanted).toBe(true);
    expect(lines(report)).toMatchInlineSnapshot(`
     "HOST    OUTCOME  IMAGES   TO SEND     THERE
     prod-1  planned       1  300.0 MB  400.0 MB
     prod-2  planned       1       0 B  700.0 MB
     prod-3  failed

     engine: docker 28.5.1 (overlay2) on prod-1
     engine: podman 5.8.6 on prod-2
     dry run: 300.0 MB would be sent, before compression; 1.1 GB would not
     -- stderr
     failed: prod-3: connection refused
       hint: Check that an SSH server runs there."
    `);
  });

  test('that cleans says what was removed', () => {
    const hosts = [
      { ...results.failedHost('prod-1', { checkpoints: ['ferry-checkpoint/a:1'] }), state: 'cleaned' as const },
      { ...results.failedHost('prod-2'), state: 'cleaned' as const },
      results.failedHost('prod-3'),
    ];
    const report = renderSend(results.send(hosts), terminal, { ...options, clean: true });
    expect(lines(report)).toMatchInlineSnapshot(`
     "HOST    OUTCOME        REMOVED
     prod-1  cleaned              1
     prod-2  nothing there        0
     prod-3  failed

     prod-1: removed ferry-checkpoint/a:1
     2 hosts done, 1 failed
     -- stderr
     failed: prod-3: connection refused
       hint: Check that an SSH server runs there."
    `);
  });

  test('is shown with --quiet only if something is failed or unproven', () => {
    const unproven = receipt(results.item('a', 'unproven'));
    const wanted = (...hosts: Parameters<typeof results.send>[0]): boolean =>
      renderSend(results.send(hosts), pipe, options).wanted;
    expect(wanted(results.sentHost('a'), results.sentHost('b'))).toBe(false);
    expect(wanted(results.sentHost('a'), results.sentHost('b', { receipt: unproven }))).toBe(true);
    expect(wanted(results.sentHost('a'), results.failedHost('b'))).toBe(true);
  });

  test.each([
    ['stored', 'sent, proven'],
    ['skipped', 'skipped'],
    ['present', 'already there'],
  ] as const)('of an image that is %s is "%s"', (state, outcome) => {
    const host = results.sentHost('h', { receipt: receipt(results.item('docker.io/library/a:1', state)) });
    expect(renderSend(results.send([host]), pipe, options).lines[1]).toContain(`  ${outcome}  `);
  });

  test('that failed without a word is not silent', () => {
    const host = { ...results.sentHost('h'), state: 'failed' as const };
    expect(renderSend(results.send([host]), pipe, options).errors).toStrictEqual([
      'failed: h: it failed, and did not say why',
    ]);
  });

  const evil = results.HOSTILE;
  const hostile = [
    results.sentHost(evil, {
      engine: evil,
      notes: [evil],
      checkpoints: [evil],
      receipt: receipt(results.item(evil, 'unproven', evil)),
    }),
    results.failedHost(evil, {
      checkpoints: [evil],
      error: { code: 'ENGINE_FAILED', message: evil, hint: evil, images: [evil] },
    }),
  ];

  test.each([
    ['a terminal', terminal],
    ['a pipe', pipe],
  ])('is harmless on %s, whatever hosts say', (_, view) => {
    for (const clean of [false, true]) {
      for (const hosts of [hostile, hostile.slice(0, 1), hostile.slice(1)]) {
        const report = renderSend(results.send(hosts, { notes: [evil] }), view, { ...options, receipt: evil, clean });
        for (const line of [...report.lines, ...report.errors]) {
          expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
        }
      }
    }
  });

  test('fits 80 columns, however long the names are', () => {
    const long = `deploy@${'very-long-'.repeat(8)}host.internal:2222`;
    const hosts = [results.sentHost(long), results.failedHost('b', { state: 'failed' })];
    for (const line of renderSend(results.send(hosts), terminal, options).lines) {
      expect(Array.from(line).length).toBeLessThanOrEqual(80);
    }
  });
});
