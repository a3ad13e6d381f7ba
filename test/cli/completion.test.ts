import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { completionScript } from '../../src/cli/completion/index.js';
import { allOptions, gist, spellings } from '../../src/cli/completion/facts.js';
import { commandTable, shells } from '../../src/cli/parser/commands.js';
import { ferry } from './helpers.js';

const folder = mkdtempSync(join(tmpdir(), 'ferry-completion-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test.each(shells)('%s knows every command and every long option', async (shell) => {
  const { status, stdout, stderr } = await ferry(['completion', shell]);
  expect({ status, stderr }).toStrictEqual({ status: 0, stderr: '' });
  expect(stdout).toBe(completionScript(shell));
  for (const { name } of commandTable) expect(stdout).toContain(name);
  for (const { name } of allOptions()) expect(stdout).toContain(name);
  expect(stdout).not.toContain('undefined');
});

test('descriptions are one sentence without its full stop', () => {
  for (const option of allOptions()) {
    expect(gist(option)).not.toMatch(/[.;:]$|\n/);
    expect(gist(option)).not.toBe('');
  }
});

test('an option is known by every way to write it', () => {
  const output = allOptions().find((option) => option.name === 'output');
  const rename = allOptions().find((option) => option.name === 'rename');
  expect(output && spellings(output)).toStrictEqual(['--output', '-o']);
  expect(rename && spellings(rename)).toStrictEqual(['--rename', '--retag']);
});

const hasBash = ((): boolean => {
  try {
    execFileSync('bash', ['--version']);
    return true;
  } catch {
    return false;
  }
})();

(hasBash ? describe : describe.skip)('bash offers', () => {
  writeFileSync(join(folder, 'ferry.bash'), completionScript('bash'));
  for (const file of ['release.tar', 'two words.tar', 'other']) writeFileSync(join(folder, file), '');

  mkdirSync(join(folder, '.ssh'));
  writeFileSync(
    join(folder, '.ssh/config'),
    ['Host prod-1 prod-2', '  HostName h', 'Host *.internal !x', 'host\tbuild', 'Host $(touch${IFS}owned) `x`'].join(
      '\n',
    ),
  );

  /** The answers to Tab at the end of `words`. */
  function complete(...words: string[]): string[] {
    const script = `. ./ferry.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ferry; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const output = execFileSync('bash', ['--norc', '-c', script, 'bash', 'ferry', ...words], {
      cwd: folder,
      env: { ...process.env, HOME: folder },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return output.split('\n').filter((line) => line !== '');
  }

  test.each<[string[], string[]]>([
    [['p'], ['pack', 'prune']],
    [['--v'], ['--version']],
    [['pack', '--form'], ['--format']],
    [['pack', '-o'], ['-o']],
    [
      ['pack', '--format', 'tar.'],
      ['tar.zst', 'tar.gz'],
    ],
    [
      ['pack', '--format', '=', 'tar.'],
      ['tar.zst', 'tar.gz'],
    ],
    [
      ['pack', '--format', '='],
      ['tar', 'tar.zst', 'tar.gz', 'oci'],
    ],
    [
      ['load', '--engine', ''],
      ['docker', 'podman'],
    ],
    [['list', 're'], ['release.tar']],
    [['list', 'two'], ['two words.tar']],
    [['--quiet', 'list', 'rel'], ['release.tar']],
    [['pack', 'app', '-o', 'rel'], ['release.tar']],
    [['pack', '--level', ''], []],
    [['completion', 'z'], ['zsh']],
    [['list', '--lev'], []],
    [
      ['send', 'app', '--to', 'pr'],
      ['prod-1', 'prod-2'],
    ],
    [
      ['list', '-J', ''],
      ['prod-1', 'prod-2', 'build'],
    ],
    [
      ['send', '--compress', ''],
      ['auto', 'none', 'gzip', 'zstd'],
    ],
  ])('after %j: %j', (words, expected) => {
    expect(complete(...words)).toStrictEqual(expected);
  });

  test('host names and no more, whatever the config file says', () => {
    expect(complete('send', '--to', 'z')).toStrictEqual([]);
    expect(existsSync(join(folder, 'owned'))).toBe(false);
  });

  test('every command when there is none yet', () => {
    expect(complete('')).toStrictEqual([...commandTable.map((command) => command.name), '--help', '--version']);
  });
});
