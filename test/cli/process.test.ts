import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { packageFacts } from '../../src/primitives/package-facts.js';
import { type Ended, installPrograms, start as startProgram, type Started } from './program.js';

let folder: string;
beforeAll(() => {
  folder = installPrograms();
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const start = (words: string[], env?: Record<string, string>): Started =>
  startProgram(join(folder, 'bin/ferry.js'), words, env);
const plugin = (words: string[], env?: Record<string, string>): Started =>
  startProgram(join(folder, 'bin/docker-ferry.js'), words, env);
const ferry = async (...words: string[]): Promise<Ended> => await start(words).ended;

describe('ferry', () => {
  test('prints its version, alone and among other words', async () => {
    const expected = { status: 0, signal: null, stdout: `${packageFacts().version}\n`, stderr: '' };
    expect(await ferry('--version')).toStrictEqual(expected);
    expect(await ferry('list', '--version')).toStrictEqual(expected);
  });

  test('alone prints short help with the jobs that it is for', async () => {
    const { status, stdout, stderr } = await ferry();
    expect({ status, stderr }).toStrictEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/ferry pack .* -o release\.tar\.zst/);
    expect(stdout).toContain('zstd -dc release.tar.zst | docker load');
    expect(stdout).toContain('-o archive/');
  });

  test('reports wrong usage with status 2', async () => {
    expect(await ferry('lst')).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('list?') });
  });

  test('reports a defect in one sentence, with the stack for those who ask', async () => {
    const { status, stdout, stderr } = await ferry('list', 'broken');
    expect({ status, stdout }).toStrictEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^ferry: unexpected: x is not a function\n {2}hint: .*FERRY_DEBUG=1.*\n$/);
    const debug = await start(['list', 'broken'], { FERRY_DEBUG: '1' }).ended;
    expect(debug.stderr).toContain('commands/list.js:');
  });

  test('never ends well without having done its work', async () => {
    const { status, stderr } = await ferry('list', 'lost');
    expect(status).toBe(1);
    expect(stderr).toContain('ended before the work was done');
  });

  test.each([
    ['stray', 'thrown'],
    ['unheard', 'rejected'],
  ])('shows no stack trace of an error that escaped (%s)', async (word, how) => {
    const { status, stdout, stderr } = await ferry('list', word);
    expect({ status, stdout }).toStrictEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^ferry: unexpected: ${how} where nobody listens\\n {2}hint: [^\\n]*\\n$`));
  });

  test('does not wait for what a command forgot to close', async () => {
    expect(await ferry('list', 'leaky')).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('signals', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s lets the command clean up, then ends with %d', async (signal, status) => {
    const { child, started, ended } = start(['list', 'obedient']);
    await started;
    child.kill(signal);
    expect(await ended).toStrictEqual({ status, signal: null, stdout: '', stderr: 'ferry: interrupted\n' });
  });

  test('with --json leave standard output empty', async () => {
    const { child, started, ended } = start(['list', 'obedient', '--json']);
    await started;
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ status: 130, stdout: '' });
  });

  test('given twice end it at once', async () => {
    const { child, started, ended } = start(['list', 'stubborn']);
    await started;
    child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(child.exitCode).toBeNull();
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ status: 143, signal: null });
  });

  test('that come when the work is done change nothing', async () => {
    const { child, started, ended } = start(['list', 'finishing', '--json']);
    await started;
    child.kill('SIGINT');
    const { status, stdout } = await ended;
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ sources: ['finishing', 'none', '', '', ''] });
  });
});

describe('a reader that goes away', () => {
  test('is no error', async () => {
    const { child, ended } = start(['list', 'long']);
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await ended).toMatchObject({ status: 0, signal: null, stderr: '' });
  });

  test('ends a bundle on its way to standard output quietly, but not well', async () => {
    const { child, ended } = start(['pack', 'a', '-o', '-']);
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await ended).toMatchObject({ status: 141, signal: null, stderr: '' });
  });
});

describe('docker ferry', () => {
  test('introduces itself to docker', async () => {
    const { status, stdout, stderr } = await plugin(['docker-cli-plugin-metadata']).ended;
    expect({ status, stderr }).toStrictEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toStrictEqual({
      SchemaVersion: '0.1.0',
      Vendor: 'image-ferry',
      Version: `v${packageFacts().version}`,
      ShortDescription: expect.stringMatching(/^[^\n]{20,80}$/),
    });
  });

  test('hands docker’s own options on, and means Docker', async () => {
    const words = ['--context', 'far', '--config=/cfg', 'ferry', 'list', 'x', '--json'];
    const { status, stdout } = await plugin(words, { DOCKER_HOST: 'tcp://elsewhere' }).ended;
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ sources: ['x', 'docker', 'far', '', '/cfg'] });
  });

  test('takes another engine when one is named', async () => {
    const { stdout } = await plugin(['ferry', 'list', 'x', '--json', '--engine', 'podman']).ended;
    expect(JSON.parse(stdout)).toMatchObject({ sources: ['x', 'podman', '', '', ''] });
  });

  test('calls itself so in help and hints', async () => {
    expect((await plugin(['ferry', '--help']).ended).stdout).toContain('docker ferry pack app:1.0');
    expect((await plugin(['help', 'ferry', 'pack']).ended).stdout).toMatch(/^Usage: docker ferry pack/);
    expect(await plugin(['ferry', 'pack', 'x']).ended).toMatchObject({ status: 2, stdout: '' });
  });

  test('refuses what it cannot hand on', async () => {
    const { status, stderr } = await plugin(['--tlscacert', 'ca.pem', 'ferry', 'list', 'x']).ended;
    expect(status).toBe(2);
    expect(stderr).toMatch(/^ferry: docker's option --tlscacert cannot be handed on to ferry\n {2}hint: /);
  });

  test('stops when docker closes its socket', async () => {
    const path = join(folder, 'docker.sock');
    const server = createServer((socket) => {
      setTimeout(() => socket.end(), 200);
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const { ended } = plugin(['ferry', 'list', 'obedient'], { DOCKER_CLI_PLUGIN_SOCKET: path });
    expect(await ended).toMatchObject({ status: 130, stderr: 'ferry: interrupted\n' });
    server.close();
  });

  test('works without that socket', async () => {
    const env = { DOCKER_CLI_PLUGIN_SOCKET: '@docker_cli_that_is_not_there' };
    expect(await plugin(['ferry', 'list', 'x'], env).ended).toMatchObject({ status: 0, stderr: '' });
  });
});
