import { describe, expect, test } from '@jest/globals';
import { signalStatus } from '../../src/cli/exit-codes.js';
import { asTransferError, failureJson, failureText } from '../../src/cli/failure.js';
import { Interrupted } from '../../src/cli/interruption.js';
import { type Interruptible } from '../../src/commands/options.js';
import { type SendResult } from '../../src/commands/results.js';
import { type ErrorCode, exitStatusOf, TransferError } from '../../src/primitives/errors.js';
import { Captured, fails, ferry, systemError, terminal } from './helpers.js';
import * as results from './results.js';

describe('a result', () => {
  test.each([
    ['pack', ['a', '-o', 'release.tar.zst'], results.pack()],
    ['load', ['a'], results.load([results.item('a', 'proven')])],
    ['send', ['a', '--to', 'h'], results.send([results.sentHost('h')])],
    ['list', ['a'], results.list()],
    ['inspect', ['a'], results.inspect()],
    ['verify', ['a'], results.verify()],
    ['diff', ['a', 'b'], results.diff()],
    ['inventory', ['-o', 'site.json'], results.inventory({ output: 'site.json' })],
    ['prune', ['a', '--keep-last', '5'], results.prune()],
  ] as const)('of %s is text, or exactly one JSON document', async (verb, words, result) => {
    const text = await ferry([verb, ...words], { result });
    expect(text).toMatchObject({ status: 0, stderr: '', calls: [{ verb }] });
    expect(text.stdout).toMatch(/^[^{].*\n$/s);
    const json = await ferry([verb, ...words, '--json'], { result });
    expect(json).toMatchObject({ status: 0, stderr: '' });
    expect(json.stdout).toBe(`${JSON.stringify(result, null, 2)}\n`);
  });

  test.each([
    ['pack', ['a', '-o', 'x.tar'], results.pack(), true],
    ['pack', ['a', '-o', 'x.tar', '--dry-run'], results.pack({ dryRun: true }), false],
    ['load', ['a'], results.load([results.item('a', 'proven')]), true],
    ['send', ['a', '--to', 'h'], results.send([results.sentHost('h')]), true],
    ['send', ['a', '--to', 'h'], results.send([results.failedHost('h')]), false],
    ['verify', ['a'], results.verify(), true],
    ['verify', ['a'], results.verify({ faults: [results.fault] }), false],
    ['list', ['a'], results.list(), false],
    ['diff', ['a', 'b'], results.diff(), false],
    ['inventory', ['-o', 'site.json'], results.inventory({ output: 'site.json' }), true],
    ['prune', ['a', '--keep', 'a'], results.prune(), true],
    ['prune', ['a', '--keep', 'a', '--dry-run'], results.prune({ dryRun: true }), false],
    ['inventory', ['--compact'], results.inventory({ document: 'image-ferry.inventory/1\n' }), false],
  ] as const)('of %s %j with --quiet is shown only if it was asked for', async (verb, words, result, silent) => {
    const { stdout } = await ferry([verb, ...words, '-q'], { result });
    expect(stdout === '').toBe(silent);
  });

  test('with faults is shown, the faults on standard error, and the status is theirs', async () => {
    const { status, stdout, stderr } = await ferry(['list', 'a'], {
      result: results.list({ faults: [results.fault] }),
    });
    expect(status).toBe(3);
    expect(stdout).toContain('app:1.0');
    expect(stderr).toMatch(/^fault: a\.tar: blobs/);
  });

  test('that cannot be written is an error', async () => {
    const stdout = new Captured(undefined, systemError('ENOSPC'));
    const { status, stderr } = await ferry(['list', 'a'], { result: results.list(), stdout });
    expect(status).toBe(7);
    expect(stderr).toContain('standard output: no space left on the device');
  });

  test.each(['EPIPE', 'ERR_STREAM_DESTROYED'])('that nobody reads any more (%s) is none', async (code) => {
    const stdout = new Captured(undefined, systemError(code));
    expect(await ferry(['list', 'a'], { result: results.list(), stdout })).toMatchObject({ status: 0, stderr: '' });
  });

  test('is shown even if standard error is closed', async () => {
    const stderr = new Captured(undefined, systemError('EIO'));
    const { status, stdout } = await ferry(['list', 'a'], {
      result: results.list({ faults: [results.fault] }),
      stderr,
    });
    expect(status).toBe(3);
    expect(stdout).toContain('app:1.0');
  });
});

describe('a bundle on standard output', () => {
  const words = ['pack', 'a', '-o', '-'];

  test('has it for itself', async () => {
    const { status, stdout, stderr, calls } = await ferry(words, {
      act: (options: { standardOutput: Captured }) => {
        options.standardOutput.write('BUNDLE');
        return Promise.resolve(results.pack({ output: '-' }));
      },
    });
    expect({ status, stdout }).toStrictEqual({ status: 0, stdout: 'BUNDLE' });
    expect(stderr).toContain('packed: standard output');
    expect(calls).toMatchObject([{ verb: 'pack', options: { output: '-', sources: ['a'] } }]);
  });

  test('is not written by a dry run, which may print there', async () => {
    const { stdout, stderr, calls } = await ferry([...words, '--dry-run', '--json'], {
      result: results.pack({ output: '-', dryRun: true }),
      stdout: new Captured({ columns: 80 }),
    });
    expect(JSON.parse(stdout)).toMatchObject({ dryRun: true });
    expect(stderr).toBe('');
    expect(calls[0]?.options).not.toHaveProperty('standardOutput');
  });

  test('whose reader goes away ends quietly, but not well', async () => {
    const cause = systemError('EPIPE');
    for (const error of [cause, new TransferError('IO', 'standard output', { cause })]) {
      expect(await ferry(words, { act: fails(error) })).toMatchObject({ status: 141, stdout: '', stderr: '' });
    }
  });

  test('that fails says so on standard error', async () => {
    const act = fails(new TransferError('BLOB_CORRUPT', 'a: bad'));
    expect(await ferry(words, { act })).toMatchObject({ status: 3, stdout: '', stderr: 'ferry: a: bad\n' });
  });
});

describe('an error', () => {
  const error = new TransferError('NOT_FOUND', 'a.tar: no such file', { hint: 'Check the path.', side: 'source' });

  test('is one line with its hint', async () => {
    expect(await ferry(['list', 'a.tar'], { act: fails(error) })).toMatchObject({
      status: 5,
      stdout: '',
      stderr: 'ferry: a.tar: no such file\n  hint: Check the path.\n',
    });
  });

  test('is one JSON object with --json', async () => {
    const { status, stdout, stderr } = await ferry(['list', 'a.tar', '--json'], { act: fails(error) });
    expect({ status, stderr }).toStrictEqual({ status: 5, stderr: '' });
    expect(JSON.parse(stdout)).toStrictEqual({
      error: {
        code: 'NOT_FOUND',
        message: 'a.tar: no such file',
        hint: 'Check the path.',
        side: 'source',
        exitStatus: 5,
      },
    });
  });

  test('is not JSON because a SOURCE is called --json', async () => {
    const { stdout, stderr } = await ferry(['list', '--', '--json'], { act: fails(error) });
    expect(stdout).toBe('');
    expect(stderr).toContain('no such file');
  });

  test('is coloured on a terminal, unless that is not wanted', async () => {
    const shown = async (env: Record<string, string>): Promise<string> =>
      (await ferry(['list', 'a'], { act: fails(error), stderr: new Captured({ columns: 80 }), env })).stderr;
    expect(await shown({})).toMatch(/^\u001b\[31mferry\u001b\[0m: a\.tar/);
    expect(await shown({ NO_COLOR: '1' })).toMatch(/^ferry: a\.tar/);
  });

  test('never carries control characters to the terminal', () => {
    const evil = new TransferError('BAD_ARCHIVE', results.HOSTILE, { hint: results.HOSTILE });
    const shown = failureText(evil, terminal, true);

    expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(failureText(evil, terminal, false).split('\n')).toHaveLength(3);
  });

  test.each<[unknown, ErrorCode, RegExp]>([
    [Object.assign(systemError('ENOSPC'), { path: '/mnt/x' }), 'DISK_FULL', /^\/mnt\/x: no space left/],
    [systemError('EIO'), 'IO', /^write: the device reported/],
    [new TypeError('x is undefined'), 'INTERNAL', /^unexpected: x is undefined$/],
    ['a string', 'INTERNAL', /^unexpected: a string$/],
    [undefined, 'INTERNAL', /^unexpected: undefined$/],
    [null, 'INTERNAL', /^unexpected: null$/],
    [{ message: 'odd' }, 'INTERNAL', /^unexpected: odd$/],
    [Object.assign(new Error('coded'), { code: 'ERR_ASSERTION' }), 'INTERNAL', /^unexpected: coded$/],
    [error, 'NOT_FOUND', /^a\.tar/],
  ])('%#: whatever is thrown becomes one', (thrown, code, message) => {
    const shown = asTransferError(thrown);
    expect(shown.code).toBe(code);
    expect(shown.message).toMatch(message);
    expect(JSON.parse(failureJson(shown))).toMatchObject({ error: { code, exitStatus: exitStatusOf[code] } });
  });

  test('shows the stacks of itself and its causes only with FERRY_DEBUG=1', async () => {
    const act = fails(new TransferError('IO', 'outer', { cause: new Error('inner') }));
    expect((await ferry(['list', 'a'], { act })).stderr).toBe('ferry: outer\n');
    const { stderr } = await ferry(['list', 'a'], { act, env: { FERRY_DEBUG: '1' } });
    expect(stderr).toMatch(/TransferError: outer\n {4}at .*Error: inner\n {4}at /s);
    const json = await ferry(['list', 'a', '--json'], { act, env: { FERRY_DEBUG: '1' } });
    expect(JSON.parse(json.stdout)).toHaveProperty('error.code', 'IO');
    expect(json.stderr).toContain('Error: inner');
  });
});

describe('an interruption', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'by %s is one word, whatever the command made of it',
    async (name) => {
      for (const thrown of ['the reason', 'something else']) {
        const controller = new AbortController();
        const outcome = await ferry(['list', 'a', '--json'], {
          signal: controller.signal,
          act: (_options, { signal }) => {
            controller.abort(new Interrupted(name));
            return fails(thrown === 'the reason' ? signal.reason : new Error(thrown))();
          },
        });
        expect(outcome).toMatchObject({ status: signalStatus[name], stdout: '', stderr: 'ferry: interrupted\n' });
      }
    },
  );
});

describe('an interrupted send', () => {
  const hosts = [results.sentHost('a'), results.failedHost('b', { state: 'interrupted' })];
  const words = ['send', 'app:1.4', '--to', 'a', '--to', 'b'];
  const interrupt = (): Parameters<typeof ferry>[1] => {
    const controller = new AbortController();
    return {
      signal: controller.signal,
      act: (_options, context) => {
        controller.abort(new Interrupted('SIGINT'));
        (context as Interruptible<SendResult>).onInterrupted?.(results.send(hosts));
        return fails(controller.signal.reason)();
      },
    };
  };

  test('shows what became of the hosts', async () => {
    const { status, stdout, stderr } = await ferry(words, interrupt());
    expect({ status, stderr }).toStrictEqual({ status: 130, stderr: 'ferry: interrupted\n' });
    expect(stdout).toMatch(/^a +sent, proven .*\nb +interrupted /m);
    expect(stdout).toContain('1 host done, 1 interrupted');
  });

  test('is one document with --json', async () => {
    const { status, stdout } = await ferry([...words, '--json'], interrupt());
    expect(status).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ hosts: [{ state: 'done' }, { state: 'interrupted' }] });
  });
});

describe('progress', () => {
  const events = (_options: never, { emit }: { emit: (event: never) => void }): Promise<unknown> => {
    for (const event of [
      { type: 'start', what: 'packing', bytes: 4 },
      { type: 'note', message: 'look' },
      { type: 'end' },
    ]) {
      emit(event as never);
    }
    return Promise.resolve(results.pack());
  };

  test('goes to standard error only', async () => {
    const { stdout, stderr } = await ferry(['pack', 'a', '-o', 'x.tar', '--json'], { act: events });
    expect(JSON.parse(stdout)).toMatchObject({ output: 'release.tar.zst' });
    expect(stderr).toBe('note: look\n');
  });

  test('ends before the result or the error appears', async () => {
    const stderr = new Captured({ columns: 80 });
    const act = (_options: never, { emit }: { emit: (event: never) => void }): Promise<never> => {
      emit({ type: 'start', what: 'packing', bytes: 4 } as never);
      return fails(new TransferError('IO', 'gone'))();
    };
    await ferry(['list', 'a'], { act: act, stderr, env: { NO_COLOR: '1' } });

    expect(stderr.text).toMatch(/\u001b\[\d*Kferry: gone\n$/);
  });
});

describe('the engine of the surroundings', () => {
  test('is taken when none is named', async () => {
    const engine = async (...words: string[]): Promise<unknown> =>
      (await ferry(['list', 'a', ...words], { result: results.list(), engine: 'docker' })).calls[0]?.options;
    expect(await engine()).toStrictEqual({ sources: ['a'], engine: 'docker' });
    expect(await engine('--engine', 'podman')).toStrictEqual({ sources: ['a'], engine: 'podman' });
  });
});
