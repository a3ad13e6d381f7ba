import { describe, expect, test } from '@jest/globals';
import { fractionOf, ProgressState } from '../../src/cli/progress-state.js';
import { HOSTILE } from './results.js';

describe('the state', () => {
  interface Clocked {
    readonly state: ProgressState;
    readonly left: () => number | undefined;
    /** Bytes for each of so many seconds. */
    readonly go: (seconds: number, bytes: number) => void;
  }

  function clocked(total: number | undefined): Clocked {
    let now = 0;
    const state = new ProgressState(() => now);
    state.apply({ type: 'start', what: 'x', bytes: total });
    const go = (seconds: number, bytes: number): void => {
      for (let second = 0; second < seconds; second++) {
        now += 1000;
        if (bytes > 0) state.apply({ type: 'bytes', bytes });
      }
    };
    return { state, go, left: () => state.snapshot().left };
  }

  test('knows the rate of the last ten seconds', () => {
    const { state, go } = clocked(1000);
    go(15, 30);
    go(15, 2);
    expect(state.snapshot()).toMatchObject({ bytes: 480, rate: 2 });
  });

  test('tells the time left after five seconds, counted from the first byte', () => {
    const { go, left } = clocked(1000);
    go(60, 0);
    go(5, 10);
    expect(left()).toBeUndefined();
    go(1, 10);
    expect(left()).toBe(94);
  });

  test('tells it for less than a hundredth of the way only after half a minute', () => {
    const { go, left } = clocked(100_000);
    go(30, 10);
    expect(left()).toBeUndefined();
    go(1, 10);
    expect(left()).toBe(9969);
  });

  test.each([undefined, 600, 590])('tells none of 600 bytes with a total of %p', (total) => {
    const { go, left } = clocked(total);
    go(60, 10);
    expect(left()).toBeUndefined();
  });

  test('tells it from half a minute, so that a stall or a leap changes it little', () => {
    const { go, left } = clocked(10_000);
    go(61, 100);
    expect(left()).toBe(39);
    go(3, 0);
    expect(left()).toBeCloseTo(43, 0);
    go(1, 400);
    expect(left()).toBeCloseTo(35, 0);
    go(40, 50);
    expect(left()).toBeCloseTo(1500 / 50, 5);
  });

  test('has no rate before the first second, nor before anything began', () => {
    const state = new ProgressState(() => 0);
    expect(state.snapshot()).toStrictEqual({
      what: '',
      bytes: 0,
      total: undefined,
      rate: 0,
      left: undefined,
      image: '',
    });
    state.apply({ type: 'start', what: HOSTILE, bytes: 10 });
    state.apply({ type: 'image', name: HOSTILE });
    state.apply({ type: 'bytes', bytes: 20 });
    const { what, image, rate, left } = state.snapshot();
    expect({ rate, left }).toStrictEqual({ rate: 0, left: undefined });
    expect(what + image).not.toContain('\u001b');
  });

  test('is never more than done', () => {
    expect(fractionOf({ bytes: 20, total: 10 })).toBe(1);
    expect(fractionOf({ bytes: 0, total: 0 })).toBe(1);
    expect(fractionOf({ bytes: 5, total: undefined })).toBeUndefined();
  });
});
