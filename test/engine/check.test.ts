import { describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { decompress } from '../../src/codecs/decompress.js';
import { sniffCompression } from '../../src/codecs/sniff.js';
import { checkImages, type CheckReport } from '../../src/engine/check.js';
import { displayName } from '../../src/engine/display.js';
import { readGraph } from '../../src/engine/graph.js';
import { transfer } from '../../src/engine/transfer.js';
import { unionSource } from '../../src/engine/union.js';
import { type Descriptor } from '../../src/model/descriptor.js';
import { type ImageSink, type ImageSource, type TransferEvent } from '../../src/ports.js';
import { digestOf } from '../../src/primitives/digest.js';
import { TransferError } from '../../src/primitives/errors.js';
import { collect, faultOf } from '../codecs/helpers.js';
import { Blobs } from '../helpers/blobs.js';
import { testContext } from '../helpers/context.js';

async function check(
  blobs: Blobs,
  roots: Readonly<Record<string, Descriptor>>,
  change: Partial<ImageSource> = {},
  context = testContext(),
): Promise<CheckReport> {
  const records = Object.entries(roots).map(([name, root]) => ({ name, root }));
  const { images } = await readGraph(blobs.source(), records);
  return checkImages({
    ...context,
    source: { ...blobs.source(), ...change },
    images: images.map(({ image }) => image),
    decompress,
    isCompressed: (head) => sniffCompression(head) !== 'none',
  });
}

const faults = ({ faults: list }: CheckReport): unknown[] => list.map(({ error, images }) => [error.code, ...images]);
/** Damages blobs after the graph was read, as far as the check can see. */
const later = (blobs: Blobs, ...damaged: Descriptor[]): Partial<ImageSource> => {
  const copy = new Blobs();
  for (const [digest, bytes] of blobs.bytes) copy.bytes.set(digest, bytes);
  for (const blob of damaged) copy.damage(blob);
  return { open: (blob) => copy.source().open(blob) };
};

describe('checkImages', () => {
  const blobs = new Blobs();
  const a = blobs.image({ layers: ['base', 'of a'], gzip: true });
  const b = blobs.image({ layers: ['base', 'of b'], gzip: true });
  const plain = blobs.image({ layers: ['base', 'plain'] });
  const roots = { a: a.root, b: b.root, plain: plain.root };

  test('reads every blob once, in order of digest, and counts', async () => {
    const source = blobs.source();
    const context = testContext();
    const report = await check(blobs, roots, source, context);
    expect(report).toMatchObject({ faults: [], layers: 5, blobs: blobs.bytes.size });
    expect(source.opened).toEqual([...blobs.bytes.keys()].sort());
    const told = context.events.reduce((sum, event) => sum + (event.type === 'bytes' ? event.bytes : 0), 0);
    expect(context.events[0]).toEqual({ type: 'start', what: 'verifying', bytes: report.bytes });
    expect(told).toBe(report.bytes);
    expect(context.events.at(-1)).toEqual({ type: 'end' });
  });

  test('lists all faults, each with the images that it breaks', async () => {
    const report = await check(blobs, roots, later(blobs, a.layers[0]!, b.layers[1]!, plain.layers[1]!));
    expect(new Set(faults(report).map((fault) => JSON.stringify(fault)))).toEqual(
      new Set(['["BLOB_CORRUPT","a","b"]', '["BLOB_CORRUPT","b"]', '["BLOB_CORRUPT","plain"]']),
    );
  });

  test('a damaged gzip layer is reported as damaged bytes, not as what the decompressor made of them', async () => {
    const [fault] = (await check(blobs, roots, later(blobs, a.layers[0]!))).faults;
    expect(fault?.error.message).toContain(`expected ${a.layers[0]!.digest} of`);
  });

  test('a layer whose contents have another diffID', async () => {
    const lying = new Blobs();
    const { root, layers } = lying.image({ gzip: true, config: { rootfs: { diff_ids: [digestOf('other')] } } });
    const {
      faults: [fault],
    } = await check(lying, { app: root });
    expect(fault?.error).toMatchObject({
      code: 'BLOB_CORRUPT',
      message: expect.stringContaining(`layer ${layers[0]!.digest}: expected the diffID ${digestOf('other')}`),
    });
  });

  test('a plain layer whose diffID is not its digest', async () => {
    const lying = new Blobs();
    const { root } = lying.image({ config: { rootfs: { diff_ids: [digestOf('other')] } } });
    expect(faults(await check(lying, { app: root }))).toEqual([['BLOB_CORRUPT', 'app']]);
  });

  test('two images that state different diffIDs of one layer: one of them lies', async () => {
    const lying = new Blobs();
    const honest = lying.image({ gzip: true });
    const liar = lying.image({ gzip: true, config: { rootfs: { diff_ids: [digestOf('other')] } } });
    expect(faults(await check(lying, { honest: honest.root, liar: liar.root }))).toEqual([
      ['BLOB_CORRUPT', 'honest', 'liar'],
    ]);
  });

  test('a layer that cannot be decompressed, though its bytes are right', async () => {
    const broken = new Blobs();
    const packed = gzipSync('contents');
    const layers = [broken.put('application/vnd.oci.image.layer.v1.tar+gzip', packed.subarray(0, -6))];
    const { root } = broken.image({ config: { rootfs: { diff_ids: [digestOf('contents')] } }, manifest: { layers } });
    expect(faults(await check(broken, { app: root }))).toEqual([['BAD_ARCHIVE', 'app']]);
  });

  test('faults of the container come last, also one that ends the audit', async () => {
    const fault = new TransferError('BAD_ARCHIVE', 'a frame');
    const audit =
      // eslint-disable-next-line @typescript-eslint/require-await
      async function* () {
        yield fault;
        throw new TransferError('BLOB_MISSING', 'the end of it');
      };
    expect(faults(await check(blobs, roots, { ...later(blobs, a.layers[1]!), audit }))).toEqual([
      ['BLOB_CORRUPT', 'a'],
      ['BAD_ARCHIVE'],
      ['BLOB_MISSING'],
    ]);
  });

  test('the audit is told what was read', async () => {
    let told = 0;
    // eslint-disable-next-line @typescript-eslint/require-await
    const audit: ImageSource['audit'] = async function* (reached) {
      told = reached.size;
    };
    await check(blobs, roots, { audit });
    expect(told).toBe(blobs.bytes.size);
  });

  test('an abort ends it with its reason', async () => {
    const stop = AbortSignal.abort(new Error('Ctrl-C'));
    await expect(check(blobs, roots, {}, testContext(stop))).rejects.toThrow('Ctrl-C');
  });
});

describe('transfer', () => {
  const blobs = new Blobs();
  const { root, layers } = blobs.image();
  const job = async (
    sink: Partial<ImageSink>,
    events: TransferEvent[] = [],
    dryRun = false,
  ): ReturnType<typeof transfer> => {
    const { images } = await readGraph(blobs.source(), [{ name: 'a', root }]);
    const empty: ImageSink = {
      label: 'sink',
      present: () => Promise.resolve(new Set()),
      receive: async (plan, open) => {
        for (const { blob, action } of plan.blobs) if (action === 'copy') await collect(open(blob));
        return { items: [], bytesMoved: 0 };
      },
      ...sink,
    };
    return transfer({
      ...testContext(),
      emit: (event) => events.push(event),
      what: 'packing',
      source: blobs.source(),
      images: images.map(({ image }) => image),
      sink: empty,
      dryRun,
    });
  };

  test('asks what is there, hands over the rest verified, and counts the bytes', async () => {
    const events: TransferEvent[] = [];
    const { plan } = await job({ present: () => Promise.resolve(new Set([layers[0]!.digest])) }, events);
    expect(plan.totals.bytesUnique - plan.totals.bytesToCopy).toBe(layers[0]!.size);
    expect(events[0]).toEqual({ type: 'start', what: 'packing', bytes: plan.totals.bytesToCopy });
    expect(events.reduce((sum, event) => sum + (event.type === 'bytes' ? event.bytes : 0), 0)).toBe(
      plan.totals.bytesToCopy,
    );
  });

  test('a dry run changes nothing', async () => {
    const events: TransferEvent[] = [];
    const result = await job({ receive: () => Promise.reject(new Error('must not be called')) }, events, true);
    expect([result.receipt, events]).toEqual([undefined, []]);
  });

  test('the end is told also when it fails', async () => {
    const events: TransferEvent[] = [];
    await expect(job({ receive: () => Promise.reject(new Error('full')) }, events)).rejects.toThrow('full');
    expect(events.at(-1)).toEqual({ type: 'end' });
  });
});

describe('unionSource', () => {
  const [one, two] = [new Blobs(), new Blobs()];
  const a = one.image({ layers: ['a'] });
  const b = two.image({ layers: ['b'] });
  const union = unionSource([
    one.source([{ name: 'a', root: a.root }], '1.tar'),
    two.source([{ name: 'b', root: b.root }], '2.tar'),
  ]);

  test('holds what any of them holds', async () => {
    expect((await union.images()).map(({ name }) => name)).toEqual(['a', 'b']);
    expect([union.label, union.has(a.root.digest), union.has(b.root.digest), union.has(digestOf('none'))]).toEqual([
      '1.tar, 2.tar',
      true,
      true,
      false,
    ]);
    expect(await collect(union.open(b.layers[0]!))).toEqual(Buffer.from('b'));
  });

  test('one source alone is itself', () => {
    const source = one.source();
    expect(unionSource([source])).toBe(source);
  });

  test('a blob that none has is BLOB_MISSING', async () => {
    const open = (): Promise<Buffer> =>
      Promise.resolve().then(() => collect(union.open({ digest: digestOf('none'), size: 4 })));
    expect(await faultOf(open())).toMatchObject({ code: 'BLOB_MISSING' });
  });

  test('audits and closes all', async () => {
    const closed: string[] = [];
    const sources = ['x', 'y'].map((label) => ({
      ...one.source([], label),
      // eslint-disable-next-line @typescript-eslint/require-await
      audit: async function* () {
        yield new TransferError('BAD_ARCHIVE', label);
      },
      close: () => Promise.resolve(void closed.push(label)),
    }));
    const both = unionSource(sources);
    const found: string[] = [];
    for await (const { message } of both.audit(new Set())) found.push(message);
    await both.close();
    expect([found, closed]).toEqual([
      ['x', 'y'],
      ['x', 'y'],
    ]);
  });
});

test('what messages call an image', () => {
  const { root } = new Blobs().image();
  expect(displayName({ name: 'docker.io/library/app:1', root })).toBe('app:1');
  expect(displayName({ name: undefined, root })).toBe(`the unnamed image ${root.digest.slice(7, 19)}`);
  expect(displayName({ name: undefined, root: { kind: 'opaque', blob: root } })).toBe(
    displayName({ name: undefined, root }),
  );
});
