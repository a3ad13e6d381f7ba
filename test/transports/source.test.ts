import { afterAll, expect, test } from '@jest/globals';
import { type ByteStream } from '../../src/primitives/bytes.js';
import { digestOf } from '../../src/primitives/digest.js';
import { type ImageSource } from '../../src/ports.js';
import { engineSource } from '../../src/transports/engine/index.js';
import { apiGet } from '../../src/transports/engine/api.js';
import { TransferError } from '../../src/primitives/errors.js';
import { type Child, type Machine } from '../../src/transports/machine/machine.js';
import { PassThrough } from 'node:stream';
import { fakeEngine, type FakeEngine, removeTempFolders } from './fake-client.js';
import { depsWith } from './images.js';

afterAll(removeTempFolders);

const [a, b] = [digestOf('a'), digestOf('b')] as const;
const withImages = (save: string, family: FakeEngine['family'] = 'graphdriver'): FakeEngine => {
  const engine = fakeEngine({ save, family });
  engine.add(a, [], ['app:1', 'app:latest'], ['app']);
  engine.add(b, [], ['b:1'], [b.slice(7, 19)]);
  return engine;
};

interface Opened {
  readonly label: string;
  readonly text: string;
  readonly expected: number | undefined;
}

async function open(engine: FakeEngine, names: readonly string[]): Promise<Opened> {
  let opened: Opened | undefined;
  const openStream = async (label: string, bytes: ByteStream, expected: number | undefined): Promise<ImageSource> => {
    const parts: Uint8Array[] = [];
    for await (const chunk of bytes) parts.push(chunk);
    opened = { label, text: Buffer.concat(parts).toString(), expected };
    return {} as ImageSource;
  };
  await engineSource(engine, names, depsWith({ openStream }));
  return opened!;
}

const saved = (engine: FakeEngine): readonly string[] => engine.calls().filter((line) => line.startsWith('save'));

test('saves all names at once, each meaning exactly what was found', async () => {
  const engine = withImages('echo bytes');
  const id = b.slice(7, 19);
  const opened = await open(engine, ['app', 'b:1', id, 'app']);
  expect(opened).toEqual({ label: 'docker 28.5.2 (overlay2): app and 2 more', text: 'bytes\n', expected: 2000 });
  expect(saved(engine)).toEqual([`save docker.io/library/app:latest docker.io/library/b:1 ${b}`]);
  expect(engine.calls().length).toBe(2);
});

test('podman needs to be told that these are several images', async () => {
  const engine = withImages('echo bytes', 'podman');
  await open(engine, ['app:1', 'b:1']);
  await open(engine, ['app:1']);
  expect(saved(engine)).toEqual(['save -m app:1 b:1', 'save app:1']);
});

test('names every image that is not there, before anything is read', async () => {
  const engine = withImages('echo bytes');
  await expect(open(engine, ['nope:1', 'app:1', 'nor/this'])).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: 'docker 28.5.2 (overlay2): no such images: nope:1, nor/this',
  });
  expect(saved(engine)).toEqual([]);
});

test.each(['-o/etc/passwd', ''])('refuses %j for a name', async (name) => {
  await expect(open(withImages('exit 0'), [name])).rejects.toMatchObject({ code: 'USAGE' });
});

test('a save that ends with an error is not opened', async () => {
  const engine = withImages('printf bytes; echo "Error response from daemon: input/output error" >&2; exit 1');
  await expect(open(engine, ['app:1'])).rejects.toMatchObject({
    code: 'ENGINE_FAILED',
    side: 'source',
    message: expect.stringMatching(/saving app:1: .*input\/output error/),
  });
});

test('an engine that fails to answer is not one that lacks the image', async () => {
  const engine = fakeEngine({});
  const broken = { ...engine, command: ['/nowhere/docker'] };
  await expect(engineSource(broken, ['app:1'], depsWith())).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
});

test('a save that fails, and then the question what of it is needed: one error, and nothing unhandled', async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  const later = async (): Promise<never> => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    throw new Error('stopped');
  };
  const openStream = (): Promise<never> => Promise.reject(new Error('no save'));
  const opening = engineSource(withImages('exit 1'), ['app:1'], depsWith({ openStream }), later);
  await expect(opening).rejects.toThrow('no save');
  await new Promise((resolve) => setTimeout(resolve, 500));
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

test('a line that drops during a question to the API is told as such', async () => {
  const error = new TransferError('CONNECTION_LOST', 'prod-1: the connection broke');
  const start = (): Child => {
    const exited = Promise.reject(error);
    exited.catch(() => undefined);
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    return { stdin, stdout, stderr, exited, stop: () => undefined };
  };
  const machine: Machine = { host: 'prod-1', start };
  await expect(apiGet({ ...fakeEngine(), machine }, '/x', new AbortController().signal)).rejects.toBe(error);
});
