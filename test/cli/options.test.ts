import { describe, expect, test } from '@jest/globals';
import { parse, type Invocation } from '../../src/cli/parser/parse.js';
import { Captured } from './helpers.js';

function read(...argv: string[]): Invocation {
  return parse(argv, { program: 'ferry', io: { stdout: new Captured(), stdinIsTerminal: false } });
}

function optionsOf(...argv: string[]): unknown {
  const invocation = read(...argv);
  if (invocation.kind !== 'call') throw new Error(`no call: ${invocation.kind}`);
  expect(invocation.call.verb).toBe(argv.find((word) => !word.startsWith('-')));
  return invocation.call.options;
}

const everySshOption = [
  ...['-i', 'id_a', '--identity=id_b'],
  ...['-p', '2222', '-J', 'me@bastion,[::1]:22', '-F', 'none'],
  ...['--ssh-program', 'ssh', '--accept-new-host-key'],
];
const everySshValue = {
  identityFiles: ['id_a', 'id_b'],
  port: 2222,
  jump: 'me@bastion,[::1]:22',
  configFile: 'none',
  program: 'ssh',
  acceptNewHostKey: true,
};

const everySourceOption = [
  ...['--engine', 'podman'],
  ...['--only', 'app:*', '--only=db:?'],
  ...['--platform', 'linux/amd64', '--platform', 'linux/arm64/v8'],
  ...['--on-conflict', 'last'],
  ...['--rename', 'a/*=b/*', '--retag', 'c=d', '--rename=e:1=f:1'],
  ...['-f', 'one.txt', '--from-file', 'two.txt'],
  ...['--compose', 'compose.yaml'],
  ...['--layers', 'plain'],
  ...everySshOption,
];
const everySourceValue = {
  engine: 'podman',
  only: ['app:*', 'db:?'],
  platforms: ['linux/amd64', 'linux/arm64/v8'],
  onConflict: 'last',
  rename: ['a/*=b/*', 'c=d', 'e:1=f:1'],
  sourceFiles: ['one.txt', 'two.txt'],
  composeFiles: ['compose.yaml'],
  layers: 'plain',
  ssh: everySshValue,
};

describe('pack', () => {
  test('takes sources and an output, and leaves out what was not said', () => {
    expect(optionsOf('pack', 'a.tar', 'app:1.0', '-o', 'x.tar')).toStrictEqual({
      sources: ['a.tar', 'app:1.0'],
      output: 'x.tar',
    });
  });

  test('maps every option', () => {
    const own = ['--output', 'x', '--format', 'tar.zst', '--level', '19', '--dry-run'];
    expect(optionsOf('pack', 'a.tar', ...everySourceOption, ...own)).toStrictEqual({
      ...everySourceValue,
      sources: ['a.tar'],
      output: 'x',
      format: 'tar.zst',
      level: 19,
      dryRun: true,
    });
  });

  test.each([
    ['-o', '-'],
    ['-o-', undefined],
    ['-o=-', undefined],
    ['--output', '-'],
    ['--output=-', undefined],
  ])('takes - as a source and as the output: %s %s', (first, second) => {
    const words = ['pack', '-', first, ...(second === undefined ? [] : [second])];
    expect(optionsOf(...words)).toStrictEqual({ sources: ['-'], output: '-' });
  });

  test.each([
    ['-f', 'images.txt'],
    ['--compose', 'c.yaml'],
  ])('needs no SOURCE with %s', (option, file) => {
    expect(optionsOf('pack', option, file, '-o', 'x.tar')).toMatchObject({ sources: [], output: 'x.tar' });
  });

  test.each(['1', '9', '10', '19'])('takes level %s', (level) => {
    expect(optionsOf('pack', 'a', '-o', 'x', '--level', level)).toMatchObject({ level: Number(level) });
  });
});

describe('load', () => {
  test('maps every option', () => {
    expect(optionsOf('load', 'a.tar', '-', ...everySourceOption, '--receipt', 'r.json', '--dry-run')).toStrictEqual({
      ...everySourceValue,
      sources: ['a.tar', '-'],
      receipt: 'r.json',
      dryRun: true,
    });
  });

  test('takes --retag as --rename', () => {
    expect(optionsOf('load', 'a.tar', '--retag', 'a=b')).toStrictEqual({ sources: ['a.tar'], rename: ['a=b'] });
  });
});

describe('send', () => {
  test('maps every option', () => {
    const own = [
      ...['--to', 'deploy@prod-1:2222', '--to', 'ssh://prod-2', '--to', '::1', '--to=[fe80::1]:22'],
      ...['--remote-engine', 'ctr -n k8s.io', '--jobs', '2', '--retries', '0', '--checkpoint', '64MB'],
      ...['--compress', 'zstd:19', '--limit-rate', '2MB/s', '--keep-previous', 'before', '--dry-run', '--receipt', 'r'],
    ];
    expect(optionsOf('send', 'a.tar', ...everySourceOption, ...own)).toStrictEqual({
      ...everySourceValue,
      sources: ['a.tar'],
      to: ['deploy@prod-1:2222', 'ssh://prod-2', '::1', '[fe80::1]:22'],
      remoteEngine: 'ctr -n k8s.io',
      jobs: 2,
      retries: 0,
      checkpointBytes: 64_000_000,
      compress: { kind: 'zstd', level: 19 },
      limitRate: 2_000_000,
      keepPrevious: 'before',
      dryRun: true,
      receipt: 'r',
    });
  });

  test('needs no more than a source and a host', () => {
    expect(optionsOf('send', 'app:1.4', '--to', 'h')).toStrictEqual({ sources: ['app:1.4'], to: ['h'] });
    expect(optionsOf('send', '--compose', 'c.yaml', '--to', 'h')).toMatchObject({ sources: [], to: ['h'] });
  });

  test('needs no source to clean', () => {
    expect(optionsOf('send', '--clean', '--to', 'h')).toStrictEqual({ sources: [], to: ['h'], clean: true });
  });

  test.each([
    ['1', 1],
    ['1000B', 1000],
    ['1.5kB', 1500],
    ['256MiB', 268_435_456],
    ['64 mb', 64_000_000],
    ['1GiB', 1_073_741_824],
    ['2TB', 2e12],
  ])('takes sizes: %s', (text, bytes) => {
    expect(optionsOf('send', 'a', '--to', 'h', '--checkpoint', text)).toMatchObject({ checkpointBytes: bytes });
    expect(optionsOf('send', 'a', '--to', 'h', '--limit-rate', `${text}/s`)).toMatchObject({ limitRate: bytes });
    expect(optionsOf('send', 'a', '--to', 'h', '--limit-rate', text)).toMatchObject({ limitRate: bytes });
  });

  test.each([
    ['auto', { kind: 'auto' }],
    ['none', { kind: 'none' }],
    ['gzip', { kind: 'gzip' }],
    ['gzip:9', { kind: 'gzip', level: 9 }],
    ['zstd', { kind: 'zstd' }],
    ['zstd:1', { kind: 'zstd', level: 1 }],
  ])('takes compression: %s', (text, compress) => {
    expect(optionsOf('send', 'a', '--to', 'h', '--compress', text)).toMatchObject({ compress });
  });

  test.each(['before', 'v1.0_old', 'registry.example:5000/team/app:before'])('takes a previous name: %s', (name) => {
    expect(optionsOf('send', 'a', '--to', 'h', '--keep-previous', name)).toMatchObject({ keepPrevious: name });
  });
});

describe('reading commands', () => {
  test.each([['pack', '-o', 'x'], ['load'], ['list'], ['inspect'], ['verify']])(
    '%s reaches hosts as it is told',
    (verb, ...more) => {
      expect(optionsOf(verb, 'ssh://h/app', ...more, ...everySshOption)).toMatchObject({ ssh: everySshValue });
    },
  );

  test('diff reaches hosts as it is told', () => {
    expect(optionsOf('diff', 'ssh://a/app', 'ssh://b/app', ...everySshOption)).toStrictEqual({
      a: 'ssh://a/app',
      b: 'ssh://b/app',
      ssh: everySshValue,
    });
  });

  const picking = ['--engine', 'docker', '--only', 'a', '--platform', 'linux/amd64'];
  const picked = { engine: 'docker', only: ['a'], platforms: ['linux/amd64'] };

  test.each(['list', 'verify'])('%s takes sources and what picks from them', (verb) => {
    expect(optionsOf(verb, 'a', 'b', ...picking, '-f', 'x', '--compose', 'y')).toStrictEqual({
      ...picked,
      sources: ['a', 'b'],
      sourceFiles: ['x'],
      composeFiles: ['y'],
    });
  });

  test('inspect takes one source and maybe a name', () => {
    expect(optionsOf('inspect', 'a.tar', ...picking)).toStrictEqual({ ...picked, sources: ['a.tar'] });
    expect(optionsOf('inspect', 'a.tar', 'app:1.0')).toStrictEqual({ sources: ['a.tar'], name: 'app:1.0' });
  });

  test('diff takes two sources', () => {
    expect(optionsOf('diff', 'a.tar', 'b.tar', ...picking)).toStrictEqual({ ...picked, a: 'a.tar', b: 'b.tar' });
  });
});

describe('inventory', () => {
  test('takes a place, a file and a form', () => {
    expect(optionsOf('inventory')).toStrictEqual({ sources: [] });
    expect(optionsOf('inventory', 'ssh://h', '--compact', '-o', 'x', '--engine', 'podman')).toStrictEqual({
      sources: ['ssh://h'],
      compact: true,
      output: 'x',
      engine: 'podman',
    });
    expect(optionsOf('inventory', ...everySshOption)).toMatchObject({ ssh: everySshValue });
  });

  test('goes to standard output with -o - as without it, also as JSON', () => {
    expect(optionsOf('inventory', 'a.tar', '-o', '-', '--json')).toStrictEqual({ sources: ['a.tar'] });
  });

  test('is of one place', () => {
    expect(() => read('inventory', 'a.tar', 'b.tar')).toThrow(
      expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('--base') }),
    );
  });
});

describe('words', () => {
  test('stay as they are', () => {
    const odd = ['001', '1e3', '0x10', 'a.b.c', 'no-json', 'true', '__proto__', 'a=b', 'ünï', 'two words'];
    expect(optionsOf('list', ...odd)).toStrictEqual({ sources: odd });
  });

  test('after -- are never options', () => {
    expect(optionsOf('list', '--', '-x.tar', '--json')).toStrictEqual({ sources: ['-x.tar', '--json'] });
    expect(read('list', '--', '-x.tar', '--json')).toMatchObject({ presentation: { json: false } });
  });

  test('may stand before, between and after options, and options before the command', () => {
    const expected = { kind: 'call', presentation: { json: true, quiet: true, progress: 'none' } };
    expect(read('--json', 'list', '-q', 'a', '--progress', 'none')).toMatchObject(expected);
    expect(read('-q', '--progress=none', 'list', 'a', '--json')).toMatchObject(expected);
  });

  test('of a flag given twice count once', () => {
    expect(read('list', 'a', '-q', '--quiet')).toMatchObject({ presentation: { quiet: true, json: false } });
  });

  test('short flags can be joined, the last with a value', () => {
    expect(optionsOf('pack', 'a', '-qo', 'x.tar')).toStrictEqual({ sources: ['a'], output: 'x.tar' });
  });
});

describe('help and version', () => {
  test.each([[[]], [['--help']], [['-h']], [['help']]])('%j asks for the overview', (argv) => {
    expect(read(...argv)).toStrictEqual({ kind: 'help', command: undefined });
  });

  test.each([[['pack', '--help']], [['pack', '-h', '--nonsense']], [['help', 'pack']], [['--help', 'pack']]])(
    '%j asks for the help of pack',
    (argv) => {
      expect(read(...argv)).toMatchObject({ kind: 'help', command: { name: 'pack' } });
    },
  );

  test('--version is answered with any other word', () => {
    expect(read('--version', '--json')).toStrictEqual({ kind: 'version' });
  });

  test.each(['bash', 'zsh', 'fish'])('completion takes %s', (shell) => {
    expect(read('completion', shell)).toStrictEqual({ kind: 'completion', shell });
  });
});
