import { afterAll, describe, expect, test } from '@jest/globals';
import path from 'node:path';
import { type Digest } from '../../src/primitives/digest.js';
import { engineDeps } from '../../src/commands/open.js';
import { contentOf, isUnpacked } from '../../src/transports/engine/ctr-content.js';
import { groupLoads } from '../../src/transports/engine/groups.js';
import { engineSource, inventory } from '../../src/transports/engine/index.js';
import { inspect } from '../../src/transports/engine/inventory.js';
import { anchor, checkNames, tag, untag } from '../../src/transports/engine/names.js';
import { surveyEngine } from '../../src/transports/engine/survey.js';
import { testContext } from '../helpers/context.js';
import { program, removeTempFolders, tempFolder } from '../transports/fake-client.js';
import { depsWith } from '../transports/images.js';
import { never, useCtrLab } from './ctr-lab.js';

const lab = useCtrLab();
afterAll(removeTempFolders);

describe('names', () => {
  test('a temporary name, a tag over another image, and the temporary name gone: nothing of it is collected', async () => {
    const [old, next] = [lab.image('a'), lab.image('bc')];
    await lab.put(old);
    const group = await lab.put(next, 'incoming');
    await tag(lab.engine, lab.name('incoming'), lab.name('app'), never);
    expect(await untag(lab.engine, [lab.name('incoming'), lab.name('none')], never)).toBeUndefined();
    await lab.collected(old);
    await checkNames(lab.engine, [[lab.name('app'), next.blob.digest]], never);
    await lab.expectContent(group);
    expect(isUnpacked(await contentOf(lab.engine, never), next)).toBe(true);
    await lab.expectWhole('app', next);
    await expect(checkNames(lab.engine, [[lab.name('incoming'), next.blob.digest]], never)).rejects.toMatchObject({
      message: expect.stringContaining('found none'),
    });
  });

  test('an anchor keeps an image whose only name moves, so that it can move back', async () => {
    const old = lab.image('a');
    await lab.put(old);
    await lab.put(lab.image('b'), 'next');
    const { names } = await surveyEngine(lab.engine, [], never);
    const temporary = new Set<string>();
    const anchors = await anchor(lab.engine, names, new Set([old.blob.digest]), temporary, never);
    expect([...anchors]).toEqual([[old.blob.digest, expect.stringContaining('docker.io/ferry-incoming/')]]);
    expect(temporary).toEqual(new Set(anchors.values()));
    await tag(lab.engine, lab.name('next'), lab.name('app'), never);
    await tag(lab.engine, anchors.get(old.blob.digest)!, lab.name('app'), never);
    expect(await untag(lab.engine, [...anchors.values()], never)).toBeUndefined();
    await lab.expectWhole('app', old);
  });

  test('an inventory has every full name, and an image is found by short name and by ID', async () => {
    const image = lab.image('a');
    await lab.put(image);
    await tag(lab.engine, lab.name('app'), lab.name('second'), never);
    await tag(lab.engine, lab.name('app'), lab.own('short'), never);
    const listed = (await inventory(lab.engine, never)).find(({ id }) => id === image.blob.digest);
    expect(listed).toMatchObject({ names: [lab.name('app'), lab.name('second')] });
    expect(listed?.size).toBeGreaterThan(20_000);
    const refs = [lab.name('app').replace('docker.io/', ''), image.blob.digest.slice(7, 19), lab.name('none')];
    const { images, words } = await inspect(lab.engine, refs, never);
    expect(images.map(({ id }) => id)).toEqual([image.blob.digest, image.blob.digest]);
    expect(words).toBe(`no such image: ${lab.name('none')}`);
    await untag(lab.engine, [lab.own('short')], never);
  });

  test('an image without one is left, with the reason', () => {
    const [named, unnamed] = [lab.image('a'), lab.image('b')];
    const nodes = [lab.node(undefined, unnamed), lab.node('a', named), lab.node(undefined, named)];
    const { groups, members } = groupLoads(nodes, lab.engine);
    expect(groups).toMatchObject([{ names: [lab.name('a')] }]);
    expect(members.map(({ group }) => group)).toEqual([
      'containerd keeps no image without a name',
      groups[0],
      groups[0],
    ]);
  });
});

describe('by way of the sink', () => {
  test('only what is lacking is sent; then nothing', async () => {
    const [base, app] = [lab.image('ab'), lab.image('abc')];
    expect(await lab.receive([lab.node('base', base)])).toMatchObject({ items: [{ state: 'proven' }] });
    const opened: Digest[] = [];
    expect(await lab.receive([lab.node('app', app)], { opened })).toMatchObject({ items: [{ state: 'proven' }] });
    const layers = new Set(app.layers.map(({ blob }) => blob.digest));
    expect(opened.filter((digest) => layers.has(digest))).toEqual([app.layers[2]!.blob.digest]);
    await lab.expectWhole('app', app);
    expect(await lab.receive([lab.node('app', app)])).toMatchObject({ bytesMoved: 0, items: [{ state: 'present' }] });
    await lab.expectNoTemporary();
  });

  test('a corrupt layer leaves the name where it was', async () => {
    const [old, next] = [lab.image('a'), lab.image('ab')];
    await lab.receive([lab.node('app', old)]);
    lab.blobs.get(next.layers[1]!.blob.digest)!.writeUInt8(1, 5000);
    await expect(lab.receive([lab.node('app', next)])).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    expect(await lab.targetOf('app')).toBe(old.blob.digest);
    await lab.expectWhole('app', old);
  });

  test('a further name, names that change places, and what was there before kept', async () => {
    const [one, two] = [lab.image('a'), lab.image('b')];
    await lab.receive([lab.node('one', one), lab.node('two', two)]);
    const more = await lab.receive([lab.node('more', one)]);
    expect(more).toMatchObject({ bytesMoved: 0, items: [{ state: 'proven' }] });
    await untag(lab.engine, [lab.name('more')], never);
    const previousName = (name: string): string | undefined => (name === lab.name('one') ? lab.name('old') : undefined);
    await lab.receive([lab.node('one', two), lab.node('two', one)], { deps: { ...depsWith(), previousName } });
    await lab.expectWhole('one', two);
    await lab.expectWhole('two', one);
    await lab.expectWhole('old', one);
    await lab.expectNoTemporary();
  });

  test('a name that is refused puts those before it back', async () => {
    const [one, two] = [lab.image('a'), lab.image('b')];
    await lab.receive([lab.node('app', one)]);
    const file = program(
      `case "$2 $*" in tag*refused*) echo "ctr: no" >&2; exit 1 ;; esac\nexec ${lab.engine.command[0]!} "$@"`,
      'ctr',
    );
    const engine = { ...lab.engine, command: [file] };
    const refused = lab.receive([lab.node('app', two), lab.node('refused', two)], { engine });
    await expect(refused).rejects.toMatchObject({ message: expect.stringContaining('ctr: no') });
    await lab.collected(two);
    await lab.expectWhole('app', one);
    expect(await lab.targetOf('refused')).toBeUndefined();
    await lab.expectNoTemporary();
  });

  test('a name that cannot be put back: the image before is kept, and it is told where', async () => {
    const [one, two] = [lab.image('a'), lab.image('b')];
    await lab.receive([lab.node('app', one)]);
    const flag = path.join(tempFolder(), 'flag');
    const file = program(
      `case "$2 $*" in tag*refused*) touch ${flag} ;; esac
[ "$2" = tag ] && [ -e ${flag} ] && { echo "ctr: no" >&2; exit 1; }
exec ${lab.engine.command[0]!} "$@"`,
      'ctr',
    );
    const engine = { ...lab.engine, command: [file] };
    const refused = lab.receive([lab.node('app', two), lab.node('refused', two)], { engine });
    const message: string = await refused.then(String, String);
    const [kept = ''] = /docker\.io\/ferry-incoming\/[^)]*/.exec(message) ?? [];
    expect(message).toContain(`could not be put back: ${lab.name('app')} (the image before is kept as ${kept})`);
    await lab.collection();
    await tag(lab.engine, kept, lab.name('app'), never);
    await untag(lab.engine, [kept], never);
    await lab.collected(two);
    await lab.expectWhole('app', one);
    await lab.expectNoTemporary();
  });
});

test('a source: a save of several, by short name, read as any archive', async () => {
  const [one, two] = [lab.image('a'), lab.image('b', { form: 'gzip' })];
  await lab.put(one, 'one');
  await lab.put(two, 'two');
  const short = lab.name('one').replace('docker.io/', '');
  const source = await engineSource(lab.engine, [short, lab.name('two')], engineDeps(testContext()));
  const images = await source.images();
  expect(new Set(images.map(({ name, root }) => `${String(name)} ${root.digest}`))).toEqual(
    new Set([`${lab.name('one')} ${one.blob.digest}`, `${lab.name('two')} ${two.blob.digest}`]),
  );
  for (const { layers } of [one, two]) expect(source.has(layers[0]!.blob.digest)).toBe(true);
  await source.close();
  const missing = engineSource(lab.engine, [short, lab.name('none')], engineDeps(testContext()));
  await expect(missing).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining(lab.name('none')),
  });
});
