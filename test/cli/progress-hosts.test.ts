import { describe, expect, test } from '@jest/globals';
import { bench, MB } from './progress-bench.js';

describe('plain lines of several hosts', () => {
  test('come at each change of state, and every ten seconds while it sends', () => {
    const { progress, stderr, wait, tell } = bench('plain');
    for (const host of ['a', 'b']) tell(host, 'waiting');
    for (const state of ['connecting', 'asking'] as const) tell('a', state);
    tell('b', 'connecting');
    tell('a', 'ready', { bytes: 100 * MB, present: 1200 * MB });
    tell('a', 'sending');
    tell('b', 'failed', { message: 'b: connection refused' });
    for (let second = 0; second < 25; second++) {
      wait(1000);
      progress.emit({ type: 'bytes', host: 'a', bytes: 4 * MB });
      tell('a', 'sending');
    }
    for (const state of ['proving', 'naming', 'done'] as const) tell('a', state);
    expect(stderr.lines).toStrictEqual([
      'a: connecting',
      'a: asking',
      'b: connecting',
      'a: ready: 100.0 MB to send, 1.2 GB there already',
      'a: sending',
      'b: failed',
      'a: sending: 40 %, 40.0 MB of 100.0 MB, 4.0 MB/s, 15 s left',
      'a: sending: 80 %, 80.0 MB of 100.0 MB, 4.0 MB/s, 5 s left',
      'a: proving',
      'a: naming',
      'a: done: 100.0 MB sent in 25 s, 1.2 GB there already',
    ]);
  });

  test('say once why it tries again, and then count anew', () => {
    const { progress, stderr, wait, tell } = bench('plain');
    tell('a', 'ready', { bytes: 100 * MB });
    tell('a', 'sending');
    wait(5000);
    progress.emit({ type: 'bytes', host: 'a', bytes: 30 * MB });
    progress.emit({ type: 'note', host: 'a', message: 'a: the line dropped' });
    tell('a', 'retrying', { message: 'a: the line dropped' });
    tell('a', 'ready', { bytes: 70 * MB, present: 30 * MB });
    tell('a', 'sending');
    for (let second = 0; second < 10; second++) {
      wait(1000);
      progress.emit({ type: 'bytes', host: 'a', bytes: 3.5 * MB });
    }
    progress.emit({ type: 'note', message: 'of all' });
    expect(stderr.lines).toStrictEqual([
      'a: ready: 100.0 MB to send',
      'a: sending',
      'note: a: the line dropped',
      'a: retrying',
      'a: ready: 70.0 MB to send, 30.0 MB there already',
      'a: sending',
      'a: sending: 50 %, 35.0 MB of 70.0 MB, 3.5 MB/s, 10 s left',
      'note: of all',
    ]);
  });

  test.each([
    [false, 'a: failed'],
    [true, 'a: failed: (port 22): connection refused'],
  ])('leave it to the result why one failed, unless that is JSON (%p)', (json, line) => {
    const { stderr, tell } = bench('plain', undefined, json);
    tell('a', 'failed', { message: 'a (port 22): connection refused' });
    expect(stderr.lines).toStrictEqual([line]);
  });

  test('say that it sends when bytes move although another part is being proven', () => {
    const { progress, stderr, wait, tell } = bench('plain');
    tell('a', 'sending', { bytes: 100 * MB });
    tell('a', 'proving');
    wait(10_000);
    progress.emit({ type: 'bytes', host: 'a', bytes: 50 * MB });
    tell('a', 'proving');
    expect(stderr.lines).toStrictEqual(['a: sending', 'a: proving', 'a: sending: 50 %, 50.0 MB of 100.0 MB, 5.0 MB/s']);
  });

  test('say once what a dry run would send', () => {
    const { stderr, tell } = bench('plain');
    tell('a', 'ready', { bytes: 5 * MB, present: 2 * MB });
    tell('a', 'done');
    expect(stderr.lines).toStrictEqual(['a: ready: 5.0 MB to send, 2.0 MB there already', 'a: done']);
  });

  test('of a phase that is no host’s are as ever', () => {
    const { progress, stderr, wait, tell } = bench('plain');
    tell('a', 'connecting');
    progress.emit({ type: 'start', what: 'reading', bytes: 100 });
    wait(10_000);
    progress.emit({ type: 'bytes', bytes: 50 });
    progress.emit({ type: 'end' });
    expect(stderr.lines).toStrictEqual(['a: connecting', 'reading: 50 %, 50 B of 100 B, 5 B/s']);
  });
});

describe('JSON lines of several hosts', () => {
  test('say events as they are, and the bytes of each host at most once a second and at its changes', () => {
    const { progress, stderr, wait, tell } = bench('json');
    for (const host of ['a', 'b']) {
      tell(host, 'ready', { bytes: 100, present: 7 });
      tell(host, 'sending');
    }
    progress.emit({ type: 'image', host: 'a', name: 'docker.io/library/app:1' });
    for (let n = 0; n < 10; n++) {
      wait(150);
      progress.emit({ type: 'bytes', host: 'a', bytes: 10 });
      progress.emit({ type: 'bytes', host: 'b', bytes: 1 });
    }
    tell('a', 'proving');
    tell('a', 'done');
    const sum = (host: string, bytes: number, bytesPerSecond: number): unknown => ({
      ...{ type: 'progress', host, bytes, total: 100, bytesPerSecond },
    });
    expect(stderr.lines.map((line) => JSON.parse(line) as unknown)).toStrictEqual([
      { type: 'host', host: 'a', state: 'ready', bytes: 100, present: 7 },
      { type: 'host', host: 'a', state: 'sending' },
      { type: 'host', host: 'b', state: 'ready', bytes: 100, present: 7 },
      { type: 'host', host: 'b', state: 'sending' },
      { type: 'image', host: 'a', name: 'docker.io/library/app:1' },
      sum('a', 10, 0),
      sum('b', 1, 0),
      sum('a', 80, 67),
      sum('b', 8, 7),
      sum('a', 100, 67),
      { type: 'host', host: 'a', state: 'proving' },
      { type: 'host', host: 'a', state: 'done' },
    ]);
  });
});
