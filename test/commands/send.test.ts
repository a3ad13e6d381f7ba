import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pack } from '../../src/commands/pack.js';
import { type Context, type SendOptions } from '../../src/commands/options.js';
import { type SendResult, type SentHost } from '../../src/commands/results.js';
import { send } from '../../src/commands/send.js';
import { type TransferEvent } from '../../src/ports.js';
import { testContext } from '../helpers/context.js';
import { useTempFolder } from '../helpers/temp-folder.js';
import { type Blobs, makeImage } from '../transports/images.js';
import { useHosts } from './send-scene.js';

jest.setTimeout(60_000);
const MB = 1_000_000;
const temp = useTempFolder();
const scene = useHosts(temp);
const { fakeHost, configFile } = scene;
let blobs: Blobs;
beforeEach(() => {
  blobs = scene.blobs();
});

const archive = (...images: Parameters<typeof scene.archive>[0]): Promise<string> => scene.archive(images);

const sendAll = (
  sources: readonly string[],
  options: Partial<SendOptions> = {},
  context: Context = testContext(),
): Promise<SendResult> =>
  send(
    { sources, to: scene.hosts().map(({ alias }) => alias), ssh: { configFile: configFile() }, ...options },
    context,
  );

async function sendOne(...args: Parameters<typeof sendAll>): Promise<SentHost> {
  const [host] = (await sendAll(...args)).hosts;
  if (host === undefined) throw new Error('no host in the result');
  return host;
}

describe('one host', () => {
  test('gets what it lacks, under its names, and nothing twice', async () => {
    const host = await fakeHost();
    const base = makeImage(blobs, ['a', 'b']);
    const app = makeImage(blobs, ['a', 'b', 'c']);
    const file = await archive(['base:1', base], ['app:1', app]);
    const first = await sendOne([file]);
    expect(first).toMatchObject({
      state: 'done',
      engine: 'docker 20.10.24 (overlay2)',
      receipt: { items: [{ state: 'proven' }, { state: 'proven' }] },
      checkpoints: [],
    });
    expect(host.state().names).toEqual({ 'he/base:1': base.config.digest, 'he/app:1': app.config.digest });
    const again = await sendOne([file]);
    expect(again).toMatchObject({ state: 'done', bytesSent: 0, receipt: { items: [{ state: 'present' }, {}] } });
  });

  test('a dry run sends nothing', async () => {
    const host = await fakeHost();
    const planned = await sendOne([await archive(['app:1', makeImage(blobs, ['a'])])], { dryRun: true });
    expect(planned).toMatchObject({ state: 'planned', bytesSent: 0, totals: { images: 1 } });
    expect(host.calls().some((call) => call.startsWith('load'))).toBe(false);
  });

  test('keeps the image that was there, under a tag or a whole name', async () => {
    const host = await fakeHost();
    const [old, next, last] = ['x', 'y', 'z'].map((layer) => makeImage(blobs, [layer]));
    if (old === undefined || next === undefined || last === undefined) throw new Error('three images');
    await sendOne([await archive(['app:1', old])]);
    await sendOne([await archive(['app:1', next])], { keepPrevious: 'previous' });
    expect(host.state().names).toEqual({ 'he/app:1': next.config.digest, 'he/app:previous': old.config.digest });
    await sendOne([await archive(['app:1', last])], { keepPrevious: 'docker.io/he/kept:2' });
    expect(host.state().names).toMatchObject({ 'he/app:1': last.config.digest, 'he/kept:2': next.config.digest });
  });

  test('a whole name cannot be kept for several images', async () => {
    await fakeHost();
    const file = await archive(['a:1', makeImage(blobs, ['a'])], ['b:1', makeImage(blobs, ['b'])]);
    await expect(sendAll([file], { keepPrevious: 'he/kept:1' })).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('a line that drops: what arrived is not sent again, and no checkpoint is left', async () => {
    const host = await fakeHost();
    const image = makeImage(blobs, ['a', 'b', 'c', 'd', 'e', 'f'], { size: MB });
    const file = await archive(['app:1', image]);
    host.line.cutAfter(4 * MB);
    const sent = await sendOne([file], { checkpointBytes: 2 * MB + 10_000 });
    expect(sent).toMatchObject({ state: 'done', retries: 1, checkpoints: [] });
    expect(sent.notes.join()).toContain('trying again in 1 s (1 of 5)');
    expect(host.line.connections()).toBe(2);
    expect(host.line.sent()).toBeLessThan(6 * MB + 2.2 * MB + 100_000);
    expect(host.state().names).toEqual({ 'he/app:1': image.config.digest });
  });

  test('without another try checkpoints stay, are named, and clean removes them', async () => {
    const host = await fakeHost();
    const image = makeImage(blobs, ['a', 'b', 'c', 'd'], { size: MB });
    const file = await archive(['app:1', image]);
    host.line.cutAfter(3.5 * MB);
    const failed = await sendOne([file], { checkpointBytes: 2 * MB + 10_000, retries: 0 });
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'CONNECTION_LOST' } });
    expect(failed.checkpoints.length).toBeGreaterThan(0);
    expect(Object.keys(host.state().names)).toEqual(
      expect.arrayContaining(failed.checkpoints.map((name) => name.replace('docker.io/', ''))),
    );
    const cleaned = await sendOne([], { clean: true });
    expect(cleaned).toMatchObject({ state: 'cleaned' });
    expect(cleaned.checkpoints).toEqual(expect.arrayContaining([...failed.checkpoints]));
    expect(host.state().names).toEqual({});
  });

  test('a large layer goes on within itself, through a file that is removed', async () => {
    const host = await fakeHost();
    const image = makeImage(blobs, ['a'], { size: 6 * MB });
    const file = await archive(['app:1', image]);
    host.line.cutAfter(5 * MB);
    const failed = await sendOne([file], { checkpointBytes: MB, retries: 0 });
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'CONNECTION_LOST' } });
    const [part] = failed.checkpoints;
    expect(part).toContain('.ferry-parts-');
    expect(existsSync(part ?? '')).toBe(true);
    const next = await sendOne([file], { checkpointBytes: MB });
    expect(next).toMatchObject({ state: 'done', checkpoints: [] });
    expect(next.notes.join()).toContain('goes on after');
    expect(host.state().names).toEqual({ 'he/app:1': image.config.digest });
    expect(readdirSync(path.dirname(part ?? ''))).toEqual([]);
  });

  test('a full disk there is told in its own words, and moves no name', async () => {
    const host = await fakeHost({ FAKE_DOCKER_FULL: '1' });
    const failed = await sendOne([await archive(['app:1', makeImage(blobs, ['a'])])]);
    expect(failed).toMatchObject({
      state: 'failed',
      error: { code: 'ENGINE_FAILED', message: expect.stringContaining('no space left on device') },
    });
    expect(failed.error?.hint).toContain('free some space');
    expect(host.calls().some((call) => call.startsWith('tag'))).toBe(false);
  });

  test('an engine that may not be used', async () => {
    await fakeHost({ FAKE_DOCKER_DENIED: '1' });
    const failed = await sendOne([await archive(['app:1', makeImage(blobs, ['a'])])], { remoteEngine: 'docker' });
    expect(failed).toMatchObject({
      state: 'failed',
      error: { code: 'ENGINE_UNREACHABLE', message: expect.stringContaining('permission denied') },
    });
  });

  test('a damaged source is its fault, and nothing is named', async () => {
    const host = await fakeHost();
    const image = makeImage(blobs, ['a']);
    blobs.get(image.layers[0]!.blob.digest)!.writeUInt8(1, 5000);
    const file = await scene.archive([['app:1', image]], true);
    const failed = await sendOne([file]);
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'BLOB_CORRUPT' } });
    expect(existsSync(path.join(host.folder, 'state.json')) ? host.state().names : {}).toEqual({});
  });

  test('Ctrl-C ends it, with the reason', async () => {
    await fakeHost();
    const stop = new AbortController();
    const file = await archive(['app:1', makeImage(blobs, ['a'], { size: 4 * MB })]);
    const sending = sendAll([file], { limitRate: 500_000 }, testContext(stop.signal));
    setTimeout(() => {
      stop.abort(new Error('enough'));
    }, 1500);
    await expect(sending).rejects.toThrow('enough');
  });

  test('Ctrl-C: hosts that were done before it are told of, and are in the receipt', async () => {
    const [one] = [await fakeHost(), await fakeHost()];
    const stop = new AbortController();
    const told: SendResult[] = [];
    const context = { ...testContext(stop.signal), onInterrupted: (soFar: SendResult) => told.push(soFar) };
    const emit = (event: TransferEvent): void => {
      if (event.type === 'host' && event.host === one.alias && event.state === 'done') stop.abort(new Error('enough'));
    };
    const file = await archive(['app:1', makeImage(blobs, ['a'], { size: MB })]);
    const sending = sendAll([file], { jobs: 1, receipt: temp('receipt') }, { ...context, emit });
    await expect(sending).rejects.toThrow('enough');
    expect(told).toMatchObject([
      { hosts: [{ state: 'done', receipt: { items: [{ state: 'proven' }] } }, { state: 'interrupted' }] },
    ]);
    expect(JSON.parse(readFileSync(temp('receipt'), 'utf8'))).toEqual(told[0]);
  });
});

describe('several hosts', () => {
  test('each gets what it lacks; one that dies, or is not there, holds nobody up', async () => {
    const [one, two, three] = [await fakeHost(), await fakeHost(), await fakeHost()];
    const base = makeImage(blobs, ['a'], { size: MB });
    const app = makeImage(blobs, ['a', 'b'], { size: MB });
    const baseFile = await archive(['base:1', base]);
    const ssh = { configFile: configFile() };
    await send({ sources: [baseFile], to: [two.alias], ssh }, testContext());
    three.line.cutAfter(MB);
    const result = await sendAll([await archive(['app:1', app])], { retries: 0 });
    expect(result.hosts.map(({ host, state }) => [host, state])).toEqual([
      [one.alias, 'done'],
      [two.alias, 'done'],
      [three.alias, 'failed'],
    ]);
    const [whole, part] = result.hosts;
    expect(whole?.bytesSent).toBeGreaterThan(2 * MB);
    expect(part?.bytesSent).toBeLessThan(1.2 * MB);
    for (const host of [one, two]) expect(host.state().names).toMatchObject({ 'he/app:1': app.config.digest });
  });

  test('no host left: nothing is read', async () => {
    const host = await fakeHost();
    await host.line.close();
    const context = testContext();
    const result = await sendAll([await archive(['app:1', makeImage(blobs, ['a'])])], { retries: 0 }, context);
    expect(result.hosts).toMatchObject([{ state: 'failed', error: { code: 'HOST_UNREACHABLE' } }]);
  });

  test('an image that is not there stops all', async () => {
    await fakeHost();
    await expect(sendAll([temp('missing.tar')])).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test.each([
    [[], 'no host'],
    [['x', 'x'], 'twice'],
    [['-oProxyCommand=x'], '-oProxyCommand'],
  ])('hosts %j are refused', async (to, words) => {
    const sending = send({ sources: ['x'], to }, testContext());
    await expect(sending).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining(words) });
  });
});

describe('a host as the source', () => {
  test('pack and send take images from it', async () => {
    const [from, to] = [await fakeHost(), await fakeHost()];
    const image = makeImage(blobs, ['a', 'b']);
    const ssh = { configFile: configFile() };
    await send({ sources: [await archive(['app:1', image])], to: [from.alias], ssh }, testContext());
    const packed = await pack(
      { sources: [`ssh://${from.alias}/he/app:1`], output: temp('app.tar'), ssh },
      testContext(),
    );
    expect(packed.images).toMatchObject([
      { name: 'docker.io/he/app:1', platforms: [{ imageId: image.config.digest }] },
    ]);
    const sources = [`ssh://${from.alias}/he/app:1`];
    expect(await send({ sources, to: [to.alias], ssh }, testContext())).toMatchObject({ hosts: [{ state: 'done' }] });
    expect(to.state().names).toEqual({ 'he/app:1': image.config.digest });
  });

  test('that goes is not taken for the host that images go to', async () => {
    const [from, to] = [await fakeHost(), await fakeHost()];
    const base = makeImage(blobs, ['a']);
    const app = makeImage(blobs, ['a', 'b']);
    const ssh = { configFile: configFile() };
    await send({ sources: [await archive(['app:1', app])], to: [from.alias], ssh }, testContext());
    await send({ sources: [await archive(['base:1', base])], to: [to.alias], ssh }, testContext());
    // What the target seems to have is left out of the save. It loses it meanwhile, so that it must be read after all.
    const onSending = ({ type, state }: { type: string; state?: string }): void => {
      if (type !== 'host' || state !== 'sending') return;
      writeFileSync(path.join(to.folder, 'state.json'), JSON.stringify({ images: {}, names: {} }));
      from.line.cut();
    };
    const sources = [`ssh://${from.alias}/he/app:1`];
    const { hosts } = await send({ sources, to: [to.alias], ssh }, { ...testContext(), emit: onSending });
    expect(hosts).toMatchObject([
      {
        state: 'failed',
        retries: 0,
        error: {
          code: 'CONNECTION_LOST',
          message: expect.stringMatching(new RegExp(`^reading the images: \\S*${from.alias}: the connection broke`)),
        },
      },
    ]);
  });

  test('an image that it does not have', async () => {
    const host = await fakeHost();
    const packing = pack(
      { sources: [`ssh://${host.alias}/nothing:1`], output: temp('x.tar'), ssh: { configFile: configFile() } },
      testContext(),
    );
    await expect(packing).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining(host.alias) });
  });
});
