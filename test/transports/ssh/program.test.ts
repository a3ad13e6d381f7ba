import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { localMachine } from '../../../src/transports/machine/local.js';
import { type Connection } from '../../../src/transports/ssh/index.js';
import { LaterChild } from '../../../src/transports/ssh/later-child.js';
import { type Home, makeHome, script, type Try, tryConnect } from './fixtures.js';

// What a client that is run does not show by itself.

let home: Home;
const open: Connection[] = [];
beforeEach(() => {
  home = makeHome();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close()));
  home.remove();
});

describe('clients that ask on the terminal by themselves', () => {
  /** Stands for `ssh`: notes when it begins to connect, and when it has; does not get through to `dead`. */
  const fakeClient = (): string => {
    const file = home.put(
      'client',
      `#!/bin/sh
words="$*"
case "$words" in *" -G "*) exit 0 ;; esac
while [ $# -gt 0 ]; do
  case "$1" in -S) socket=$2 ;; --) host=$2 ;; esac
  shift
done
case "$words" in
  *"-O check"*) test -e "$socket" ;;
  *"-O exit"*) rm -f "$socket" ;;
  *" -M "*)
    echo "begin" >> '${home.path('log')}'
    sleep 0.3
    echo "end" >> '${home.path('log')}'
    test "$host" != dead || exit 255
    : > "$socket"
    exec cat ;;
esac
`,
    );
    chmodSync(file, 0o700);
    return file;
  };
  const enter = async (program: string, word: string, options: Try): Promise<void> => {
    open.push(await tryConnect(home, 0, { word, settings: { program }, ...options }));
  };
  const log = (): readonly string[] => readFileSync(home.path('log'), 'utf8').trim().split('\n');

  test('one connects at a time; one that fails, and one that is not wanted any more, hold up no other', async () => {
    const [program, ask, abort] = [fakeClient(), script(), new AbortController()];
    const all = ['a', 'dead', 'b'].map((word) => enter(program, word, { ask }));
    while (!existsSync(home.path('log'))) await sleep(10);
    const unwanted = enter(program, 'c', { ask, signal: abort.signal });
    setTimeout(() => {
      abort.abort(new Error('enough'));
    }, 150);
    const ends = await Promise.allSettled([...all, unwanted]);
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    await expect(unwanted).rejects.toThrow('enough');
    expect(log()).toEqual(['begin', 'end', 'begin', 'end', 'begin', 'end']);
  });

  test('where there is nobody to ask, none waits', async () => {
    const program = fakeClient();
    await Promise.all(['a', 'b', 'c'].map((word) => enter(program, word, {})));
    expect(log().slice(0, 2)).toEqual(['begin', 'begin']);
  });
});

test('a command that is stopped after it has ended, and that nobody reads, ends', async () => {
  const child = new LaterChild(() => undefined);
  child.attach(localMachine.start(['echo', 'unread'], false), () => Promise.resolve());
  await sleep(300);
  child.stop();
  expect(await child.exited).toEqual({ status: 0, signal: null });
});
