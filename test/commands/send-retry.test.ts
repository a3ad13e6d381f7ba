import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { existsSync, readdirSync, rmSync, symlinkSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type SendOptions } from '../../src/commands/options.js';
import { type SentHost } from '../../src/commands/results.js';
import { send } from '../../src/commands/send.js';
import { type TransferEvent } from '../../src/ports.js';
import { localMachine } from '../../src/transports/machine/local.js';
import { removeParts } from '../../src/transports/engine/part-file.js';
import { testContext } from '../helpers/context.js';
import { useTempFolder } from '../helpers/temp-folder.js';
import { type Blobs, makeImage } from '../transports/images.js';
import { type FakeHost, useHosts } from './send-scene.js';

jest.setTimeout(60_000);
const MB = 1_000_000;
const temp = useTempFolder();
const { fakeHost, configFile, archive, blobs: sceneBlobs } = useHosts(temp);
let blobs: Blobs;
beforeEach(() => {
  blobs = sceneBlobs();
});

async function sendTo(to: FakeHost, sources: readonly string[], options: Partial<SendOptions> = {}): Promise<SentHost> {
  const ssh = { configFile: configFile() };
  const [host] = (await send({ sources, to: [to.alias], ssh, ...options }, testContext())).hosts;
  if (host === undefined) throw new Error('no host in the result');
  return host;
}

/** Waits until the engine has an image, of which nobody has been told yet. */
async function untilLoaded({ state, folder }: FakeHost): Promise<void> {
  while (!existsSync(`${folder}/state.json`) || Object.keys(state().names).length === 0) await sleep(20);
}

/** The folder for parts of large layers. */
const partsOf = ({ alias }: FakeHost): string => temp(alias, 'tmp', `.ferry-parts-${String(process.getuid?.())}`);

const lingering = { FAKE_DOCKER_LINGER: '1500' };

describe('a line that drops', () => {
  test('after the load, before the proof: no temporary name is left', async () => {
    const host = await fakeHost(lingering);
    const image = makeImage(blobs, ['a']);
    const sending = sendTo(host, [await archive([['app:1', image]])]);
    await untilLoaded(host);
    host.line.cut();
    expect(await sending).toMatchObject({ state: 'done', retries: 1, checkpoints: [] });
    expect(host.state().names).toEqual({ 'he/app:1': image.config.digest });
  });

  test('after a load by a file: the file is removed', async () => {
    const host = await fakeHost(lingering);
    const image = makeImage(blobs, ['a'], { size: 3 * MB });
    const sending = sendTo(host, [await archive([['app:1', image]])], { checkpointBytes: MB });
    await untilLoaded(host);
    host.line.cut();
    const sent = await sending;
    expect(sent).toMatchObject({ state: 'done', retries: 1, checkpoints: [] });
    const [, part = ''] = /temporary file there: (\S+)\/part-/.exec(sent.notes.join('\n')) ?? [];
    expect(readdirSync(part)).toEqual([]);
  });

  test('always too early is given up, however much was sent', async () => {
    const host = await fakeHost();
    const file = await archive([['app:1', makeImage(blobs, ['a', 'b', 'c'], { size: 2 * MB })]]);
    const cutting = setInterval(() => {
      host.line.cutAfter(3 * MB);
    }, 200);
    const sent = await sendTo(host, [file], { retries: 1, compress: { kind: 'none' } }).finally(() => {
      clearInterval(cutting);
    });
    expect(sent).toMatchObject({ state: 'failed', retries: 1, error: { code: 'CONNECTION_LOST' } });
  });

  test('within a large layer: goes on as long as its file grows, and no longer', async () => {
    const host = await fakeHost();
    const file = await archive([['app:1', makeImage(blobs, ['a'], { size: 8 * MB })]]);
    const parts = partsOf(host);
    const sendIt = async (between: () => void): Promise<SentHost | undefined> => {
      host.line.cutAfter(3 * MB);
      const emit = (event: TransferEvent): void => {
        if (event.type !== 'host' || event.state !== 'retrying') return;
        between();
        host.line.cutAfter(3 * MB);
      };
      const ssh = { configFile: configFile() };
      const options = { sources: [file], to: [host.alias], ssh, retries: 1, checkpointBytes: MB };
      return (await send(options, { ...testContext(), emit })).hosts[0];
    };
    const empty = (): void => {
      for (const name of readdirSync(parts)) rmSync(path.join(parts, name));
    };
    const lost = await sendIt(empty);
    expect(lost).toMatchObject({ state: 'failed', retries: 1, error: { code: 'CONNECTION_LOST' } });
    empty();
    const sent = await sendIt(() => undefined);
    expect(sent).toMatchObject({ state: 'done', checkpoints: [] });
    expect(sent?.retries).toBeGreaterThan(1);
  });

  test('a run that fails names the checkpoints of earlier ones', async () => {
    const host = await fakeHost();
    const file = await archive([['app:1', makeImage(blobs, ['a', 'b', 'c', 'd'], { size: MB })]]);
    const options = { checkpointBytes: 2 * MB + 10_000, retries: 0 };
    host.line.cutAfter(3.5 * MB);
    const first = await sendTo(host, [file], options);
    host.line.cutAfter(MB / 2);
    const second = await sendTo(host, [file], options);
    expect(first.checkpoints.length).toBeGreaterThan(0);
    expect(second).toMatchObject({ state: 'failed', checkpoints: expect.arrayContaining([...first.checkpoints]) });
  });
});

describe('--keep-previous', () => {
  const four = async (): Promise<{ old: string; next: string; previous: string; other: string }> => {
    const file = async (name: string, layer: string): Promise<string> => archive([[name, makeImage(blobs, [layer])]]);
    return {
      old: await file('app:1', 'old'),
      next: await file('app:1', 'next'),
      previous: await file('app:previous', 'before'),
      other: await file('zoo:1', 'other'),
    };
  };

  test('a name that is refused puts the kept one back as well', async () => {
    const host = await fakeHost({ FAKE_DOCKER_REFUSES: 'zoo:1' });
    const { old, next, previous, other } = await four();
    await sendTo(host, [old, previous]);
    const before = host.state().names;
    const failed = await sendTo(host, [next, other], { keepPrevious: 'previous' });
    expect(failed).toMatchObject({ state: 'failed', error: { message: expect.stringContaining('name refused') } });
    expect(host.state().names).toEqual(before);
  });

  test('an image that is sent under that very name wins, and it is told', async () => {
    const host = await fakeHost();
    const { old, next, previous } = await four();
    await sendTo(host, [old, previous]);
    const names = host.state().names;
    const sent = await sendTo(host, [next, previous], { keepPrevious: 'previous' });
    expect(sent).toMatchObject({ state: 'done' });
    expect(sent.notes.join()).toContain('is not kept as docker.io/he/app:previous');
    expect(host.state().names['he/app:previous']).toBe(names['he/app:previous']);
  });
});

test('one host in two words is refused', async () => {
  const sending = send({ sources: ['x'], to: ['a', 'ssh://a'] }, testContext());
  await expect(sending).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining('twice') });
});

test('a dry run cleans nothing', async () => {
  const sending = send({ sources: [], to: ['a'], clean: true, dryRun: true }, testContext());
  await expect(sending).rejects.toMatchObject({ code: 'USAGE' });
});

test('a large layer that has no room there leaves nothing of an earlier try', async () => {
  const host = await fakeHost();
  const file = await archive([['app:1', makeImage(blobs, ['a'], { size: 3 * MB })]]);
  host.line.cutAfter(2 * MB);
  const first = await sendTo(host, [file], { checkpointBytes: MB, retries: 0 });
  expect(first.checkpoints).toEqual([expect.stringContaining(partsOf(host))]);
  const df = temp(host.alias, 'bin', 'df');
  writeFileSync(
    df,
    '#!/bin/sh\necho "Filesystem 1024-blocks Used Available Capacity Mounted"\necho "/dev/x 9 9 1 99% /"\n',
    {
      mode: 0o755,
    },
  );
  const sent = await sendTo(host, [file], { checkpointBytes: MB });
  expect(sent).toMatchObject({ state: 'done', checkpoints: [] });
  expect(sent.notes.join()).toContain('has room for 1.0 kB only');
  expect(readdirSync(partsOf(host))).toEqual([]);
});

test('files are not removed by way of a link', async () => {
  const [there, link] = [temp('there'), temp(`parts-${String(process.getuid?.())}`)];
  mkdirSync(there);
  writeFileSync(`${there}/part-1`, '');
  symlinkSync(there, link);
  const place = { machine: localMachine, label: 'here', signal: new AbortController().signal };
  expect(await removeParts(place, temp('parts'))).toEqual([]);
  expect(existsSync(`${there}/part-1`)).toBe(true);
});

test('a host that runs one command at a time gets its images all the same', async () => {
  const host = await fakeHost({ FAKE_DOCKER_LINGER: '200' }, 1);
  const images = ['a', 'b', 'c'].map((name) => [`${name}:1`, makeImage(blobs, [name])] as const);
  expect(await sendTo(host, [await archive(images)])).toMatchObject({ state: 'done', retries: 0 });
  expect(Object.keys(host.state().names)).toEqual(['he/a:1', 'he/b:1', 'he/c:1']);
});
