import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type SendOptions } from '../../src/commands/options.js';
import { type SendResult, type SentHost } from '../../src/commands/results.js';
import { send } from '../../src/commands/send.js';
import { type TransferEvent } from '../../src/ports.js';
import { type Digest } from '../../src/primitives/digest.js';
import { testContext } from '../helpers/context.js';
import { useTempFolder } from '../helpers/temp-folder.js';
import { type Blobs, makeImage } from '../transports/images.js';
import { type FakeHost, useHosts } from './send-scene.js';

jest.setTimeout(60_000);
const temp = useTempFolder();
const { fakeHost, configFile, archive, blobs: sceneBlobs } = useHosts(temp);
let blobs: Blobs;
beforeEach(() => {
  blobs = sceneBlobs();
});

async function sendTo(to: FakeHost, file: string, options: Partial<SendOptions> = {}): Promise<SentHost> {
  const ssh = { configFile: configFile() };
  const [host] = (await send({ sources: [file], to: [to.alias], ssh, ...options }, testContext())).hosts;
  if (host === undefined) throw new Error('no host in the result');
  return host;
}

/** A file of images `a:1` to `d:1` with the IDs of those; `made` tells them from those of other files. */
async function four(made: string): Promise<{ readonly file: string; readonly names: Record<string, Digest> }> {
  const images = ['a', 'b', 'c', 'd'].map((name) => [`${name}:1`, makeImage(blobs, [`${made} ${name}`])] as const);
  const names = Object.fromEntries(images.map(([name, { config }]) => [`he/${name}`, config.digest]));
  return { file: await archive(images), names };
}

/** Cuts the line as soon as the first of the names leads to what is sent. */
async function cutWhileNaming({ state, line }: FakeHost, id: Digest | undefined): Promise<void> {
  while (state().names['he/a:1'] !== id) await sleep(5);
  line.cut();
}

describe('a line that drops while names are given', () => {
  test('and comes back: every name moves, the images before keep their further names', async () => {
    const host = await fakeHost();
    const [old, next] = [await four('old'), await four('next')];
    await sendTo(host, old.file);
    const sending = sendTo(host, next.file, { keepPrevious: 'previous' });
    await cutWhileNaming(host, next.names['he/a:1']);
    expect(await sending).toMatchObject({ state: 'done', retries: 1 });
    const kept = Object.entries(old.names).map(([name, id]) => [name.replace(':1', ':previous'), id]);
    expect(host.state().names).toEqual({ ...next.names, ...Object.fromEntries(kept) });
  });

  test('for good: the names that have moved, or may have, are told', async () => {
    const host = await fakeHost();
    const [old, next] = [await four('old'), await four('next')];
    await sendTo(host, old.file);
    const sending = sendTo(host, next.file, { retries: 0 });
    await cutWhileNaming(host, next.names['he/a:1']);
    const failed = await sending;
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'CONNECTION_LOST' } });
    const [, note = ''] = failed.error?.message.split('could not be put back') ?? [];
    const { names } = host.state();
    for (const [name, id] of Object.entries(next.names)) {
      if (names[name] === id) expect(note).toContain(name);
      else expect(names[name]).toBe(old.names[name]);
    }
    expect(note).toContain('he/a:1');
    expect(note).not.toContain('he/d:1');
  });

  test('and Ctrl-C before the next try: the names are told as well', async () => {
    const host = await fakeHost();
    const [old, next] = [await four('old'), await four('next')];
    await sendTo(host, old.file);
    const stop = new AbortController();
    const told: SendResult[] = [];
    const context = {
      signal: stop.signal,
      onInterrupted: (soFar: SendResult) => told.push(soFar),
      emit: (event: TransferEvent): void => {
        if (event.type === 'host' && event.state === 'retrying') stop.abort(new Error('enough'));
      },
    };
    const options = { sources: [next.file], to: [host.alias], ssh: { configFile: configFile() } };
    const sending = expect(send(options, context)).rejects.toThrow('enough');
    await cutWhileNaming(host, next.names['he/a:1']);
    await sending;
    const note = expect.stringMatching(/could not be put back: .*he\/a:1/);
    expect(told).toMatchObject([{ hosts: [{ state: 'interrupted', notes: expect.arrayContaining([note]) }] }]);
  });

  test('and a further try that is refused: all of them go back', async () => {
    const host = await fakeHost({ FAKE_DOCKER_REFUSES: 'd:2' });
    const [old, next] = [await four('old'), await four('next')];
    await sendTo(host, old.file);
    const sending = sendTo(host, next.file, { rename: ['he/d:1=he/d:2'] });
    await cutWhileNaming(host, next.names['he/a:1']);
    const failed = await sending;
    expect(failed).toMatchObject({ state: 'failed', retries: 1, error: { code: 'ENGINE_FAILED' } });
    expect(failed.error?.message).not.toContain('could not be put back');
    expect(host.state().names).toEqual(old.names);
  });
});

test('what a name leads to when it moves is kept, not what it led to hours before', async () => {
  const host = await fakeHost({ FAKE_DOCKER_LINGER: '1000' });
  const [old, between, next] = ['old', 'between', 'next'].map((layer) => makeImage(blobs, [layer]));
  if (old === undefined || between === undefined || next === undefined) throw new Error('three images');
  await sendTo(
    host,
    await archive([
      ['app:1', old],
      ['other:1', between],
    ]),
  );
  const sending = sendTo(host, await archive([['app:1', next]]), { keepPrevious: 'previous' });
  while (Object.keys(host.state().images).length < 3) await sleep(20);
  const file = path.join(host.folder, 'state.json');
  const state = JSON.parse(readFileSync(file, 'utf8')) as ReturnType<FakeHost['state']>;
  state.names['he/app:1'] = between.config.digest;
  writeFileSync(file, JSON.stringify(state));
  expect(await sending).toMatchObject({ state: 'done' });
  expect(host.state().names).toMatchObject({
    'he/app:1': next.config.digest,
    'he/app:previous': between.config.digest,
  });
});
