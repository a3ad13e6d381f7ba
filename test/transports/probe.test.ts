import { afterAll, describe, expect, test } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { findRemoteEngine, type Found } from '../../src/transports/engine/find.js';
import { type Machine } from '../../src/transports/machine/machine.js';
import { program, removeTempFolders, tempFolder } from './fake-client.js';
import {
  denied,
  docker,
  dockerVersion,
  down,
  fakeHost,
  idOf,
  shells,
  sudo,
  sudoWithPassword,
  user,
} from './probe-host.js';

const never = new AbortController().signal;
const podmanInfo =
  '{"host":{"os":"linux","arch":"amd64"},"store":{"graphDriverName":"overlay"},"version":{"Version":"5.8.6"}}';
const podman = `case $1 in version) echo '{"Client":{}}' ;; info) echo '${podmanInfo}' ;; esac`;
const containerd = `case $* in
  *version) printf 'Client:\\n  Version:  1.6.20\\n\\nServer:\\n  Version:  2.1.9\\n  UUID: x\\n' ;;
  *'plugins ls') echo 'io.containerd.snapshotter.v1 overlayfs linux/arm64 ok'; echo 'io.containerd.runtime.v2 task linux/arm64 ok' ;;
esac`;
/** Only what is in PATH: this machine may have engines of its own elsewhere. */
const look = (machine: Machine, wanted?: string, timeoutMs = 30_000, folders: readonly string[] = []): Promise<Found> =>
  findRemoteEngine(machine, wanted, never, timeoutMs, folders);

afterAll(removeTempFolders);

describe.each(shells.map((shell) => [shell.join(' '), shell] as const))('with %s', (_, shell) => {
  test('everything in one command', async () => {
    const host = fakeHost({ docker: docker(), zstd: '' }, shell);
    const found = await look(host);
    expect(host.count.started).toBe(1);
    expect(found).toMatchObject({
      engine: { command: ['docker'], family: 'graphdriver', version: '28.5.2', platform: { architecture: 'arm64' } },
      programs: { zstd: true, gzip: true },
      passedOver: [],
    });
    expect(found.engine.machine).toBe(host);
    expect(found.images).toEqual(
      [1, 2].map((id) => ({ id: idOf(id), diffIds: [idOf(id)], names: ['app:1'], size: 7 })),
    );
    expect(found.temporary?.folder).toMatch(/^\//);
    expect(found.temporary?.free).toBeGreaterThan(1024 * 1024);
  });

  test('takes sudo -n where the socket is not for this user, with a path that sudo can find', async () => {
    const host = fakeHost({ docker: docker({ first: denied }), sudo, id: user }, shell);
    // A busybox may take its own `id`, so that only this process' user counts.
    const found = await look(host, shell[0] === 'busybox' ? 'sudo docker' : undefined);
    expect(found.engine.command).toEqual(['sudo', '-n', path.join(host.folder, 'docker')]);
    expect(found.images).toHaveLength(2);
  });

  test('thousands of images, in portions', async () => {
    const { images } = await look(fakeHost({ docker: docker({ count: 2500 }) }, shell));
    expect(new Set(images?.map(({ id }) => id)).size).toBe(2500);
    expect(images).toHaveLength(2500);
  });

  test('an image that goes in between is no failure', async () => {
    const inspect = `if [ $# -gt 4 ]; then shift; set -- "$@"; bad=1; echo "Error: No such image: $4" >&2; fi`;
    const script = `${docker({ inspect })}; exit \${bad:-0}`;
    expect((await look(fakeHost({ docker: script }, shell))).images).toHaveLength(1);
  });

  test('nothing that is said before, or looks like it, is taken for an answer', async () => {
    const frames = ['machine', 'try docker', 'version', 'out 0', 'images', 'inspected 0', 'end'];
    const lies = frames.map((frame) => `\\n${'0'.repeat(32)} ${frame}\\n${dockerVersion}`).join('');
    const first = `printf '${lies}\\n'; printf '${lies}\\n' >&2`;
    const host = fakeHost(
      { docker: `case $1 in info|version) ${docker()} ;; *) ${first}; ${docker({})} ;; esac` },
      shell,
    );
    const noisy = program(`printf 'Welcome!${lies}\\nno newline'; echo oops >&2; exec ${shell.join(' ')} "$@"`);
    const greeting: Machine = {
      host: 'box',
      start: (argv, withInput) => {
        const PATH = process.env['PATH'];
        return host.start(['/usr/bin/env', `PATH=${host.folder}:${PATH ?? ''}`, noisy, ...argv.slice(1)], withInput);
      },
    };
    const { engine } = await look(greeting, path.join(host.folder, 'docker'));
    expect(engine).toMatchObject({ family: 'graphdriver', version: '28.5.2' });
  });
});

describe('findRemoteEngine', () => {
  test('an engine without images', async () => {
    expect((await look(fakeHost({ docker: docker({ count: 0 }) }))).images).toEqual([]);
  });

  test('an inventory that fails is left to be asked for again', async () => {
    const inspect = 'echo "the disk is on fire" >&2; exit 1';
    expect((await look(fakeHost({ docker: docker({ inspect }) }))).images).toBeUndefined();
    expect((await look(fakeHost({ docker: docker({ inspect: 'echo "{\\"Id\\":"; exit 0' }) }))).images).toBeUndefined();
  });

  test('podman when docker is down', async () => {
    const { engine } = await look(fakeHost({ docker: down, podman }));
    expect(engine).toMatchObject({ command: ['podman'], family: 'podman', version: '5.8.6' });
  });

  test('docker that is podman', async () => {
    const { engine } = await look(fakeHost({ docker: `echo "Emulate Docker CLI using podman." >&2; ${podman}` }));
    expect(engine).toMatchObject({ command: ['docker'], family: 'podman' });
  });

  test('containerd by ctr, also that of k3s', async () => {
    const engine = { family: 'ctr', version: '2.1.9', platform: { architecture: 'arm64' } };
    const found = await look(fakeHost({ ctr: containerd }));
    expect(found).toMatchObject({ engine: { ...engine, command: ['ctr'] } });
    expect(found.images).toBeUndefined();
    const { engine: k3s } = await look(fakeHost({ ctr: containerd, k3s: `[ "$1" = ctr ] || exit 1; ${containerd}` }));
    expect(k3s).toMatchObject({ ...engine, command: ['k3s', 'ctr'] });
    const named = await look(fakeHost({ ctr: `[ "$1 $2" = '-n k8s.io' ] || exit 1; ${containerd}` }), 'ctr -n k8s.io');
    expect(named.engine.command).toEqual(['ctr', '-n', 'k8s.io']);
  });

  test('nerdctl of a user who has no containerd of their own', async () => {
    const version =
      '{"Client":{"Version":"v2.1.2"},"Server":{"Components":[{"Name":"containerd","Version":"v2.1.1"}]}}';
    const info = '{"Driver":"overlayfs","OSType":"linux","Architecture":"x86_64","ServerVersion":"v2.1.1"}';
    const rootless = '[ -n "$AS_ROOT" ] || { echo "rootless containerd not running? (hint: ...)" >&2; exit 1; }';
    const nerdctl = `${rootless}; case $1 in version) echo '${version}' ;; info) echo '${info}' ;; esac`;
    const host = fakeHost({ nerdctl, sudo, id: user });
    const { engine, images } = await look(host);
    expect(engine).toMatchObject({ family: 'nerdctl', command: ['sudo', '-n', path.join(host.folder, 'nerdctl')] });
    expect(images).toBeUndefined();
  });

  test('a program that only a login shell has in its PATH', async () => {
    const folder = tempFolder();
    const file = program(docker(), 'docker', folder);
    mkdirSync(path.join(folder, 'podman'));
    expect((await look(fakeHost({}), undefined, 30_000, ['/nowhere', folder])).engine.command).toEqual([file]);
    await expect(look(fakeHost({}), 'podman', 30_000, [folder])).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  });

  test('only the one that was asked for', async () => {
    const host = fakeHost({ docker: docker(), podman, sudo, id: user });
    expect((await look(host, 'podman')).engine.family).toBe('podman');
    expect((await look(host, path.join(host.folder, 'docker'))).images).toHaveLength(2);
    expect((await look(host, ' sudo  docker ')).engine.command.slice(0, 2)).toEqual(['sudo', '-n']);
  });

  test('no engine at all', async () => {
    await expect(look(fakeHost({}))).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: 'no container engine on box: looked for docker, podman, nerdctl, k3s, ctr',
    });
    await expect(look(fakeHost({}), 'nerdctl')).rejects.toMatchObject({
      message: 'box: no such program in the PATH of a login without a terminal: nerdctl',
    });
    await expect(look(fakeHost({}), '/opt/x/docker')).rejects.toMatchObject({
      message: 'box: no such program: /opt/x/docker',
    });
  });

  test('a daemon that is down; its containerd is left alone', async () => {
    await expect(look(fakeHost({ docker: down, ctr: containerd }))).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringMatching(
        /^no container engine answers on box: docker: Cannot connect .*; ctr: not tried, its containerd belongs to docker/,
      ),
      hint: expect.stringMatching(/^Start the engine.*--remote-engine/),
    });
    await expect(look(fakeHost({ docker: down }), 'docker')).rejects.toMatchObject({
      message: expect.stringMatching(/^box: docker: Cannot connect/),
    });
  });

  test('sudo asks for a password', async () => {
    const host = fakeHost({ docker: docker({ first: denied }), sudo: sudoWithPassword, id: user });
    const file = path.join(host.folder, 'docker');
    await expect(look(host)).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringMatching(/docker: permission denied .*; sudo -n .*: sudo: a password is required$/),
      hint: `Allow \`sudo -n ${file}\` there (NOPASSWD in sudoers), add the user to the docker group, or name another with --remote-engine.`,
    });
    await expect(look(host, 'sudo docker')).rejects.toMatchObject({ hint: expect.stringContaining('NOPASSWD') });
  });

  test('no sudo, or no reason for it', async () => {
    const refused = docker({ first: denied });
    await expect(look(fakeHost({ docker: refused, id: user }))).rejects.toMatchObject({
      hint: expect.stringContaining('docker group there'),
    });
    await expect(look(fakeHost({ docker: refused, sudo, id: 'echo 0' }))).rejects.toMatchObject({
      message: expect.not.stringContaining('sudo'),
    });
    await expect(look(fakeHost({ docker: down, sudo, id: user }))).rejects.toMatchObject({
      message: expect.not.stringContaining('sudo'),
    });
  });

  test('a program that is no engine', async () => {
    await expect(look(fakeHost({ docker: 'echo hello' }))).rejects.toMatchObject({
      message: 'no container engine answers on box: docker: it answers, but not as an engine does',
    });
  });

  test('an engine that hangs is named', async () => {
    const host = fakeHost({ docker: 'exec sleep 60', podman });
    await expect(look(host, undefined, 1000)).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: 'box: docker: expected an answer in 1 s, found none',
      hint: expect.stringContaining('--remote-engine'),
    });
  });

  test('images that take too long are left to be asked for again', async () => {
    const { engine, images } = await look(fakeHost({ docker: docker({ inspect: 'exec sleep 60' }) }), undefined, 1000);
    expect(engine.version).toBe('28.5.2');
    expect(images).toBeUndefined();
  });

  test('sudo that is not there', async () => {
    await expect(look(fakeHost({ docker: docker() }), 'sudo docker')).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      hint: expect.stringContaining('There is no sudo there'),
    });
  });

  test('a login that hangs', async () => {
    const host = fakeHost({}, [program('exec sleep 60')]);
    await expect(look(host, undefined, 500)).rejects.toMatchObject({
      message: 'box: expected an answer in 0.5 s, found none',
    });
  });

  test('no shell', async () => {
    const nologin = program('echo This account is currently not available.; exit 1');
    await expect(look(fakeHost({}, [nologin]))).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: 'box: expected a POSIX shell (sh), found: This account is currently not available.',
    });
    const windows = program('echo "\'sh\' is not recognized as an internal or external command" >&2; exit 1');
    await expect(look(fakeHost({}, [windows]))).rejects.toMatchObject({
      message: expect.stringContaining('is not recognized'),
    });
  });

  test('a script that breaks off', async () => {
    const cut = program('sed "s/frame end/echo gone >\\&2; exit 7/" | /bin/sh "$@"');
    await expect(look(fakeHost({ docker: down }, [cut]))).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: 'box: asking `docker` broke off: gone',
    });
  });

  test('a client that prints without end', async () => {
    const inspect = 'exec cat /dev/zero';
    // Of the images only: these are then asked for anew, by a question that says what is wrong.
    const { engine, images } = await look(fakeHost({ docker: docker({ inspect }) }));
    expect(engine.version).toBe('28.5.2');
    expect(images).toBeUndefined();
    await expect(look(fakeHost({}, [program('exec cat /dev/zero')]))).rejects.toMatchObject({
      code: 'LIMIT',
      message: expect.stringMatching(/^box: printed more than/),
    });
  });

  test('an interrupt is an interrupt', async () => {
    const host = fakeHost({ docker: 'exec sleep 60' });
    const abort = new AbortController();
    setTimeout(() => {
      abort.abort(new Error('interrupted'));
    }, 300);
    await expect(findRemoteEngine(host, undefined, abort.signal, 30_000, [])).rejects.toThrow('interrupted');
  });
});
