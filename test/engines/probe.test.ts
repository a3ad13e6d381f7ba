import { afterAll, describe, expect, jest, test } from '@jest/globals';
import path from 'node:path';
import { engineSink, findRemoteEngine, inventory } from '../../src/transports/engine/index.js';
import { localMachine } from '../../src/transports/machine/local.js';
import { type Machine } from '../../src/transports/machine/machine.js';
import { type Blobs, depsWith, fresh, makeImage, opener, planOf } from '../transports/images.js';
import { type EngineName, engineNames, labDir, must, up, wipe } from './lab.js';

jest.setTimeout(120_000);
const never = new AbortController().signal;

/** A host of the lab, by the system's own client, which gives its words to a shell there. */
function hostOf(name: string): Machine & { readonly commands: string[] } {
  const commands: string[] = [];
  const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;
  const start: Machine['start'] = (argv, withInput) => {
    commands.push(argv.join(' '));
    const config = path.join(labDir, 'ssh/config');
    return localMachine.start(['ssh', '-F', config, name, argv.map(quoted).join(' ')], withInput);
  };
  return { host: name, start, commands };
}

const idsOf = async (lab: EngineName): Promise<ReadonlySet<string>> => {
  const text = await must(lab, ['image', 'ls', '-q', '--no-trunc']);
  return new Set(text.split('\n').filter((id) => id !== ''));
};

describe.each(engineNames)('%s over ssh', (lab) => {
  const run = fresh();
  const name = `docker.io/probe/${run}:1`;
  afterAll(() => wipe(lab, run));

  test('is found with all its images, in one command', async () => {
    await up(lab);
    const host = hostOf(lab);
    const wanted = lab.startsWith('podman') ? 'podman' : undefined;
    const { engine } = await findRemoteEngine(host, wanted, never);
    const family = lab.startsWith('podman') ? 'podman' : lab === 'docker28c' ? 'containerd' : 'graphdriver';
    expect(engine).toMatchObject({ family, machine: { host: lab } });
    const blobs: Blobs = new Map();
    const image = makeImage(blobs, [`${run}a`, `${run}b`]);
    await engineSink(engine, depsWith()).receive(planOf([{ name, root: image }]), opener(blobs), never);

    const before = await idsOf(lab);
    host.commands.length = 0;
    const found = await findRemoteEngine(host, wanted, never);
    expect(host.commands).toEqual(['sh -s']);
    expect(found).toMatchObject({ passedOver: [], programs: { gzip: true } });
    expect(found.temporary?.free).toBeGreaterThan(0);
    expect(found.images?.filter(({ names }) => names.some((own) => own.includes(run)))).toMatchObject([
      { diffIds: image.layers.map(({ diffId }) => diffId) },
    ]);
    // Others may use the lab at the same time: an image counts that is there before and after.
    const after = await idsOf(lab);
    const there = found.images?.map(({ id }) => id) ?? [];
    expect(there).toEqual(expect.arrayContaining([...before].filter((id) => after.has(id))));
    const again = new Map((await inventory(engine, never)).map((each) => [each.id, each]));
    for (const each of found.images ?? []) {
      if (again.has(each.id)) expect(again.get(each.id)?.diffIds).toEqual(each.diffIds);
    }
  }, 600_000);
});

test('containerd over ssh', async () => {
  await up('containerd2');
  const host = hostOf('containerd2');
  const found = await findRemoteEngine(host, 'ctr -n k8s.io', never);
  expect(host.commands).toEqual(['sh -s']);
  expect(found.engine).toMatchObject({ family: 'ctr', command: ['ctr', '-n', 'k8s.io'], storageDriver: 'overlayfs' });
  expect(found.engine.version).toMatch(/^2\./);
  expect(found.images).toBeUndefined();
}, 600_000);

test('what is not there is said', async () => {
  await up('docker28');
  await expect(findRemoteEngine(hostOf('docker28'), '/nowhere/docker', never)).rejects.toMatchObject({
    code: 'ENGINE_UNREACHABLE',
    message: 'docker28: no such program: /nowhere/docker',
  });
});
