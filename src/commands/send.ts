import { decompress } from '../codecs/decompress.js';
import { frameSizeFor } from '../codecs/zstd.js';
import { shareReading } from '../engine/sharing.js';
import { openVerified } from '../engine/transfer.js';
import { type ImageNode } from '../model/graph.js';
import { type OpenBlob } from '../ports.js';
import { bytesOf } from '../primitives/bytes.js';
import { type Digest } from '../primitives/digest.js';
import { isTransferError, TransferError } from '../primitives/errors.js';
import { checkPublishable, publishFile } from '../primitives/publish.js';
import { rateLimiter } from '../primitives/rate-limit.js';
import { type EngineImage } from '../transports/engine/inventory.js';
import { checkedOpen } from '../transports/engine/load.js';
import { layersLacked } from '../transports/engine/outline.js';
import { type HostWord, parseHost } from '../transports/ssh/index.js';
import { type Context, type Interruptible, type SendOptions } from './options.js';
import { readImages, type Reading, requireImages } from './read.js';
import { type SendResult } from './results.js';
import { atMost } from './send/at-most.js';
import { cleanEngine } from './send/clean.js';
import { DEFAULT_CHECKPOINT, type Line } from './send/delivery.js';
import { Host } from './send/host.js';
import { previousNames } from './send/previous.js';

/** More at a time share a line, and this machine's processors, without gaining anything. */
const DEFAULT_JOBS = 8;

/**
 * Brings what sources hold into the engines of hosts: to each only what it lacks, proven before names move. What goes
 * wrong with a host is in its result; the others go on. `onInterrupted` is told if there is something to tell.
 * @throws TransferError for what concerns all hosts: the call, or the sources
 */
export async function send(options: SendOptions, context: Interruptible<SendResult>): Promise<SendResult> {
  if (options.clean === true && options.dryRun === true) {
    throw new TransferError('USAGE', '--clean has no --dry-run', {
      hint: 'What it would remove are the images there that are called ferry-checkpoint.',
    });
  }
  if (options.receipt !== undefined) await checkPublishable(options.receipt);
  const line: Line = {
    compression: options.compress ?? { kind: 'auto' },
    checkpointBytes: options.checkpointBytes ?? DEFAULT_CHECKPOINT,
    limiter: rateLimiter(options.limitRate),
    compressors: new Map(),
  };
  // What concerns all hosts, an image that is not there, stops them all.
  const stop = new AbortController();
  const stoppable = { ...context, signal: AbortSignal.any([context.signal, stop.signal]) };
  const hosts = distinct(options.to).map((word) => new Host(word, options, stoppable, line));
  const jobs = options.jobs ?? DEFAULT_JOBS;
  try {
    const notes =
      options.clean === true ? await cleanAll(hosts, jobs) : await sendAll(hosts, jobs, options, context, stop);
    return await concluded(hosts, notes, options);
  } catch (error) {
    const isWorthTelling = hosts.some((host) => host.isWorthTelling);
    if (context.signal.aborted && isWorthTelling) context.onInterrupted?.(await concluded(hosts, [], options));
    throw error;
  } finally {
    await Promise.all(hosts.map((host) => host.close()));
  }
}

/** What became of the hosts, which also goes into the receipt. */
async function concluded(hosts: readonly Host[], notes: readonly string[], options: SendOptions): Promise<SendResult> {
  const result: SendResult = {
    dryRun: options.dryRun ?? false,
    hosts: hosts.map((host) => host.result()),
    notes,
    date: new Date().toISOString(),
  };
  if (options.receipt !== undefined) {
    await publishFile(options.receipt, bytesOf(Buffer.from(`${JSON.stringify(result, null, 2)}\n`)));
  }
  return result;
}

async function cleanAll(hosts: readonly Host[], jobs: number): Promise<readonly string[]> {
  await atMost(jobs, hosts, (host) => host.clean(cleanEngine));
  return [];
}

async function sendAll(
  hosts: readonly Host[],
  jobs: number,
  options: SendOptions,
  context: Context,
  stop: AbortController,
): Promise<readonly string[]> {
  const reading = await readWhileLooking(hosts, jobs, options, context, stop);
  if (reading === undefined) return [];
  try {
    requireImages(reading);
    const { images, source, reliance } = reading;
    const cargo = { images, source, reliance, previousName: previousNames(options.keepPrevious, images) };
    const chunkBytes = frameSizeFor(options.compress?.level ?? 1);
    const shared = shareReading(openChecked(reading, context), { chunkBytes });
    // All of them before the first one reads: what it reads is kept for those that are there.
    const ready = hosts.filter((host) => !host.failed).map((host) => ({ host, reader: shared.reader() }));
    try {
      await atMost(jobs, ready, ({ host, reader }) => host.send({ ...cargo, reader }));
    } finally {
      shared.close();
    }
    return reading.notes;
  } finally {
    await reading.close();
  }
}

/**
 * Finds out about the hosts while the sources are opened: an engine's save takes seconds before its first byte, and
 * which layers of it are needed must be known only then. Undefined when no host is left to send to.
 */
async function readWhileLooking(
  hosts: readonly Host[],
  jobs: number,
  options: SendOptions,
  context: Context,
  stop: AbortController,
): Promise<Reading | undefined> {
  const looking = atMost(jobs, hosts, (host) => host.look());
  const giveUp = new AbortController();
  const given = { ...context, signal: AbortSignal.any([context.signal, giveUp.signal]) };
  const reading = readImages(options, given, async (images) => {
    await looking;
    return neededByNone(hosts, images);
  });
  looking.then(
    () => {
      if (hosts.every((host) => host.failed)) giveUp.abort();
    },
    (error: unknown) => {
      giveUp.abort(error);
    },
  );
  reading.catch((error: unknown) => {
    if (!giveUp.signal.aborted) stop.abort(error);
  });
  const [looked, read] = await Promise.allSettled([looking, reading]);
  if (hosts.every((host) => host.failed)) {
    if (read.status === 'fulfilled') await read.value.close();
    return undefined;
  }
  if (read.status === 'rejected') throw read.reason;
  if (looked.status === 'fulfilled') return read.value;
  await read.value.close();
  throw looked.reason;
}

/** Layers of a local engine's images that every host has: a save of them need not be kept. */
function neededByNone(hosts: readonly Host[], images: readonly EngineImage[]): ReadonlySet<Digest> {
  const unneeded = new Set(images.flatMap(({ diffIds }) => diffIds));
  for (const { remote, failed } of hosts) {
    if (remote === undefined || failed) continue;
    for (const layer of layersLacked(remote.engine, remote.images ?? [], images)) unneeded.delete(layer);
  }
  return unneeded;
}

/** Verified bytes, with what is in compressed layers checked as well: once for all hosts. */
function openChecked({ source, images }: Reading, { signal }: Context): OpenBlob {
  const open = ofSource(openVerified(source, () => undefined, signal));
  return checkedOpen(images.flatMap(contentsOf), open, decompress);
}

/** `open`, whose failures say whose they are: the line to a host that images come from is not the one to a target. */
function ofSource(open: OpenBlob): OpenBlob {
  return async function* (blob) {
    try {
      yield* open(blob);
    } catch (error) {
      if (!isTransferError(error) || error.side === 'source') throw error;
      const { code, message, hint } = error;
      throw new TransferError(code, `reading the images: ${message}`, { side: 'source', hint, cause: error });
    }
  };
}

function contentsOf({ name, root }: ImageNode): Parameters<typeof checkedOpen>[0] {
  if (root.kind !== 'image' && root.kind !== 'index') return [];
  return [{ id: root.blob.digest, node: root, names: name === undefined ? [] : [name] }];
}

function distinct(words: readonly string[]): readonly HostWord[] {
  const hosts = words.map(parseHost);
  const twice = hosts.find(({ label }, at) => hosts.findIndex((host) => host.label === label) !== at);
  if (hosts.length > 0 && twice === undefined) return hosts;
  if (twice !== undefined) throw new TransferError('USAGE', `--to ${twice.label} is given twice`);
  throw new TransferError('USAGE', 'no host to send to', { hint: 'Name one with --to [user@]host.' });
}
