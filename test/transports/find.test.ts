import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { describeEngine } from '../../src/transports/engine/engine.js';
import { findEngine } from '../../src/transports/engine/find.js';
import { localMachine } from '../../src/transports/machine/local.js';
import { program, removeTempFolders, tempFolder } from './fake-client.js';

const never = new AbortController().signal;
const version = (api = '1.51'): string =>
  `{"Client":{"ApiVersion":"1.51"},"Server":{"Version":"28.5.2","ApiVersion":"${api}","Os":"linux","Arch":"arm64"}}`;
const info = '{"Driver":"overlay2","DriverStatus":[["Backing Filesystem","extfs"]]}';
const containerdInfo = '{"Driver":"overlayfs","DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]]}';
const podmanInfo =
  '{"host":{"os":"linux","arch":"amd64"},"store":{"graphDriverName":"overlay"},"version":{"Version":"5.8.6"}}';
const answering = (versionText: string, infoText: string): string =>
  `case $1 in version) echo '${versionText}' ;; info) echo '${infoText}' ;; esac`;

const PATH = process.env['PATH'] ?? '';
afterEach(() => {
  process.env['PATH'] = PATH;
});
afterAll(removeTempFolders);

/** Makes the given programs the only `docker` and `podman` there are. */
function install(programs: Readonly<Record<string, string>>): void {
  const folder = tempFolder();
  for (const [name, script] of Object.entries(programs)) program(`PATH=${PATH}; ${script}`, name, folder);
  process.env['PATH'] = folder;
}

const down =
  'echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?" >&2; exit 1';

describe('findEngine', () => {
  test('tells graph driver and containerd store apart', async () => {
    const file = program(answering(version('1.45'), info));
    expect(await findEngine(file, never)).toEqual({
      machine: localMachine,
      command: [file],
      family: 'graphdriver',
      version: '28.5.2',
      apiVersion: '1.45',
      storageDriver: 'overlay2',
      platform: { os: 'linux', architecture: 'arm64' },
    });
    const engine = await findEngine(program(answering(version(), containerdInfo)), never);
    expect(engine.family).toBe('containerd');
    expect(describeEngine(engine)).toBe('docker 28.5.2 (containerd image store)');
  });

  test('knows podman, also when it is called docker', async () => {
    install({ docker: `echo "Emulate Docker CLI using podman." >&2; ${answering('{"Client":{}}', podmanInfo)}` });
    const engine = await findEngine(undefined, never);
    expect(engine).toMatchObject({ command: ['docker'], family: 'podman', version: '5.8.6', storageDriver: 'overlay' });
    expect(describeEngine(engine)).toBe('podman 5.8.6');
  });

  test('takes podman when docker does not answer', async () => {
    install({ docker: down, podman: answering('{"Client":{}}', podmanInfo) });
    expect(await findEngine(undefined, never)).toMatchObject({ command: ['podman'], family: 'podman' });
  });

  test('says what was tried, and what each said', async () => {
    install({ docker: down });
    await expect(findEngine(undefined, never)).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      hint: expect.stringMatching(/docker: Cannot connect .*podman: no such program/),
    });
  });

  test('does not look further when one was asked for', async () => {
    install({ docker: down, podman: answering('{"Client":{}}', podmanInfo) });
    await expect(findEngine('docker', never)).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringContaining('Cannot connect'),
      hint: expect.stringContaining('DOCKER_HOST'),
    });
  });

  test('Docker 20 prints JSON with a null server when the daemon is down', async () => {
    const script = `case $1 in version) echo '{"Client":{},"Server":null}' ;; info) echo '{"ServerErrors":["x"]}' ;; esac; ${down}`;
    await expect(findEngine(program(script), never)).rejects.toMatchObject({
      message: expect.stringContaining('Cannot connect'),
    });
  });

  test('says whom to ask when the socket may not be used', async () => {
    const script = 'echo "permission denied while trying to connect to the Docker daemon socket" >&2; exit 1';
    await expect(findEngine(program(script), never)).rejects.toMatchObject({ hint: expect.stringContaining('group') });
  });

  test('does not wait for ever for a daemon that hangs', async () => {
    await expect(findEngine(program('exec sleep 60'), never, 200)).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringContaining('0.2 s'),
    });
  });

  test('a program that is no engine', async () => {
    await expect(findEngine(program('echo hello'), never)).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringContaining('not as an engine does'),
    });
  });

  test('a client in several words', async () => {
    const file = program(answering(version(), info));
    const sudo = program('[ "$1" = -n ] && shift; exec "$@"', 'sudo');
    expect(await findEngine(`${sudo} ${file}`, never)).toMatchObject({ command: [sudo, '-n', file] });
  });

  test('a path with a blank in it', async () => {
    const folder = path.join(tempFolder(), 'my tools');
    mkdirSync(folder);
    const file = program(answering(version(), info), 'docker', folder);
    expect(await findEngine(file, never)).toMatchObject({ command: [file] });
  });

  test.each(['containerd', 'k3s', 'sudo', 'docker; ls', '--help', '-x/y', ''])('refuses the word %j', async (word) => {
    await expect(findEngine(word, never)).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('an interrupt is an interrupt', async () => {
    install({});
    const signal = AbortSignal.abort(new Error('interrupted'));
    await expect(findEngine(undefined, signal)).rejects.toThrow('interrupted');
    await expect(findEngine(path.resolve('x/docker'), signal)).rejects.toThrow('interrupted');
  });
});
