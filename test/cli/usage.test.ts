import { describe, expect, test } from '@jest/globals';
import { printable } from '../../src/primitives/printable.js';
import { mostSimilar } from '../../src/cli/parser/similar.js';
import { Captured, ferry } from './helpers.js';

const hosts: [string, string][] = [
  ['-oProxyCommand=x', 'it looks like an option'],
  ['me@-x', 'it looks like an option'],
  ['two words', 'it has a space in it'],
  ['https://host', 'only ssh:// is known'],
  ['ssh://host/app:1.0', 'a host stands alone, without a name or a path behind it'],
  ['me@', 'the name of the host is missing'],
  [':22', 'the name of the host is missing'],
  ['ssh://', 'the name of the host is missing'],
  ['host:ssh', 'a port is a number from 1 to 65535'],
  ['host:', 'a port is a number from 1 to 65535'],
  ['[::1]:0', 'a port is a number from 1 to 65535'],
  ['host:65536', 'a port is a number from 1 to 65535'],
];

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
  [['pack', 'a', '-o', 'x', '--to', 'host'], '--to is an option of send, not of pack', 'ferry pack --help'],
  [['list', 'a', '-z'], 'unknown option -z', 'ferry list --help'],
  [['list', '-x.tar'], 'unknown option -x.tar', 'ferry list --help'],
  [['list', 'a', '--no-json'], 'unknown option --no-json', 'ferry list --help'],
  [['list', 'a', '--level', '3'], '--level is an option of pack, not of list', 'ferry list --help'],
  [['list', 'a', '--layers', 'plain'], '--layers is an option of pack, load, send, not of list', 'ferry list --help'],
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
  [
    ['send', '--to', 'h'],
    'send needs a SOURCE: a file, a folder, an image name, or - for standard input',
    'ferry send --help',
  ],
  [['send', 'a'], 'send needs --to HOST', 'Name the host, such as --to deploy@prod-1'],
  [['send', 'a', '--to', 'h', '--to', 'h'], '--to h is given more than once', 'ferry send --help'],
  [
    ['send', '--clean', 'app:1.0', '--to', 'h'],
    '--clean sends nothing, but a SOURCE is given: "app:1.0"',
    'ferry send --help',
  ],
  ...hosts.map(([host, why]): [string[], string, string] => [
    ['send', 'a', `--to=${host}`],
    `--to "${host}" is no host: ${why}`,
    'ferry send --help',
  ]),
  [
    ['list', 'a', '-J', 'x,-oProxyCommand=y'],
    '--jump "-oProxyCommand=y" is no host: it looks like an option',
    'ferry list --help',
  ],
  ...['0', '-1', '2.5', 'many', '0x2', ''.padEnd(400, '9')].map((jobs): [string[], string, string] => [
    ['send', 'a', '--to', 'h', `--jobs=${jobs}`],
    `--jobs is a whole number, 1 or more, not "${printable(jobs, 40)}"`,
    'ferry send --help',
  ]),
  [['send', 'a', '--to', 'h', '--retries=-1'], '--retries is a whole number, 0 or more, not "-1"', 'ferry send --help'],
  ...['0', '65536', 'ssh'].map((port): [string[], string, string] => [
    ['verify', 'a', '-p', port],
    `--port is a whole number, from 1 to 65535, not "${port}"`,
    'ferry verify --help',
  ]),
  ...['0', '-1MB', '5X', '1 2', '10M', '1e6', 'MB', '99999999TB'].map((size): [string[], string, string] => [
    ['send', 'a', '--to', 'h', `--checkpoint=${size}`],
    `--checkpoint is a size, such as 256MiB, 64MB or 1GiB, not "${size}"`,
    'ferry send --help',
  ]),
  [
    ['send', 'a', '--to', 'h', '--checkpoint', '1MB/s'],
    '--checkpoint is a size, such as 256MiB, 64MB or 1GiB, not "1MB/s"',
    'ferry send --help',
  ],
  ...['0kB/s', 'fast', '2MB/h', '/s'].map((rate): [string[], string, string] => [
    ['send', 'a', '--to', 'h', '--limit-rate', rate],
    `--limit-rate is a rate, such as 2MB/s, 500kB/s or 1MiB/s, not "${rate}"`,
    'ferry send --help',
  ]),
  ...['xz', 'zstd:0', 'zstd:20', 'gzip:10', 'auto:3', 'none:1', 'zstd:', 'ZSTD'].map(
    (how): [string[], string, string] => [
      ['send', 'a', '--to', 'h', '--compress', how],
      `--compress is auto, none, gzip[:1 to 9] or zstd[:1 to 19], not "${how}"`,
      'ferry send --help',
    ],
  ),
  ...['a b', 'a/UPPER:y', '.tag'].map((name): [string[], string, string] => [
    ['send', 'a', '--to', 'h', '--keep-previous', name],
    `--keep-previous is a tag or a name, not "${name}"`,
    'ferry send --help',
  ]),
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
