import { describe, expect, test } from '@jest/globals';
import { exitMeanings, exitTable } from '../../src/cli/exit-codes.js';
import { statusOf } from '../../src/cli/outcome.js';
import { type Fault, type SentHost } from '../../src/commands/results.js';
import { type ErrorCode, exitStatusOf, TransferError } from '../../src/primitives/errors.js';
import { fails, ferry } from './helpers.js';
import * as results from './results.js';

describe('exit statuses', () => {
  const of = (...codes: ErrorCode[]): number =>
    statusOf({ faults: codes.map((code): Fault => ({ ...results.fault, code })) });

  test('of faults: damage first, else the lowest', () => {
    expect(of()).toBe(0);
    expect(of('IO')).toBe(7);
    expect(of('IO', 'BLOB_CORRUPT')).toBe(3);
    expect(of('INTERNAL', 'BLOB_MISSING')).toBe(3);
    expect(of('BASE_MISSING', 'IO')).toBe(6);
  });

  test('of loads: 0 means proven', () => {
    const load = (...states: Parameters<typeof results.item>[1][]): number =>
      statusOf(results.load(states.map((state) => results.item('a', state))));
    expect(load('proven', 'present', 'skipped', 'stored')).toBe(0);
    expect(load('proven', 'unproven')).toBe(4);
    expect(statusOf(results.diff())).toBe(0);
  });

  test('of sends: 0 only if every host has every image', () => {
    const failed = (code: ErrorCode): SentHost => results.failedHost('b', { error: { ...results.fault, code } });
    const send = (...hosts: SentHost[]): number => statusOf(results.send(hosts));
    const unproven = { items: [results.item('a', 'unproven')], bytesMoved: 1 };
    expect(send(results.sentHost('a'), results.sentHost('b'))).toBe(0);
    expect(send(results.sentHost('a', { state: 'planned' }), results.sentHost('b', { state: 'cleaned' }))).toBe(0);
    expect(send(results.sentHost('a'), results.sentHost('b', { receipt: unproven }))).toBe(4);
    expect(send(results.sentHost('a'), failed('HOST_REFUSED'))).toBe(4);
    expect(send(failed('IO'), failed('BASE_MISSING'))).toBe(6);
    expect(send(failed('IO'), failed('BLOB_CORRUPT'))).toBe(3);
    expect(send({ ...results.sentHost('a'), state: 'failed' })).toBe(4);
  });

  test('all have a meaning, and every code is in the table once', () => {
    const rows = exitTable();
    expect(rows.map((row) => row.status)).toStrictEqual([...Object.keys(exitMeanings), '128+n']);
    expect(rows.flatMap((row) => row.codes).sort()).toStrictEqual(Object.keys(exitStatusOf).sort());
  });
});

describe('help', () => {
  const verbs = ['pack', 'load', 'send', 'list', 'inspect', 'verify', 'diff', 'inventory', 'prune', 'completion'];

  test.each([[], ...verbs.map((verb) => [verb])])('%s fits 80 columns, and names no placeholder', async (...words) => {
    const { status, stdout, stderr } = await ferry([...words, '--help']);
    expect({ status, stderr }).toStrictEqual({ status: 0, stderr: '' });
    expect(stdout).not.toMatch(/\$0|undefined| $/m);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test.each(verbs)('of %s has examples that ferry itself understands', async (verb) => {
    const { stdout } = await ferry([verb, '--help']);
    const examples = stdout.split('Examples:\n')[1]?.match(/ferry [a-z].*/g) ?? [];
    expect(examples.length).toBeGreaterThanOrEqual(2);
    for (const example of examples) {
      const words = example
        .replace(/ [|>].*/, '')
        .replace(/ --json\).*/, '')
        .replace(/\).*/, '')
        .replaceAll("'", '');
      const { stderr } = await ferry(words.split(/ +/).slice(1), { act: fails(new TransferError('IO', 'called')) });
      expect({ example, stderr }).toStrictEqual({
        example,
        stderr: verb === 'completion' ? '' : expect.stringMatching(/^(ferry: called\n)?$/),
      });
    }
  });

  test('is the same for a pipe and for docker, but for the name', async () => {
    const own = (await ferry(['pack', '-h'])).stdout;
    const docker = (await ferry(['pack', '-h'], { program: 'docker ferry' })).stdout;
    expect(docker).toBe(own.replace(/^(Usage: | {2}|.*\| )ferry pack/gm, '$1docker ferry pack'));
  });
});
