import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type SendOptions } from '../../src/commands/options.js';
import { type SendResult, type SentHost } from '../../src/commands/results.js';
import { send } from '../../src/commands/send.js';
import { type ImageNode, type ManifestNode, type TreeNode } from '../../src/model/graph.js';
import { testContext } from '../helpers/context.js';
import { tcpLine, type TcpLine } from '../helpers/tcp-line.js';
import { useTempFolder } from '../helpers/temp-folder.js';
import { type Blobs, encodeTar, fresh, makeImage, opener, planOf } from '../transports/images.js';
import { collect, type EngineName, idOf, labDir, labNames, namesWith, save, up, wipe } from './lab.js';

jest.setTimeout(180_000);
const temp = useTempFolder();
const MB = 1_000_000;

/** What an SSH session costs besides the images: key exchange, questions, answers. */
const TALK = 60_000;

/** Every engine by the client that is built in, and one by OpenSSH's. */
const ways = [
  ...labNames.map((lab): readonly [EngineName, string | undefined] => [lab, undefined]),
  ['docker28', 'ssh'] as const,
];

describe.each(ways)('send to %s over SSH (client: %s)', (lab, program) => {
  const run = fresh();
  let count = 0;
  let blobs: Blobs;
  let own: string;
  let line: TcpLine;
  let config: string;
  let configText: string;

  beforeAll(async () => {
    await up(lab);
    const entry = configOf(lab);
    line = await tcpLine(entry.port);
    configText = entry.textFor(line.port);
  }, 600_000);
  afterAll(async () => {
    await line.close();
    await wipe(lab, run);
  });
  beforeEach(() => {
    blobs = new Map();
    own = `${run}-${String(++count)}`;
    config = temp('config');
    writeFileSync(config, configText);
  });

  const name = (word: string): string => `docker.io/he/${own}-${word}:1`;
  const layers = (...words: readonly string[]): string[] => words.map((word) => `${own}-${word}`);
  /** An archive of images, as a file. */
  const archive = async (...images: readonly (readonly [string, TreeNode])[]): Promise<string> => {
    const nodes = images.map(([word, root]): ImageNode => ({ name: name(word), root }));
    const file = temp(`${own}-${String(++count)}.tar`);
    const blobsSorted = [...planOf(nodes).blobs].sort((a, b) => (a.blob.digest < b.blob.digest ? -1 : 1));
    writeFileSync(file, await collect(encodeTar(nodes, blobsSorted, opener(blobs))));
    return file;
  };
  const sendTo = async (
    sources: readonly string[],
    options: Partial<SendOptions> = {},
  ): Promise<SentHost & { readonly wire: number; readonly all: SendResult }> => {
    const before = line.sent();
    const ssh = { configFile: config, program };
    // Other engines' programs of the lab's machine are to be seen there as well.
    const remoteEngine = lab === 'containerd2' ? 'ctr' : undefined;
    const all = await send({ sources, to: [lab], ssh, remoteEngine, retries: 0, ...options }, testContext());
    const [host] = all.hosts;
    if (host === undefined) throw new Error('no host in the result');
    return { ...host, wire: line.sent() - before, all };
  };
  const expectWhole = async (word: string, image: ManifestNode): Promise<void> => {
    const [saved] = await save(lab, name(word));
    expect(saved?.diffIds).toEqual(image.layers.map(({ diffId }) => diffId));
    expect(saved?.config).toBe(image.config.digest);
  };
  const expectNothingLeft = async (): Promise<void> => {
    // Others may be using the engine: only what belongs to these layers counts.
    const names = await namesWith(lab, 'ferry-');
    const ids = [...blobs.keys()].map((digest) => digest.slice(7, 19));
    expect(names.filter((left) => ids.some((id) => left.includes(id)))).toEqual([]);
  };
  const size = 200_000;

  test('an empty host; then one with the base; then one with everything', async () => {
    const base = makeImage(blobs, layers('a', 'b'), { size });
    const app = makeImage(blobs, layers('a', 'b', 'c'), { size });
    const empty = await sendTo([await archive(['base', base])]);
    expect(empty).toMatchObject({ state: 'done', receipt: { items: [{ state: 'proven' }] } });
    expect(empty.bytesSent).toBeGreaterThan(2 * size);
    expect(empty.wire).toBeLessThan(2 * size + TALK);
    await expectWhole('base', base);

    const file = await archive(['app', app]);
    const one = await sendTo([file]);
    expect(one.state).toBe('done');
    expect(one.bytesSent).toBeGreaterThan(size);
    expect(one.wire).toBeLessThan(size + TALK);
    await expectWhole('app', app);

    const all = await sendTo([file]);
    expect(all).toMatchObject({ state: 'done', bytesSent: 0, receipt: { items: [{ state: 'present' }] } });
    expect(all.wire).toBeLessThan(TALK);
    await expectNothingLeft();
  });

  test('two images in one go share their layers; a layer twice; a layer under another parent', async () => {
    const one = makeImage(blobs, layers('a', 'b'), { size });
    const two = makeImage(blobs, layers('a', 'b', 'c'), { size });
    const sent = await sendTo([await archive(['one', one], ['two', two])]);
    expect(sent.state).toBe('done');
    expect(sent.wire).toBeLessThan(3 * size + TALK);
    await expectWhole('one', one);
    await expectWhole('two', two);

    const twice = makeImage(blobs, layers('a', 'd', 'a'), { size });
    const other = makeImage(blobs, layers('d', 'a'), { size });
    const again = await sendTo([await archive(['twice', twice], ['other', other])]);
    expect(again).toMatchObject({ state: 'done' });
    await expectWhole('twice', twice);
    await expectWhole('other', other);
    await expectNothingLeft();
  });

  test.each(['plain', 'gzip'] as const)('the base is there in the other form than the %s one sent', async (form) => {
    const base = makeImage(blobs, layers('a', 'b'), { size, form: form === 'gzip' ? 'plain' : 'gzip' });
    const app = makeImage(blobs, layers('a', 'b', 'c'), { size, form });
    expect(await sendTo([await archive(['base', base])])).toMatchObject({ state: 'done' });
    const sent = await sendTo([await archive(['app', app])]);
    expect(sent).toMatchObject({ state: 'done', receipt: { items: [{ state: 'proven' }] } });
    await expectWhole('app', app);
    await expectWhole('base', base);
    await expectNothingLeft();
  });

  test.each(['none', 'gzip', 'auto'] as const)('compression: %s', async (kind) => {
    const image = makeImage(blobs, layers('a'), { size });
    const sent = await sendTo([await archive(['x', image])], { compress: { kind } });
    expect(sent).toMatchObject({ state: 'done' });
    await expectWhole('x', image);
  });

  test('a line that is cut: what arrived is not sent again', async () => {
    const image = makeImage(blobs, layers('a', 'b', 'c', 'd', 'e'), { size: 2 * MB });
    const file = await archive(['x', image]);
    const before = line.connections();
    line.cutAfter(5 * MB);
    const sent = await sendTo([file], { retries: 3, checkpointBytes: 2.5 * MB });
    expect(sent).toMatchObject({ state: 'done', retries: 1, checkpoints: [] });
    expect(line.connections() - before).toBe(2);
    expect(sent.wire).toBeLessThan(10 * MB + 2.5 * MB + 2 * TALK);
    await expectWhole('x', image);
    await expectNothingLeft();
  });

  test('a run that fails leaves checkpoints, which the next one builds on and removes', async () => {
    const image = makeImage(blobs, layers('a', 'b', 'c', 'd', 'e'), { size: 2 * MB, form: 'gzip' });
    const file = await archive(['x', image]);
    line.cutAfter(7 * MB);
    const failed = await sendTo([file], { checkpointBytes: 2.5 * MB });
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'CONNECTION_LOST' } });
    expect(failed.checkpoints.length).toBeGreaterThan(0);
    expect(failed.checkpoints[0]).toMatch(/ferry-checkpoint\//);
    expect(await idOf(lab, name('x'))).toBeUndefined();
    const next = await sendTo([file], { checkpointBytes: 2.5 * MB });
    expect(next).toMatchObject({ state: 'done', checkpoints: [] });
    expect(failed.wire + next.wire).toBeLessThan(10 * MB + 2.5 * MB + 2 * TALK);
    await expectWhole('x', image);
    await expectNothingLeft();
  });

  test('a single large layer goes on within itself', async () => {
    const image = makeImage(blobs, layers('a'), { size: 16 * MB });
    const file = await archive(['x', image]);
    line.cutAfter(12 * MB);
    const failed = await sendTo([file], { checkpointBytes: MB });
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'CONNECTION_LOST' } });
    expect(failed.checkpoints).toEqual([expect.stringContaining('.ferry-parts-')]);
    const next = await sendTo([file], { checkpointBytes: MB });
    expect(next).toMatchObject({ state: 'done', checkpoints: [] });
    // What was on its way inside the server, its window of 2 MiB among it, is lost.
    expect(failed.wire + next.wire).toBeLessThan(16 * MB + 6 * MB + 2 * TALK);
    await expectWhole('x', image);
  });

  test('clean removes what failed runs left', async () => {
    const image = makeImage(blobs, layers('a', 'b', 'c'), { size: 2 * MB });
    const file = await archive(['x', image]);
    line.cutAfter(5 * MB);
    const failed = await sendTo([file], { checkpointBytes: 2.5 * MB });
    expect(failed.state).toBe('failed');
    const cleaned = await sendTo([], { clean: true });
    expect(cleaned.state).toBe('cleaned');
    expect(cleaned.checkpoints).toEqual(expect.arrayContaining([...failed.checkpoints]));
    await expectNothingLeft();
  });

  test('keeps the image that was there before', async () => {
    const old = makeImage(blobs, layers('a'), { size, label: 'old' });
    const next = makeImage(blobs, layers('a', 'b'), { size, label: 'new' });
    await sendTo([await archive(['x', old])]);
    const sent = await sendTo([await archive(['x', next])], { keepPrevious: 'previous' });
    expect(sent.state).toBe('done');
    await expectWhole('x', next);
    const [kept] = await save(lab, name('x').replace(/:1$/, ':previous'));
    expect(kept?.config).toBe(old.config.digest);
  });

  test('a dry run changes nothing', async () => {
    const image = makeImage(blobs, layers('a'), { size });
    const sent = await sendTo([await archive(['x', image])], { dryRun: true });
    expect(sent).toMatchObject({ state: 'planned', bytesSent: 0 });
    expect(sent.totals?.bytesToCopy).toBeGreaterThan(size);
    expect(await idOf(lab, name('x'))).toBeUndefined();
  });

  test('from host to host', async () => {
    const image = makeImage(blobs, layers('a', 'b'), { size });
    await sendTo([await archive(['x', image])]);
    const sent = await sendTo([`ssh://${lab}/${name('x')}`], { rename: [`${name('x')}=${name('copy')}`] });
    expect(sent).toMatchObject({ state: 'done', receipt: { items: [{ state: 'proven' }] } });
    await expectWhole('copy', image);
  });
});

/** The lab's own entry for an engine, through another port. */
function configOf(lab: string): { readonly port: number; readonly textFor: (port: number) => string } {
  const text = readFileSync(path.join(labDir, 'ssh/config'), 'utf8');
  const [, block = ''] = new RegExp(`^Host ${lab}\\n((?: .*\\n)*)`, 'm').exec(text) ?? [];
  const port = Number(/Port (\d+)/.exec(block)?.[1]);
  return {
    port,
    textFor: (other) =>
      `Host ${lab}\n${block.replace(/Port \d+/, `Port ${String(other)}`)}  HostKeyAlias [127.0.0.1]:${String(port)}\n`,
  };
}
