import { describe, expect, test } from '@jest/globals';
import { makeProgress } from '../../src/cli/progress.js';
import { barLine } from '../../src/cli/progress-bar.js';
import { type Snapshot } from '../../src/cli/progress-state.js';
import { type Progress } from '../../src/cli/progress-lines.js';
import { lengthOf } from '../../src/cli/render/text.js';
import { Captured } from './helpers.js';
import { HOSTILE } from './results.js';

type Mode = Parameters<typeof makeProgress>[0]['progress'];

interface Bench {
  readonly progress: Progress;
  readonly stderr: Captured;
  readonly stdout: Captured;
  readonly wait: (ms: number) => void;
}

function bench(mode: Mode, { terminal = false, quiet = false, env = {} } = {}): Bench {
  let now = 0;
  const stderr = new Captured(terminal ? { columns: 80 } : undefined);
  const stdout = new Captured();
  const progress = makeProgress(
    { quiet, progress: mode, json: false },
    { stdout, stderr, stdinIsTerminal: false, env },
    'one',
    () => now,
  );
  return { progress, stderr, stdout, wait: (ms) => (now += ms) };
}

const MB = 1_000_000;

describe('plain lines', () => {
  test('come at every quarter, however fast it goes', () => {
    const { progress, stderr, wait } = bench('auto');
    progress.emit({ type: 'start', what: 'packing', bytes: 100 * MB });
    for (let n = 0; n < 100; n++) {
      wait(100);
      progress.emit({ type: 'bytes', bytes: MB });
    }
    progress.emit({ type: 'end' });
    expect(stderr.lines).toStrictEqual([
      'packing: 25 %, 25.0 MB of 100.0 MB, 10.0 MB/s',
      'packing: 50 %, 50.0 MB of 100.0 MB, 10.0 MB/s',
      'packing: 75 %, 75.0 MB of 100.0 MB, 10.0 MB/s, 3 s left',
    ]);
  });

  test('do not come for what is over at once', () => {
    const { progress, stderr, wait } = bench('auto');
    progress.emit({ type: 'start', what: 'packing', bytes: 100 * MB });
    for (let n = 0; n < 100; n++) {
      wait(19);
      progress.emit({ type: 'bytes', bytes: MB });
    }
    progress.emit({ type: 'end' });
    expect(stderr.lines).toStrictEqual([]);
  });

  test('come every ten seconds, however slowly it goes', () => {
    const { progress, stderr, wait } = bench('plain', { terminal: true });
    progress.emit({ type: 'start', what: 'packing', bytes: 1000 * MB });
    for (let n = 0; n < 35; n++) {
      wait(1000);
      progress.emit({ type: 'bytes', bytes: MB });
    }
    expect(stderr.lines).toStrictEqual([
      'packing: 1 %, 10.0 MB of 1.0 GB, 1.0 MB/s, 16 min 30 s left',
      'packing: 2 %, 20.0 MB of 1.0 GB, 1.0 MB/s, 16 min 20 s left',
      'packing: 3 %, 30.0 MB of 1.0 GB, 1.0 MB/s, 16 min 10 s left',
    ]);
  });

  test('come without a total too', () => {
    const { progress, stderr, wait } = bench('plain');
    progress.emit({ type: 'start', what: 'reading', bytes: undefined });
    wait(10_000);
    progress.emit({ type: 'bytes', bytes: 5 * MB });
    expect(stderr.lines).toStrictEqual(['reading: 5.0 MB, 500.0 kB/s']);
  });

  test('skip quarters that one step leaps over, and start anew with the next phase', () => {
    const { progress, stderr, wait } = bench('plain');
    for (const what of ['reading', 'packing']) {
      progress.emit({ type: 'start', what, bytes: 100 });
      wait(3000);
      progress.emit({ type: 'bytes', bytes: 60 });
      wait(1000);
      progress.emit({ type: 'bytes', bytes: 40 });
      progress.emit({ type: 'end' });
    }
    expect(stderr.lines).toStrictEqual([
      'reading: 60 %, 60 B of 100 B, 20 B/s',
      'packing: 60 %, 60 B of 100 B, 20 B/s',
    ]);
  });

  test('carry notes at once', () => {
    const { progress, stderr } = bench('auto');
    progress.emit({ type: 'note', message: `careful ${HOSTILE}` });
    expect(stderr.lines).toHaveLength(1);
    expect(stderr.text).toMatch(/^note: careful evil\\x1b\[2J/);
  });

  test('replace the bar on a dumb terminal', () => {
    const { progress, stderr, wait } = bench('auto', { terminal: true, env: { TERM: 'dumb' } });
    progress.emit({ type: 'start', what: 'packing', bytes: 20 });
    wait(2000);
    progress.emit({ type: 'bytes', bytes: 10 });
    expect(stderr.text).toBe('packing: 50 %, 10 B of 20 B, 5 B/s\n');
  });
});

describe('JSON lines', () => {
  test('say every event, and the sum of bytes at most once a second and at the end', () => {
    const { progress, stderr, wait } = bench('json', { terminal: true });
    progress.emit({ type: 'start', what: 'packing', bytes: 100 });
    progress.emit({ type: 'image', name: 'docker.io/library/app:1.0' });
    for (let n = 0; n < 8; n++) {
      progress.emit({ type: 'bytes', bytes: 10 });
      wait(300);
    }
    progress.emit({ type: 'note', message: HOSTILE });
    progress.emit({ type: 'end' });
    expect(stderr.lines.map((line) => JSON.parse(line) as unknown)).toStrictEqual([
      { type: 'start', what: 'packing', bytes: 100 },
      { type: 'image', name: 'docker.io/library/app:1.0' },
      { type: 'progress', bytes: 10, total: 100, bytesPerSecond: 0 },
      { type: 'progress', bytes: 50, total: 100, bytesPerSecond: 42 },
      { type: 'note', message: HOSTILE },
      { type: 'progress', bytes: 80, total: 100, bytesPerSecond: 33 },
      { type: 'end' },
    ]);
  });
});

describe('nothing', () => {
  test.each([
    ['none', false],
    ['auto', true],
    ['json', true],
  ] as const)('is shown with --progress %s and --quiet %s', (mode, quiet) => {
    const { progress, stderr, stdout } = bench(mode, { quiet, terminal: true });
    progress.emit({ type: 'start', what: 'packing', bytes: 100 });
    progress.emit({ type: 'bytes', bytes: 100 });
    progress.emit({ type: 'note', message: 'x' });
    progress.stop();
    expect(stderr.text + stdout.text).toBe('');
  });
});

describe('the bar', () => {
  test('is drawn on standard error, keeps notes above it, and leaves nothing behind', () => {
    const { progress, stderr, stdout } = bench('auto', { terminal: true });
    progress.emit({ type: 'start', what: 'packing', bytes: 100 });
    progress.emit({ type: 'image', name: 'docker.io/library/app:1.0' });
    progress.emit({ type: 'bytes', bytes: 50 });
    progress.emit({ type: 'note', message: 'careful\u001b[2J' });
    progress.emit({ type: 'end' });
    progress.stop();
    expect(stdout.text).toBe('');
    expect(stderr.text).toContain('packing [##########..........]  50 % 50 B of 100 B');
    expect(stderr.text).toContain('\u001b[2Kcareful\\x1b[2J\n');

    expect(stderr.text).toMatch(/\u001b\[\d*K$/);
    expect(stderr.text.split('\n')).toHaveLength(2);
    // Where the cursor is put back to must be below the note, and the terminal must be left as it was.
    const [before = '', after = ''] = stderr.text.split('careful');
    expect(before.split('\u001b7').length).toBe(before.split('\u001b8').length);
    expect(after.split('\u001b7').length).toBe(after.split('\u001b8').length);
    expect(stderr.text).not.toContain('\u001b[?7l');
  });

  test('can be stopped before it began, and stopped twice', () => {
    const { progress, stderr } = bench('auto', { terminal: true });
    progress.stop();
    progress.emit({ type: 'bytes', bytes: 1 });
    expect(stderr.text).toBe('');
    progress.emit({ type: 'start', what: 'a', bytes: undefined });
    progress.emit({ type: 'start', what: 'b', bytes: 0 });
    progress.stop();
    progress.stop();
  });

  const snapshot: Snapshot = {
    what: 'packing',
    bytes: 312_400_000,
    total: 1_200_000_000,
    rate: 80_100_000,
    left: 11,
    image: 'registry.example.internal/team/service:2026.01.02',
  };

  test.each([
    [
      200,
      'packing [#####...............]  26 % 312.4 MB of 1.2 GB 80.1 MB/s 11 s left  registry.example.internal/team/service:2026.01.02',
    ],
    [100, 'packing [#####...............]  26 % 312.4 MB of 1.2 GB 80.1 MB/s 11 s left  registry.ex…2026.01.02'],
    [80, 'packing [###.......]  26 % 312.4 MB of 1.2 GB 80.1 MB/s 11 s left  regist…01.02'],
    [60, 'packing  26 % 312.4 MB of 1.2 GB 80.1 MB/s 11 s left'],
    [50, 'packing  26 % 312.4 MB of 1.2 GB 11 s left'],
    [40, 'packing  26 % 312.4 MB of 1.2 GB'],
    [20, 'packing  26 %'],
    [8, 'packin…'],
  ])('fits %d columns', (columns, line) => {
    expect(barLine(snapshot, columns)).toBe(line);
  });

  test('fits any width', () => {
    for (let columns = 2; columns < 200; columns++) {
      expect(lengthOf(barLine(snapshot, columns))).toBeLessThan(columns);
      expect(lengthOf(barLine({ ...snapshot, total: undefined, left: undefined }, columns))).toBeLessThan(columns);
    }
  });
});
