import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { hostLines } from '../../src/cli/progress-board.js';
import { HostProgress, type HostSnapshot } from '../../src/cli/progress-hosts.js';
import { lengthOf } from '../../src/cli/render/text.js';
import { type HostState } from '../../src/ports.js';
import { type Bench, bench, MB } from './progress-bench.js';
import { HOSTILE } from './results.js';

/** What a terminal shows in the end of what was written to it: lines, cursor up, clear to the end. */
function screen(text: string): string[] {
  const lines: string[] = [''];
  let at = 0;
  for (const [part] of text.matchAll(/\u001b\[\d*[A-Z]|\r|\n|[^\u001b\r\n]+/g)) {
    const up = /^\u001b\[(\d+)A$/.exec(part)?.[1];
    if (up !== undefined) at -= Number(up);
    else if (part === '\u001b[J') lines.splice(at, Infinity, '');
    else if (part === '\n') lines[++at] ??= '';
    else if (part !== '\r') lines[at] = (lines[at] ?? '') + part;
  }
  expect(at).toBe(lines.length - 1);
  return lines.slice(0, -1);
}

describe('the board', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  function busy(board: Bench): void {
    const { progress, wait, tell } = board;
    for (const host of ['deploy@prod-1', 'deploy@prod-2', 'prod-3', 'prod-4', 'prod-5']) tell(host, 'waiting');
    tell('deploy@prod-1', 'ready', { bytes: 300 * MB, present: 1200 * MB });
    tell('deploy@prod-2', 'ready', { bytes: 5 * MB });
    for (const host of ['deploy@prod-1', 'deploy@prod-2']) tell(host, 'sending');
    tell('prod-3', 'failed', { message: 'prod-3: connection refused' });
    for (let second = 0; second < 10; second++) {
      wait(1000);
      progress.emit({ type: 'bytes', host: 'deploy@prod-1', bytes: 12.3 * MB });
      progress.emit({ type: 'bytes', host: 'deploy@prod-2', bytes: 90_000 });
    }
    wait(100);
    tell('prod-4', 'connecting');
  }

  test('has a line for each host', () => {
    const board = bench('auto', { columns: 80, rows: 24 });
    busy(board);
    expect(screen(board.stderr.text)).toMatchInlineSnapshot(`
     [
       "deploy@prod-1  [####......]   123.0/300.0 MB 12.2 MB/s 15 s left 1.2 GB there",
       "deploy@prod-2  [##........]  900.0 kB/5.0 MB 89.1 kB/s 46 s left",
       "prod-3         failed        connection refused",
       "prod-4         connecting",
       "prod-5         waiting",
     ]
    `);
    board.progress.stop();
    board.progress.stop();
    expect(screen(board.stderr.text)).toStrictEqual([]);
  });

  test('says what became of a host', () => {
    const board = bench('auto', { columns: 80, rows: 24 });
    busy(board);
    const { progress, wait, tell } = board;
    progress.emit({ type: 'bytes', host: 'deploy@prod-1', bytes: 177 * MB });
    wait(1000);
    tell('deploy@prod-1', 'done');
    tell('deploy@prod-2', 'retrying', { message: 'the line dropped; trying again in 4 s' });
    tell('prod-4', 'ready', { bytes: 5 * MB, present: 2 * MB });
    tell('prod-5', 'proving');
    expect(screen(board.stderr.text)).toMatchInlineSnapshot(`
     [
       "deploy@prod-1  done          300.0 MB sent in 11 s, 1.2 GB there already",
       "deploy@prod-2  retrying      the line dropped; trying again in 4 s",
       "prod-3         failed        connection refused",
       "prod-4         ready         5.0 MB to send, 2.0 MB there already",
       "prod-5         proving",
     ]
    `);
  });

  test('of a dry run does not say that anything was sent', () => {
    const board = bench('auto', { columns: 80, rows: 24 });
    board.tell('a', 'ready', { bytes: 5 * MB, present: 2 * MB });
    board.tell('a', 'done');
    board.tell('b', 'done');
    board.tell('c', 'ready', { bytes: 0, present: 2 * MB });
    board.tell('c', 'done');
    expect(screen(board.stderr.text)).toStrictEqual([
      'a  done          5.0 MB to send, 2.0 MB there already',
      'b  done',
      'c  done          nothing to send, 2.0 MB there already',
    ]);
  });

  test('keeps notes above, with the host that they are about', () => {
    const board = bench('auto', { columns: 80, rows: 24 });
    board.tell('a', 'connecting');
    board.progress.emit({ type: 'note', host: 'a', message: `careful ${HOSTILE}` });
    board.progress.emit({ type: 'note', message: 'of all' });
    const [first = '', ...rest] = screen(board.stderr.text);
    expect(first).toMatch(/^a: careful evil\\x1b\[2J/);
    expect(rest).toStrictEqual(['of all', 'a  connecting']);
    board.progress.stop();
    expect(screen(board.stderr.text)).toStrictEqual([first, 'of all']);
  });

  test('has a line for a phase that is no host’s, while it lasts', () => {
    const board = bench('auto', { columns: 80, rows: 24 });
    board.tell('a', 'asking');
    board.progress.emit({ type: 'start', what: 'reading', bytes: 100 });
    board.wait(500);
    board.progress.emit({ type: 'bytes', bytes: 50 });
    expect(screen(board.stderr.text)).toStrictEqual([
      'reading [##########..........]  50 % 50 B of 100 B',
      'a  asking',
    ]);
    board.progress.emit({ type: 'end' });
    expect(screen(board.stderr.text)).toStrictEqual(['a  asking']);
  });

  test('with more hosts than lines shows those where something happens, then what failed, and a count', () => {
    const board = bench('auto', { columns: 80, rows: 8 });
    for (let n = 1; n <= 20; n++) board.tell(`h${String(n)}`, 'waiting');
    for (const n of [2, 3, 19]) board.tell(`h${String(n)}`, 'connecting');
    for (const n of [4, 5, 6]) board.tell(`h${String(n)}`, 'done');
    board.tell('h7', 'failed', { message: 'no' });
    const shown = (): string[] => screen(board.stderr.text);
    expect(shown()).toStrictEqual([
      'h2   connecting',
      'h3   connecting',
      'h7   failed        no',
      'h19  connecting',
      'and 13 waiting, 3 done',
    ]);
    for (let n = 8; n <= 18; n++) board.tell(`h${String(n)}`, 'connecting');
    expect(shown()).toHaveLength(7);
    expect(shown().at(-1)).toBe('and 2 waiting, 3 done, 1 failed, 8 connecting');
  });

  test('moves on although no byte does, and stops doing so', () => {
    const board = bench('auto', { columns: 80, rows: 24 });
    busy(board);
    const before = board.stderr.text.length;
    board.wait(1000);
    jest.advanceTimersByTime(1000);
    expect(board.stderr.text.length).toBeGreaterThan(before);
    board.progress.pause();
    const paused = board.stderr.text.length;
    jest.advanceTimersByTime(5000);
    board.tell('prod-5', 'connecting');
    expect(board.stderr.text).toHaveLength(paused);
    board.progress.resume();
    board.progress.resume();
    expect(screen(board.stderr.text)).toHaveLength(5);
    board.progress.stop();
    expect(jest.getTimerCount()).toBe(0);
  });

  test('draws at most ten times a second', () => {
    const board = bench('auto', { columns: 80, rows: 24 });
    busy(board);
    const before = board.stderr.text.split('\u001b[J').length;
    for (let n = 0; n < 1000; n++) {
      board.wait(1);
      board.progress.emit({ type: 'bytes', host: 'deploy@prod-1', bytes: 1000 });
    }
    expect(board.stderr.text.split('\u001b[J').length - before).toBeLessThanOrEqual(10);
  });

  const host = (name: string, more: Partial<HostSnapshot> = {}): HostSnapshot => ({
    ...new HostProgress(name, () => 0).snapshot(),
    ...{ state: 'sending', bytes: 312 * MB, total: 1200 * MB, rate: 80 * MB, left: 11, present: 2400 * MB },
    ...more,
  });

  test('leaves out the less important parts where it is narrow', () => {
    const names = ['deploy@prod-1', 'very-long-user@very-long-host.example.internal'];
    const shown = names.map((name, at) => host(name, at === 0 ? {} : { left: 4000, bytes: 1190 * MB }));
    const widths = [160, 100, 80, 70, 60, 50, 40, 30, 12];
    const text = widths.flatMap((columns) => [`${String(columns)}:`, ...hostLines({ shown, rest: '' }, columns)]);
    expect(text.join('\n')).toMatchInlineSnapshot(`
     "160:
     deploy@prod-1                             [#####...............]   26 % 312.0 MB of 1.2 GB 80.0 MB/s       11 s left 2.4 GB there already
     very-long-user@very-…st.example.internal  [####################]   99 %   1.2 GB of 1.2 GB 80.0 MB/s 1 h 06 min left 2.4 GB there already
     100:
     deploy@prod-1         [###.......]  312.0 MB/1.2 GB 80.0 MB/s       11 s left 2.4 GB there
     very-long-….internal  [##########]       1.2/1.2 GB 80.0 MB/s 1 h 06 min left 2.4 GB there
     80:
     deploy@prod-1         [###.......]  312.0 MB/1.2 GB 80.0 MB/s       11 s left
     very-long-….internal  [##########]       1.2/1.2 GB 80.0 MB/s 1 h 06 min left
     70:
     deploy@prod-1         [###.......]  312.0 MB/1.2 GB       11 s left
     very-long-….internal  [##########]       1.2/1.2 GB 1 h 06 min left
     60:
     deploy@prod-1     [###.......]  312.0 MB/1.2 GB
     very-lon…nternal  [##########]       1.2/1.2 GB
     50:
     deploy@prod-1     [###.......]  312.0 MB/1.2 GB
     very-lon…nternal  [##########]       1.2/1.2 GB
     40:
     deplo…od-1  [###.......]
     very-…rnal  [##########]
     30:
     deplo…od-1  [###.......]
     very-…rnal  [##########]
     12:
     deplo…od-1…
     very-…rnal…"
    `);
  });

  test('fits any width', () => {
    const states: HostState[] = ['waiting', 'ready', 'sending', 'retrying', 'done'];
    const shown = states.map((state) => host(`deploy@${state}`, { state, message: 'x'.repeat(200) }));
    for (let columns = 2; columns < 200; columns++) {
      const all = [
        ...hostLines({ shown, rest: 'and 3 waiting' }, columns),
        ...hostLines({ shown: [], rest: '' }, columns),
      ];
      for (const line of [
        ...all,
        ...hostLines({ shown: [host('a', { total: undefined, left: undefined })], rest: '' }, columns),
      ]) {
        expect(lengthOf(line)).toBeLessThan(columns);
      }
    }
  });

  test('carries no control characters', () => {
    const board = bench('auto', { columns: 80, rows: 24 });
    board.tell(HOSTILE, 'failed', { message: HOSTILE });
    board.progress.emit({ type: 'image', host: HOSTILE, name: HOSTILE });
    expect(screen(board.stderr.text).join('')).toMatch(/^evil\\x1b\[2J/);
    expect(board.stderr.text).not.toContain('\u202e');
  });
});
