import { afterAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Digest, digestOf } from '../../src/primitives/digest.js';
import { chunksOf } from '../../src/transports/engine/chunks.js';
import { inventory } from '../../src/transports/engine/inventory.js';
import { type Run } from '../../src/transports/engine/run.js';
import { Pipeline } from '../../src/transports/engine/pipeline.js';
import { checkNames, untag } from '../../src/transports/engine/names.js';
import { takeBack } from '../../src/transports/engine/naming.js';
import { noTraces } from '../../src/transports/engine/traces.js';
import { fakeEngine, type FakeEngine, program, removeTempFolders, tempFolder } from './fake-client.js';
import { depsWith, opener } from './images.js';

afterAll(removeTempFolders);

const never = new AbortController().signal;
const names = Array.from({ length: 250 }, (_, at) => `docker.io/he/app:${String(at)}`);
/** The names in each call of `word`. */
const asked = (engine: FakeEngine, word: string): readonly (readonly string[])[] =>
  engine
    .calls()
    .filter((line) => line.startsWith(word))
    .map((line) => line.split(' ').filter((part) => part.startsWith('docker.io/')));
const sizes = (lists: readonly (readonly string[])[]): readonly number[] => lists.map(({ length }) => length);

test('chunks: all items, in their order', () => {
  expect(chunksOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
  expect(chunksOf([1, 2], 2)).toEqual([[1, 2]]);
  expect(chunksOf([], 2)).toEqual([]);
});

test('an inventory of thousands is asked for in parts', async () => {
  const counts = path.join(tempFolder(), 'counts');
  const file = program(`
case $2 in
  ls) seq -f 'sha256:%064g' 1 2500 ;;
  inspect) shift 4; echo $# >>${counts}; for r; do echo "{\\"Id\\":\\"$r\\"}"; done ;;
esac`);
  const images = await inventory({ ...fakeEngine(), command: [file] }, never);
  expect(new Set(images.map(({ id }) => id)).size).toBe(2500);
  expect(readFileSync(counts, 'utf8')).toBe('1000\n1000\n500\n');
});

describe('many names', () => {
  const id = digestOf('an image');
  const wanted = names.map((name): readonly [string, Digest] => [name, id]);

  test('are checked in parts, each of them', async () => {
    const engine = fakeEngine();
    engine.add(id, [], names);
    await checkNames(engine, wanted, never);
    expect(sizes(asked(engine, 'image inspect'))).toEqual([100, 100, 50]);
    expect(asked(engine, 'image inspect').flat()).toEqual(names);
  });

  test('one in the last part that leads elsewhere is named', async () => {
    const engine = fakeEngine();
    engine.add(id, [], names);
    const other = digestOf('another');
    engine.add(other, [], [names[230]!]);
    await expect(checkNames(engine, wanted, never)).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining(`${names[230]!}: expected image ${id} under that name, found ${other}`),
    });
  });

  test('are taken away in parts, also when one part is refused', async () => {
    const engine = fakeEngine({ rmi: 'case "$*" in *app:7\\ *) echo "app:7 is in use" >&2; exit 1 ;; esac' });
    expect(await untag(engine, names, never)).toBe('app:7 is in use');
    expect(sizes(asked(engine, 'rmi'))).toEqual([100, 100, 50]);
    expect(asked(engine, 'rmi').flat()).toEqual(names);
  });

  test('the time limit is for each part', async () => {
    const engine = fakeEngine({ rmi: 'sleep 0.8' });
    expect(await untag(engine, names, never, 2200)).toBeUndefined();
    expect(asked(engine, 'rmi').flat()).toEqual(names);
  });

  test('an engine that hangs is not asked for the next part', async () => {
    const engine = fakeEngine({ rmi: 'exec sleep 60' });
    expect(await untag(engine, names, never, 300)).toContain('expected an answer in 0.3 s');
    expect(asked(engine, 'rmi')).toHaveLength(1);
  });

  test('no names: nothing is asked', async () => {
    const engine = fakeEngine();
    expect(await untag(engine, [], never)).toBeUndefined();
    await checkNames(engine, [], never);
    expect(engine.calls()).toEqual([]);
  });

  test('temporary ones go in parts after a failure, and then what came without a name', async () => {
    const engine = fakeEngine({ rmi: 'case "$*" in *docker.io*) exit 1 ;; esac' });
    engine.add(id, [], []);
    const run: Run = {
      engine,
      deps: depsWith(),
      open: opener(new Map()),
      signal: never,
      have: {
        listed: new Set(),
        ids: new Set(),
        names: new Map(),
        chains: new Set(),
        diffIds: new Set(),
        blobs: new Set(),
      },
      traces: { ...noTraces(), temporary: new Set(names) },
      unnamed: new Set([id]),
      brought: [],
      pipeline: new Pipeline(),
    };
    await takeBack(run);
    expect(sizes(asked(engine, 'rmi'))).toEqual([100, 100, 50, 0]);
    expect(engine.calls().at(-1)).toBe(`rmi --no-prune ${id}`);
  });
});
