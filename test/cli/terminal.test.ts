import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { installPrograms } from './program.js';

/** `script` of util-linux gives a command a terminal of its own. */
const hasScript = ((): boolean => {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8', stdio: 'pipe' }).includes('util-linux');
  } catch {
    return false;
  }
})();

let folder: string;
beforeAll(() => {
  folder = installPrograms();
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('without a terminal there is nobody to ask', async () => {
  const words = [join(folder, 'bin/ferry.js'), 'send', 'a', '--to', 'h'];
  // A session of its own has no terminal, wherever the tests run.
  const child = spawn(process.execPath, words, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  await once(child, 'close');
  expect(text).toContain('note: nobody\n');
});

(hasScript ? describe : describe.skip)('on a real terminal', () => {
  /** Runs `send` with a user who waits for each question before typing; then shows how the terminal was left. */
  async function session(answers: readonly [string, string][], redirection = ''): Promise<string> {
    const command = `"${process.execPath}" "${join(folder, 'bin/ferry.js')}" send a --to h --progress plain ${redirection}`;
    const shell = `trap : INT; ${command}; echo "status $?"; stty -a | grep -ow -e '-\\?echo' -e '-\\?icanon'`;
    const child = spawn('script', ['-qec', shell, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    let seen = 0;
    const waiting = [...answers];
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      const [question, answer] = waiting[0] ?? ['', ''];
      const at = question === '' ? -1 : text.indexOf(question, seen);
      if (at === -1) return;
      seen = at + question.length;
      waiting.shift();
      // The question comes just before the echo is switched off.
      setTimeout(() => child.stdin.write(answer), 100);
    });
    await once(child, 'close');
    return text.replaceAll('\r', '');
  }

  test('a secret is not echoed, a line is, and the terminal is left as it was', async () => {
    const text = await session([
      ['Password for h: ', 'hush\r'],
      ['Go on? ', 'yes\r'],
    ]);
    expect(text).toContain('Password for h: \nGo on? yes\n');
    expect(text).toMatch(/hush yes\n[^]*status 0\n(echo\nicanon|icanon\necho)\n/);
  });

  test('questions reach the user although all standard streams are elsewhere', async () => {
    const answers: [string, string][] = [
      ['Password for h: ', 'hush\r'],
      ['Go on? ', 'yes\r'],
    ];
    expect(await session(answers, '</dev/null 2>&1 | cat')).toContain('note: hush yes\n');
  });

  test.each<[string, [string, string][]]>([
    ['a secret', [['Password for h: ', 'hu\u0003']]],
    [
      'a line',
      [
        ['Password for h: ', 'hush\r'],
        ['Go on? ', 'y\u0003'],
      ],
    ],
  ])('Ctrl-C at %s ends it with 130, and the terminal is left as it was', async (_, answers) => {
    const text = await session(answers);
    expect(text).toContain('ferry: interrupted\n');
    expect(text).toMatch(/status 130\n(echo\nicanon|icanon\necho)\n/);
  });
});
