import { wireCompressor, type WireCompressor } from '../../codecs/wire.js';
import { type ByteStream } from '../../primitives/bytes.js';
import { TransferError } from '../../primitives/errors.js';
import { type RateLimiter } from '../../primitives/rate-limit.js';
import { type Delivery } from '../../transports/engine/deps.js';
import { describeEngine, type Engine, isAtLeast } from '../../transports/engine/engine.js';
import { type Found } from '../../transports/engine/find.js';
import { type WireCompression } from '../options.js';

const MiB = 1024 * 1024;

/** Parts up to this size are sent again when a line drops: larger images travel in several (docs/performance.md). */
export const DEFAULT_CHECKPOINT = 256 * MiB;

/** What the loads of one ferry share, whichever host they go to. */
export interface Line {
  readonly compression: WireCompression;
  readonly checkpointBytes: number;
  readonly limiter: RateLimiter;
  /** Compressors by their kind: what several hosts are sent is compressed once. */
  readonly compressors: Map<string, Promise<WireCompressor>>;
}

/** The folder for parts of single large layers, in a temporary folder of the host. */
export const PARTS = '.ferry-parts';

interface Way {
  readonly kind: 'zstd' | 'gzip' | 'none';
  readonly unpack: readonly string[];
}

/**
 * How loads travel to this host.
 * @throws TransferError ENGINE_FAILED when it cannot take the compression that was asked for
 */
export async function deliveryTo(
  { engine, programs, temporary }: Found,
  line: Line,
  own: Pick<Delivery, 'traces' | 'owner'>,
  onBytes: (count: number) => void,
  signal: AbortSignal,
): Promise<Delivery> {
  const { kind, unpack } = wayTo(engine, programs, line.compression.kind);
  const level = line.compression.level;
  const key = `${kind} ${String(level)}`;
  const compressor = line.compressors.get(key) ?? wireCompressor({ kind, level });
  line.compressors.set(key, compressor);
  const chosen = await compressor;
  return {
    compress: (tar) => chosen.compress(tar),
    codec: chosen.id,
    meter: (bytes) => counted(line.limiter.limit(bytes, signal), onBytes),
    unpack,
    checkpointBytes: line.checkpointBytes,
    partFolder: temporary === undefined ? undefined : `${temporary.folder}/${PARTS}`,
    ...own,
  };
}

/** By what the host can take: its engine itself, or a program that stands before it. */
function wayTo(engine: Engine, programs: Found['programs'], wanted: WireCompression['kind']): Way {
  const can = (kind: 'zstd' | 'gzip'): boolean => reads(engine, kind) || programs[kind];
  const kind = wanted === 'auto' ? (can('zstd') ? 'zstd' : can('gzip') ? 'gzip' : 'none') : wanted;
  if (kind === 'none' || reads(engine, kind)) return { kind, unpack: [] };
  if (programs[kind]) return { kind, unpack: ['sh', '-c', `${kind} -dcq | "$@"`, 'ferry'] };
  throw new TransferError(
    'ENGINE_FAILED',
    `${describeEngine(engine)}: it does not read ${kind}, and there is no ${kind} program`,
    { side: 'sink', hint: 'Leave --compress out: ferry then takes what the host can read.' },
  );
}

/**
 * Measured (docs/engines.md): every engine reads gzip, and zstd all but Docker before 23. `ctr images import --local`
 * reads neither.
 */
function reads({ family, version }: Engine, kind: 'zstd' | 'gzip'): boolean {
  if (family === 'ctr' || family === 'nerdctl') return false;
  return kind === 'gzip' || isAtLeast(version, family === 'podman' ? 4 : 23);
}

async function* counted(bytes: ByteStream, onBytes: (count: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    yield chunk;
    onBytes(chunk.byteLength);
  }
}
