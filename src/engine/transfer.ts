import { blobsIn, type ImageNode } from '../model/graph.js';
import { type Plan } from '../model/plan.js';
import { type Receipt } from '../model/receipt.js';
import { type Reliance } from '../model/reliance.js';
import { type Emit, type ImageSink, type ImageSource, type OpenBlob } from '../ports.js';
import { type ByteStream } from '../primitives/bytes.js';
import { type Digest } from '../primitives/digest.js';
import { verified } from '../primitives/verified.js';
import { displayName } from './display.js';
import { planTransfer } from './plan.js';
import { requireBase } from './reliance.js';

export interface Transfer {
  readonly source: ImageSource;
  readonly images: readonly ImageNode[];
  /** What the source leaves out. */
  readonly reliance?: Reliance | undefined;
  readonly sink: ImageSink;
  /** Who is said to lack what the source leaves out; by default the sink. */
  readonly receiver?: string | undefined;
  /** Stops after the plan: the receiver is asked, nothing is changed. */
  readonly dryRun?: boolean;
  readonly what: string;
  /** Tells of each blob for which image it moves; a sink that goes image by image tells that itself. */
  readonly tellImages?: boolean;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/**
 * Brings images from a source to a receiver: asks what is missing, then hands over verified bytes.
 * @throws TransferError BASE_MISSING, before anything moves, when the receiver lacks what the source leaves out
 */
export async function transfer(job: Transfer): Promise<{ readonly plan: Plan; readonly receipt?: Receipt }> {
  const plan = planTransfer(job.images, await job.sink.present(job.images, job.signal));
  requireBase(plan, job.source, job.reliance, job.receiver ?? job.sink.label);
  if (job.dryRun === true) return { plan };
  job.emit({ type: 'start', what: job.what, bytes: plan.totals.bytesToCopy });
  try {
    const open = openVerified(job.source, job.emit, job.signal);
    const told = job.tellImages === true ? tellingImages(open, plan, job.emit) : open;
    return { plan, receipt: await job.sink.receive(plan, told, job.signal) };
  } finally {
    job.emit({ type: 'end' });
  }
}

/** A blob that several images share moves for the first of them. */
function tellingImages(open: OpenBlob, plan: Plan, emit: Emit): OpenBlob {
  const names = new Map<Digest, string>();
  for (const image of plan.images) {
    for (const { blob } of blobsIn(image.root)) if (!names.has(blob.digest)) names.set(blob.digest, displayName(image));
  }
  let last: string | undefined;
  return (blob) => {
    const name = names.get(blob.digest);
    if (name !== undefined && name !== last) emit({ type: 'image', name });
    last = name;
    return open(blob);
  };
}

/** `open` of a source, with every byte checked, counted, and the user's Ctrl-C heeded between chunks. */
export function openVerified(source: ImageSource, emit: Emit, signal: AbortSignal): OpenBlob {
  return (blob) => counted(verified(source.open(blob), blob, `${source.label}: ${blob.digest}`), emit, signal);
}

async function* counted(bytes: ByteStream, emit: Emit, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    emit({ type: 'bytes', bytes: chunk.byteLength });
    yield chunk;
  }
}
