import { PassThrough } from 'node:stream';
import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { makeAsk } from '../../src/cli/ask.js';
import { Interrupted } from '../../src/cli/interruption.js';
import { type Terminals } from '../../src/cli/terminal.js';
import { type Ask } from '../../src/transports/ssh/settings.js';
import { Captured, ferry } from './helpers.js';
import { HOSTILE, send, sentHost } from './results.js';

/** A terminal whose user types what a test says; keeps what is shown and done, in order. */
class Keyboard implements Terminals {
  readonly log: string[] = [];
  readonly controller = new AbortController();
  gone = false;
  #input: PassThrough | undefined;

  readonly available = (): boolean => !this.gone;

  readonly open: Terminals['open'] = () => {
    if (this.gone) return undefined;
    const input = new PassThrough();
    this.#input = input;
    this.log.push('open');
    return {
      input: Object.assign(input, { setRawMode: (raw: boolean) => this.log.push(raw ? 'hidden' : 'shown') }),
      write: (text) => void this.log.push(text),
      close: () => {
        this.log.push('close');
        input.destroy();
      },
    };
  };

  readonly interrupt = (): void => {
    this.log.push('interrupt');
    this.controller.abort(new Interrupted('SIGINT'));
  };

  async type(...chunks: (string | Buffer)[]): Promise<void> {
    for (const chunk of chunks) {
      await tick();
      this.#input?.write(chunk);
    }
    await tick();
  }

  async hangUp(how: 'end' | 'error'): Promise<void> {
    await tick();
    if (how === 'end') this.#input?.end();
    else this.#input?.emit('error', new Error('EIO'));
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }
}

function bench(): { keys: Keyboard; ask: Ask } {
  const keys = new Keyboard();
  const others = { pause: () => void keys.log.push('pause'), resume: () => void keys.log.push('resume') };
  const ask = makeAsk(keys, others);
  if (ask === undefined) throw new Error('nobody to ask');
  return { keys, ask };
}

describe('a secret', () => {
  test('is not echoed, and the terminal is as it was afterwards', async () => {
    const { keys, ask } = bench();
    const answer = ask.secret('Password for deploy@prod-1:', keys.signal);
    await keys.type('sec', 'ret\r');
    expect(await answer).toBe('secret');
    expect(keys.log).toStrictEqual([
      ...['open', 'pause', 'Password for deploy@prod-1: ', 'hidden', 'shown', '\n', 'close', 'resume'],
    ]);
  });

  test.each<[string, (string | Buffer)[], string]>([
    ['Enter as a line feed', ['a\n'], 'a'],
    ['nothing', ['\r'], ''],
    ['Backspace', ['abx\u007fy\b\b\bc\u007f\u007f\u007f\u007fd\r'], 'd'],
    ['Backspace after an emoji', ['a😀\u007fb\r'], 'ab'],
    ['Ctrl-U', ['wrong\u0015right\r'], 'right'],
    ['arrow keys', ['a\u001b[Db\u001bOAc\u001b[3~\r'], 'abc'],
    ['characters that mean nothing', ['a\u0001\u0000\tb\r'], 'ab'],
    ['a character in two pieces', [Buffer.from([0xc3]), Buffer.from([0xbc]), '\r'], 'ü'],
    ['more than one line', ['one\rtwo\r'], 'one'],
    ['more than anybody types', ['x'.repeat(10_000), '\r'], 'x'.repeat(4096)],
  ])('takes %s', async (_, typed, expected) => {
    const { keys, ask } = bench();
    const answer = ask.secret('?', keys.signal);
    await keys.type(...typed);
    expect(await answer).toBe(expected);
  });

  test('ends with Ctrl-C as with the signal', async () => {
    const { keys, ask } = bench();
    const answer = ask.secret('?', keys.signal);
    const ended = expect(answer).rejects.toMatchObject({ exitStatus: 130 });
    await keys.type('abc\u0003');
    await ended;
    expect(keys.log.slice(3)).toStrictEqual(['hidden', 'interrupt', 'shown', '\n', 'close', 'resume']);
  });

  test('ends with Ctrl-C even if the signal knows nothing of it', async () => {
    const { keys, ask } = bench();
    const answer = ask.secret('?', new AbortController().signal);
    const ended = expect(answer).rejects.toBeInstanceOf(Interrupted);
    await keys.type('\u0003');
    await ended;
  });

  test('is undefined after Ctrl-D, or when the terminal goes away', async () => {
    const { keys, ask } = bench();
    const first = ask.secret('?', keys.signal);
    await keys.type('abc\u0004');
    expect(await first).toBeUndefined();
    for (const how of ['end', 'error'] as const) {
      const next = ask.secret('?', keys.signal);
      await tick();
      await keys.hangUp(how);
      expect(await next).toBeUndefined();
    }
    keys.gone = true;
    expect(await ask.secret('?', keys.signal)).toBeUndefined();
  });

  test('is given up when the signal aborts, the terminal as it was', async () => {
    const { keys, ask } = bench();
    const answer = ask.secret('?', keys.signal);
    const ended = expect(answer).rejects.toThrow('enough');
    await keys.type('abc');
    keys.controller.abort(new Error('enough'));
    await ended;
    await tick();
    expect(keys.log.slice(3)).toStrictEqual(['hidden', 'shown', '\n', 'close', 'resume']);
    await expect(ask.secret('again?', keys.signal)).rejects.toThrow('enough');
    expect(keys.log).toHaveLength(8);
  });
});

describe('a line', () => {
  test('is echoed and edited by the terminal', async () => {
    const { keys, ask } = bench();
    const answer = ask.line('Go on?', keys.signal);
    await keys.type('yes\n');
    expect(await answer).toBe('yes');
    expect(keys.log).toStrictEqual(['open', 'pause', 'Go on? ', 'close', 'resume']);
  });

  test('keeps the line breaks of the question, and nothing else that moves the cursor', async () => {
    const { keys, ask } = bench();
    const answer = ask.line(`The key is\r\n  ${HOSTILE}\nGo on?`, keys.signal);
    await keys.type('no\n');
    await answer;
    const shown = keys.log[2] ?? '';
    expect(shown).toMatch(/^The key is\n {2}evil\\x1b\[2J/);
    expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    const flood = ask.line('x\n'.repeat(1000), keys.signal);
    await keys.type('no\n');
    await flood;
    expect(keys.log.find((text) => text.startsWith('x'))?.split('\n')).toHaveLength(20);
  });
});

describe('several questions', () => {
  test('are asked one after the other', async () => {
    const { keys, ask } = bench();
    const answers = [ask.secret('a?', keys.signal), ask.line('b?', keys.signal), ask.secret('c?', keys.signal)];
    for (const text of ['1\r', '2\n', '3\r']) await keys.type(text);
    expect(await Promise.all(answers)).toStrictEqual(['1', '2', '3']);
    expect(keys.log.filter((word) => /^(.\? |open|close)$/.test(word))).toStrictEqual(
      ['a', 'b', 'c'].flatMap((name) => ['open', `${name}? `, 'close']),
    );
  });

  test('do not end because one did', async () => {
    const { keys, ask } = bench();
    const impatient = new AbortController();
    const first = ask.secret('a?', keys.signal);
    const waiting = expect(ask.secret('b?', impatient.signal)).rejects.toThrow('timeout');
    const third = ask.secret('c?', keys.signal);
    impatient.abort(new Error('timeout'));
    await waiting;
    await keys.type('1\r');
    await keys.type('3\r');
    expect(await Promise.all([first, third])).toStrictEqual(['1', '3']);
    expect(keys.log).not.toContain('b? ');
  });
});

describe('a command', () => {
  test('has nobody to ask without a terminal', async () => {
    const asked: unknown[] = [];
    const act = (_: never, context: { ask?: unknown }): Promise<unknown> => {
      asked.push(context.ask);
      return Promise.resolve(send([sentHost('h')]));
    };
    await ferry(['send', 'a', '--to', 'h'], { act });
    const keys = new Keyboard();
    await ferry(['send', 'a', '--to', 'h', '--quiet'], { act, terminals: keys });
    expect(asked).toStrictEqual([undefined, expect.objectContaining({ secret: expect.any(Function) })]);
  });

  test.each([['auto'], ['plain'], ['json']])('shows no progress (%s) while it asks', async (mode) => {
    const keys = new Keyboard();
    const stderr = new Captured({ columns: 80 });
    const parts: string[] = [];
    await ferry(['send', 'a', '--to', 'h', '--progress', mode], {
      stderr,
      terminals: keys,
      act: async (_: never, { ask, emit, signal }) => {
        emit({ type: 'host', host: 'h', state: 'connecting' });
        const answer = ask?.secret('?', signal);
        await tick();
        parts.push(stderr.text);
        emit({ type: 'host', host: 'h', state: 'asking' });
        emit({ type: 'note', message: 'careful', host: 'h' });
        parts.push(stderr.text);
        await keys.type('x\r');
        await answer;
        parts.push(stderr.text.slice(parts[1]?.length));
        return send([sentHost('h')]);
      },
    });
    expect(parts[1]).toBe(parts[0]);
    expect(parts[2]).toMatch(/careful/);
    expect(parts[2]).toMatch(/asking/);
  });
});
