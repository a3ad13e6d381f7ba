import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bytesOf } from '../../src/primitives/bytes.js';
import { type Digest, digestOf } from '../../src/primitives/digest.js';
import { type Engine } from '../../src/transports/engine/index.js';
import { holdingsOf } from '../../src/transports/engine/holdings.js';
import { takeBack } from '../../src/transports/engine/naming.js';
import { Pipeline } from '../../src/transports/engine/pipeline.js';
import { movedNote, noTraces, type Traces } from '../../src/transports/engine/traces.js';
import { localMachine } from '../../src/transports/machine/local.js';
import { program, removeTempFolders, tempFolder } from './fake-client.js';
import { depsWith } from './images.js';

afterAll(removeTempFolders);

const [old, next] = [digestOf('old'), digestOf('next')];
const [app, oldAnchor, nextAnchor] = [
  'docker.io/he/app:1',
  'docker.io/ferry-incoming/0123456789ab:m0000000-00000000',
  'docker.io/ferry-incoming/ba9876543210:m0000000-00000000',
];

/** A containerd of names only: `names` is what each leads to. While `broken` is there, it tags nothing. */
function fakeContainerd(names: Readonly<Record<string, Digest>>): {
  readonly engine: Engine;
  readonly broken: string;
  readonly names: () => Readonly<Record<string, string>>;
} {
  const folder = tempFolder();
  const [dir, broken] = [path.join(folder, 'names'), path.join(folder, 'broken')];
  mkdirSync(dir);
  for (const [name, id] of Object.entries(names)) writeFileSync(path.join(dir, encodeURIComponent(name)), id);
  const ctr = program(
    `f() { echo "${dir}/$(echo "$1" | sed 's|/|%2F|g; s|:|%3A|g')"; }
case "$1 $2" in
'images tag') [ ! -e ${broken} ] && cp "$(f "$4")" "$(f "$5")" ;;
'images rm') shift 2; for r; do rm "$(f "$r")" || bad=1; done; exit \${bad:-0} ;;
'images ls') echo 'REF TYPE DIGEST SIZE PLATFORMS LABELS' ;;
esac`,
    'ctr',
  );
  const engine: Engine = {
    machine: localMachine,
    command: [ctr],
    family: 'ctr',
    version: '2.1.9',
    apiVersion: '2.1.9',
    storageDriver: 'overlayfs',
    platform: { os: 'linux', architecture: 'amd64' },
  };
  const read = (): (readonly [string, string])[] =>
    readdirSync(dir).map((name) => [decodeURIComponent(name), readFileSync(path.join(dir, name), 'utf8')]);
  return { engine, broken, names: () => Object.fromEntries(read()) };
}

const end = (engine: Engine, traces: Traces): Promise<void> =>
  takeBack({
    engine,
    deps: depsWith(),
    open: () => bytesOf(),
    signal: new AbortController().signal,
    have: holdingsOf([], new Set()),
    traces,
    brought: [],
    pipeline: new Pipeline(),
    unnamed: new Set(),
  });

// An earlier try has moved the name, and its line dropped; this one ends before it has made anchors of its own. The
// anchor of the earlier one is then the only name of the image that was there before: without it, containerd collects it.
describe('containerd: an image that lost its name to an earlier try', () => {
  let traces: Traces;
  beforeEach(() => {
    traces = noTraces();
    traces.moved.set(app, old);
    for (const name of [oldAnchor, nextAnchor]) traces.temporary.add(name);
    traces.anchors.set(old, oldAnchor).set(next, nextAnchor);
  });
  const names = { [app]: next, [oldAnchor]: old, [nextAnchor]: next };

  test('gets it back', async () => {
    const containerd = fakeContainerd(names);
    await end(containerd.engine, traces);
    expect(containerd.names()).toEqual({ [app]: old });
    expect(traces.anchors.size).toBe(0);
    expect(movedNote(traces)).toBeUndefined();
  });

  test('keeps its temporary one where that fails, until it does not', async () => {
    const containerd = fakeContainerd(names);
    writeFileSync(containerd.broken, '');
    await end(containerd.engine, traces);
    expect(containerd.names()).toEqual({ [app]: next, [oldAnchor]: old });
    expect(movedNote(traces)).toContain(`${app} (the image before is kept as ${oldAnchor})`);
    rmSync(containerd.broken);
    await end(containerd.engine, traces);
    expect(containerd.names()).toEqual({ [app]: old });
  });
});
