import { createHash } from 'node:crypto';
import { type ImageNode } from '../../model/graph.js';
import { type PlannedBlob } from '../../model/plan.js';
import { type OpenBlob } from '../../ports.js';
import { type ByteStream } from '../../primitives/bytes.js';
import { isTransferError } from '../../primitives/errors.js';
import { type Client, type ClientResult, runClient } from './client.js';
import { type Delivery, type EngineDeps } from './deps.js';
import { type Gate } from './pipeline.js';
import { loadArgs } from './dialect.js';
import { describeEngine, type Engine } from './engine.js';
import { appendPart, openPart, type PartFile, removePart, withPart } from './part-file.js';

/** One call of the engine's `load`, with what it is given. */
export interface Load {
  readonly engine: Engine;
  readonly deps: EngineDeps;
  readonly images: readonly ImageNode[];
  readonly blobs: readonly PlannedBlob[];
  readonly open: OpenBlob;
  /** Waited for before the lists of names are sent: the engine looks for nothing before it has them. */
  readonly gate: Gate;
  readonly signal: AbortSignal;
}

/** Runs the engine's `load`. @throws as `runClient` */
export async function deliver(load: Load): Promise<ClientResult> {
  const { engine, deps, signal } = load;
  const { delivery } = deps;
  if (delivery === undefined) {
    const input = tarOf(load);
    return runClient({ client: engine, args: loadArgs(engine, load.images), input, signal });
  }
  const part = await partFor(load, delivery);
  if (part !== undefined) return deliverByFile(load, delivery, part);
  const input = delivery.meter(delivery.compress(tarOf(load)));
  return runClient({ client: unpacking(engine, delivery), args: loadArgs(engine, load.images), input, signal });
}

async function* tarOf({ deps, images, blobs, open, gate }: Load): AsyncGenerator<Uint8Array> {
  yield* deps.members(blobs, open);
  await gate();
  yield* deps.lists(images);
}

const unpacking = ({ machine, command }: Engine, { unpack }: Delivery, before: readonly string[] = []): Client => ({
  machine,
  command: [...before, ...unpack, ...command],
});

const layersIn = (blobs: readonly PlannedBlob[]): readonly PlannedBlob[] =>
  blobs.filter(({ kind, action }) => kind === 'layer' && action === 'copy');

/** The file for a load whose layers are more than may be lost at once; undefined: none is needed, or none is possible. */
async function partFor({ engine, deps, blobs, signal }: Load, delivery: Delivery): Promise<PartFile | undefined> {
  const layers = layersIn(blobs);
  const bytes = layers.reduce((sum, { blob }) => sum + blob.size, 0);
  if (bytes <= delivery.checkpointBytes || delivery.partFolder === undefined) return undefined;
  const key = createHash('sha256').update(`${delivery.codec} ${layers.map(({ blob }) => blob.digest).join(' ')}`);
  const name = `part-${key.digest('hex').slice(0, 24)}`;
  const place = { machine: engine.machine, label: describeEngine(engine), signal };
  let why: string;
  try {
    const part = await openPart(place, delivery.partFolder, name, delivery.owner);
    if (part.free === undefined || part.free + part.size >= bytes) return part;
    why = `${delivery.partFolder} has room for ${String(part.free)} bytes only`;
  } catch (error) {
    if (signal.aborted || !isTransferError(error) || error.code !== 'ENGINE_FAILED') throw error;
    why = error.message;
  }
  const message = `a layer of ${String(bytes)} bytes is sent in one go, and anew if the line drops: ${why}`;
  deps.emit({ type: 'note', message });
  return undefined;
}

/** The layers through the file, which outlives a line that drops; the rest goes straight into the load. */
async function deliverByFile(load: Load, delivery: Delivery, part: PartFile): Promise<ClientResult> {
  const { engine, deps, blobs, open, signal } = load;
  const place = { machine: engine.machine, label: describeEngine(engine), signal };
  const verb = part.size > 0 ? `goes on after ${String(part.size)} bytes` : 'goes';
  deps.emit({ type: 'note', message: `a large layer ${verb} through a temporary file there: ${part.path}` });
  delivery.leftovers.add(part.path);
  const layers = layersIn(blobs);
  await appendPart(place, part, delivery.meter(after(delivery.compress(deps.members(layers, open)), part.size)));
  const rest = blobs.map((blob) => (layers.includes(blob) ? { ...blob, action: 'present' as const } : blob));
  const input = delivery.meter(delivery.compress(tarOf({ ...load, blobs: rest })));
  const reading = unpacking(engine, delivery, withPart(part));
  const result = await runClient({ client: reading, args: loadArgs(engine, load.images), input, signal });
  if (await removed(place, part.path)) delivery.leftovers.delete(part.path);
  return result;
}

/** A file that stays is no reason for the load to fail: it is named at the end. */
async function removed(place: Parameters<typeof removePart>[0], path: string): Promise<boolean> {
  try {
    await removePart(place, path);
    return true;
  } catch (error) {
    if (isTransferError(error) && error.code === 'ENGINE_FAILED') return false;
    throw error;
  }
}

/** `bytes` without the first `count`. */
async function* after(bytes: ByteStream, count: number): AsyncGenerator<Uint8Array> {
  let skip = count;
  for await (const chunk of bytes) {
    if (chunk.byteLength <= skip) skip -= chunk.byteLength;
    else {
      yield skip === 0 ? chunk : chunk.subarray(skip);
      skip = 0;
    }
  }
}
