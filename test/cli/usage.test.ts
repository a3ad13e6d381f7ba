import { describe, expect, test } from '@jest/globals';
import { mostSimilar } from '../../src/cli/parser/similar.js';
import { Captured, ferry } from './helpers.js';

const cases: [string[], string, string][] = [
  [['pak', 'a'], 'there is no command "pak"; did you mean pack?', 'ferry --help'],
  [['frobnicate'], 'there is no command "frobnicate"', 'ferry --help'],
  [['help', 'lits'], 'there is no command "lits"; did you mean list?', 'ferry --help'],
  [['--json2'], 'unknown option --json2; did you mean --json?', 'ferry --help'],
  [['--verison'], 'unknown option --verison; did you mean --version?', 'ferry --help'],
  [['--quiet'], 'no command is named', 'ferry --help'],
  [
    ['pack', '-o', 'x'],
    'pack needs a SOURCE: a file, a folder, an image name, or - for standard input',
    'ferry pack --help',
  ],
  [['load'], 'load needs a SOURCE: a file, a folder, an image name, or - for standard input', 'ferry load --help'],
  [['pack', 'a'], 'pack needs -o OUT', 'Name the output, for example -o release.tar.zst'],
  [['pack', 'a', '-o'], '-o needs a value', 'ferry pack --help'],
  [['pack', 'a', '-o', '-q'], '-o needs a value', 'ferry pack --help'],
  [['pack', 'a', '--output='], '--output needs a value', 'ferry pack --help'],
  [['pack', 'a', '-o', 'x', '--only'], '--only needs a value', 'ferry pack --help'],
  [['pack', 'a', '-o', 'x', '--only', ''], '--only needs a value', 'ferry pack --help'],
  [['pack', 'a', '-o', 'x', '-o', 'y'], '--output is given 2 times', 'ferry pack --help'],
  [['pack', 'a', '-o', 'x', '--ouput', 'y'], 'unknown option --ouput; did you mean --output?', 'ferry pack --help'],
  [['pack', 'a', '-o', 'x', '--dry'], 'unknown option --dry; did you mean --dry-run?', 'ferry pack --help'],
  [['pack', 'a', '-o', 'x', '--to', 'host'], 'unknown option --to', 'ferry pack --help'],
  [['list', 'a', '-z'], 'unknown option -z', 'ferry list --help'],
  [['list', '-x.tar'], 'unknown option -x.tar', 'ferry list --help'],
  [['list', 'a', '--no-json'], 'unknown option --no-json', 'ferry list --help'],
  [['list', 'a', '--level', '3'], '--level is an option of pack, not of list', 'ferry list --help'],
  [['list', 'a', '--layers', 'plain'], '--layers is an option of pack, load, not of list', 'ferry list --help'],
  [
    ['pack', 'a', '-o', 'x', '--format', 'tar.zts'],
    '--format is one of tar, tar.zst, tar.gz, oci, not "tar.zts"; did you mean tar.zst?',
    'ferry pack --help',
  ],
  [
    ['pack', 'a', '-o', 'x', '--progress', 'fancy'],
    '--progress is one of auto, plain, json, none, not "fancy"',
    'ferry pack --help',
  ],
  ...['0', '20', '-1', '3.5', 'best', '1e1'].map((level): [string[], string, string] => [
    ['pack', 'a', '-o', 'x', `--level=${level}`],
    `--level is a whole number from 1 to 19, not "${level}"`,
    'ferry pack --help',
  ]),
  ...['app', '=new', 'old=', 'a=b=c'].map((pair): [string[], string, string] => [
    ['load', 'a', '--retag', pair],
    `--rename takes OLD=NEW, not "${pair}"`,
    'ferry load --help',
  ]),
  [
    ['load', 'a', '--platform', 'amd64'],
    'not a platform: "amd64"',
    'Write it as os/arch or os/arch/variant, for example linux/amd64 or linux/arm64/v8.',
  ],
  [['inspect'], 'inspect needs SOURCE [NAME]', 'ferry inspect --help'],
  [['inspect', 'a', 'b', 'c'], 'inspect takes SOURCE [NAME]; "c" is too much', 'ferry inspect --help'],
  [['diff', 'a'], 'diff needs A B', 'ferry diff --help'],
  [['diff', 'a', 'b', 'c'], 'diff takes A B; "c" is too much', 'ferry diff --help'],
  [['list', ''], 'a SOURCE is empty', 'ferry list --help'],
  [['completion'], 'completion needs bash|zsh|fish', 'ferry completion --help'],
  [['completion', 'tcsh'], '"tcsh" is not one of bash, zsh, fish', 'ferry completion --help'],
  [['diff', '-', '-'], 'standard input can be read once only, but - is given more than once', 'ferry diff --help'],
];

describe('wrong usage', () => {
  test.each(cases)('%j', async (argv, message, hint) => {
    const { status, stdout, stderr, calls } = await ferry(argv);
    expect({ status, stdout, stderr }).toStrictEqual({
      status: 2,
      stdout: '',
      stderr: `ferry: ${message}\n  hint: ${hint}\n`,
    });
    expect(calls).toStrictEqual([]);
  });

  test('names docker ferry in hints where it is called so', async () => {
    const { stderr } = await ferry(['list'], { program: 'docker ferry' });
    expect(stderr).toContain('hint: docker ferry list --help');
  });

  test('is one JSON object with --json', async () => {
    const { status, stdout, stderr } = await ferry(['list', '--json']);
    expect(status).toBe(2);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toStrictEqual({
      error: { code: 'USAGE', message: expect.any(String), hint: 'ferry list --help', exitStatus: 2 },
    });
  });

  test('shows hostile words harmlessly', async () => {
    for (const argv of [['\u001b[2Jx'], ['list', '--\u001b[2J'], ['list', 'a', '--platform', '\u001b[2J']]) {
      const { status, stderr } = await ferry(argv);
      expect(status).toBe(2);
      expect(stderr).not.toContain('\u001b');
    }
  });
});

describe('standard streams', () => {
  test('- is refused when standard input is a terminal', async () => {
    const { status, stderr } = await ferry(['list', '-'], { stdinIsTerminal: true });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^ferry: standard input is a terminal\n {2}hint: .*docker save/);
  });

  test('a bundle is never written to a terminal', async () => {
    const { status, stdout, stderr } = await ferry(['pack', 'a', '-o', '-'], { stdout: new Captured({ columns: 80 }) });
    expect({ status, stdout }).toStrictEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('a bundle is not written to a terminal');
  });

  test.each([[['-o', '-']], [['-o-']], [['-o=-']], [['--output=-']], [['--output', '-']]])(
    'with %j nothing is printed where the bundle goes, not even the error about --json',
    async (output) => {
      const { status, stdout, stderr, calls } = await ferry(['pack', 'a', ...output, '--json']);
      expect({ status, stdout, calls }).toStrictEqual({ status: 2, stdout: '', calls: [] });
      expect(stderr).toContain('--json and -o - both want standard output');
    },
  );
});

describe('mostSimilar', () => {
  const words = ['pack', 'load', 'list', 'inspect', 'verify', 'diff', 'completion'];
  test.each([
    ['pakc', 'pack'],
    ['lst', 'list'],
    ['LIST', 'list'],
    ['insp', 'inspect'],
    ['verfy', 'verify'],
    ['complation', 'completion'],
    ['send', undefined],
    ['', undefined],
    ['x'.repeat(100_000), undefined],
  ])('%.20s is most like %s', (typed, expected) => {
    expect(mostSimilar(typed, words)).toBe(expected);
  });

  test('has nothing to offer without candidates', () => {
    expect(mostSimilar('a', [])).toBeUndefined();
  });
});
