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

const everySourceOption = [
  ...['--engine', 'podman'],
  ...['--only', 'app:*', '--only=db:?'],
  ...['--platform', 'linux/amd64', '--platform', 'linux/arm64/v8'],
  ...['--on-conflict', 'last'],
  ...['--rename', 'a/*=b/*', '--retag', 'c=d', '--rename=e:1=f:1'],
  ...['-f', 'one.txt', '--from-file', 'two.txt'],
  ...['--compose', 'compose.yaml'],
  ...['--layers', 'plain'],
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

describe('reading commands', () => {
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
