import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type ImageNode, type ManifestNode, type TreeNode } from '../../src/model/graph.js';
import { type Receipt } from '../../src/model/receipt.js';
import { ctrImages } from '../../src/transports/engine/ctr.js';
import { engineSink } from '../../src/transports/engine/index.js';
import { untag } from '../../src/transports/engine/names.js';
import { program, removeTempFolders } from '../transports/fake-client.js';
import { depsWith, makeImage, opener, planOf } from '../transports/images.js';
import { CtrLab } from './ctr-lab.js';

jest.setTimeout(120_000);
const never = new AbortController().signal;
const lab = new CtrLab();

beforeAll(() => lab.up(), 600_000);
beforeEach(() => {
  lab.next();
});
afterAll(() => lab.wipe());
afterAll(removeTempFolders);

const node = (name: string | undefined, root: TreeNode): ImageNode => ({ name, root });

async function expectWhole(ref: string, image: ManifestNode): Promise<void> {
  expect(await lab.exported(ref)).toMatchObject({
    config: image.config.digest,
    diffIds: image.layers.map(({ diffId }) => diffId),
  });
}

describe('names that move, by way of the sink', () => {
  const receive = (images: readonly ImageNode[], engine = lab.engine, deps = depsWith()): Promise<Receipt> =>
    engineSink(engine, deps).receive(planOf(images), opener(lab.blobs), never);
  const expectNoTemporary = async (): Promise<void> => {
    const own = new Set([...lab.blobs.keys()]);
    const left = (await ctrImages(lab.engine, never)).filter(({ name }) => name.includes('ferry-incoming'));
    expect(left.filter(({ target }) => own.has(target))).toEqual([]);
  };

  test('a further name, names that change places, and what was there before kept', async () => {
    const [one, two] = [makeImage(lab.blobs, [lab.own('a')]), makeImage(lab.blobs, [lab.own('b')])];
    await receive([node(lab.name('one'), one), node(lab.name('two'), two)]);
    expect(await receive([node(lab.name('more'), one)])).toMatchObject({ bytesMoved: 0, items: [{ state: 'proven' }] });
    await untag(lab.engine, [lab.name('more')], never);
    const previousName = (name: string): string | undefined => (name === lab.name('one') ? lab.name('old') : undefined);
    const deps = { ...depsWith(), previousName };
    await receive([node(lab.name('one'), two), node(lab.name('two'), one)], lab.engine, deps);
    await expectWhole(lab.name('one'), two);
    await expectWhole(lab.name('two'), one);
    await expectWhole(lab.name('old'), one);
    await expectNoTemporary();
  });

  test('one that is refused puts those before it back', async () => {
    const [one, two] = [makeImage(lab.blobs, [lab.own('a')]), makeImage(lab.blobs, [lab.own('b')])];
    await receive([node(lab.name('app'), one)]);
    const file = program(
      `case "$2 $*" in tag*refused*) echo "ctr: no" >&2; exit 1 ;; esac\nexec ${lab.engine.command[0]!} "$@"`,
      'ctr',
    );
    const engine = { ...lab.engine, command: [file] };
    const refused = receive([node(lab.name('app'), two), node(lab.name('refused'), two)], engine);
    await expect(refused).rejects.toMatchObject({ message: expect.stringContaining('ctr: no') });
    await lab.collected(two.layers[0]!.blob.digest);
    await expectWhole(lab.name('app'), one);
    expect(await lab.targetOf(lab.name('refused'))).toBeUndefined();
    await expectNoTemporary();
  });
});
