import { type Platform } from '../../model/platform.js';
import { type Client } from './client.js';

/**
 * How an engine keeps images, which decides what it lacks and what proves a load (docs/engines.md):
 * - `graphdriver`: Docker with a graph driver; layers by chain ID, image ID = config digest;
 * - `containerd`: Docker with the containerd image store; blobs by digest, image ID = manifest or index digest;
 * - `podman`: layers by diffID or blob digest, image ID = config digest;
 * - `ctr`: containerd by its own client; blobs by digest, image ID = what its name leads to, an image lives by its names;
 * - `nerdctl`: the same store, by a client that does not tell which blobs are there.
 */
export type EngineFamily = 'graphdriver' | 'containerd' | 'podman' | 'ctr' | 'nerdctl';

/** An engine that answered. */
export interface Engine extends Client {
  readonly family: EngineFamily;
  /** Of the server, where client and server differ. */
  readonly version: string;
  /** What client and server agreed on, such as `1.51`; the client's own version with podman, ctr and nerdctl. */
  readonly apiVersion: string;
  readonly storageDriver: string;
  /** The folder below which it keeps everything, where it tells and is on this machine. */
  readonly dataRoot?: string | undefined;
  /** Of the machine that containers run on. */
  readonly platform: Platform;
}

/** `docker 28.5.2 (containerd image store)`, for messages and receipts; with the host before it when it is elsewhere. */
export function describeEngine(engine: Engine): string {
  const { host } = engine.machine;
  return host === undefined ? productOf(engine) : `${host}: ${productOf(engine)}`;
}

/** `docker 28.5.2 (overlay2)`, wherever it runs. */
export function productOf(engine: Engine): string {
  if (engine.family === 'podman') return `podman ${engine.version}`;
  if (engine.family === 'ctr') return `containerd ${engine.version}`;
  if (engine.family === 'nerdctl') return `nerdctl ${engine.apiVersion} (containerd ${engine.version})`;
  const store = engine.family === 'containerd' ? 'containerd image store' : engine.storageDriver;
  return `docker ${engine.version} (${store})`;
}

/**
 * Whether an image is kept, and can be spoken of, only by its names. containerd collects an image whose last name goes,
 * and what is loaded without one.
 */
export const livesByName = ({ family }: Pick<Engine, 'family'>): boolean => family === 'ctr' || family === 'nerdctl';

/** Whether image IDs are config digests; else they are the digests of manifests or indexes. */
export const hasConfigIds = (family: EngineFamily): boolean => family === 'graphdriver' || family === 'podman';

/** Whether a dotted version is at least `major.minor`; what is no version is not. */
export function isAtLeast(version: string, major: number, minor = 0): boolean {
  const [, a, b] = /^v?(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  if (a === undefined) return false;
  return Number(a) === major ? Number(b ?? 0) >= minor : Number(a) > major;
}
