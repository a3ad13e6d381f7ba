import { imagesIn } from '../../model/graph.js';
import { isArray, isObject, type Json } from '../../model/json.js';
import { type Digest, isDigest } from '../../primitives/digest.js';
import { apiGet } from './api.js';
import { contentOf } from './ctr-content.js';
import { ctrCheck } from './ctr.js';
import { describeEngine, type Engine, isAtLeast } from './engine.js';
import { engineFailed } from './failure.js';
import { blobsOf, type LoadGroup } from './groups.js';
import { inspect } from './inventory.js';

/** Whether the engine can be asked if an image's contents are all there. */
export const canAskAvailable = (engine: Engine): boolean => isAtLeast(engine.apiVersion, 1, 48);

/** Undefined: proven. Otherwise why it could not be. */
export type Doubt = string | undefined;

/**
 * Asks the engine whether it has the image that was sent, and all of it. Its exit status does not tell.
 * `ref` is the temporary name, or the ID of an image without a name.
 * @throws TransferError ENGINE_FAILED when it has not.
 */
export function prove(engine: Engine, group: LoadGroup, ref: string, signal: AbortSignal): Promise<Doubt> {
  switch (engine.family) {
    case 'containerd':
      return proveStored(engine, group, ref, signal);
    case 'ctr':
      return proveContent(engine, group, ref, signal);
    case 'nerdctl':
      return proveNamed(engine, group, ref, signal);
    case 'graphdriver':
    case 'podman':
      return proveLayers(engine, group, ref, signal);
  }
}

/** containerd by its own client: every blob is there, and what they make was unpacked, which checks each diffID. */
async function proveContent(engine: Engine, group: LoadGroup, ref: string, signal: AbortSignal): Promise<Doubt> {
  const [found, content] = await Promise.all([ctrCheck(engine, ref, signal), contentOf(engine, signal)]);
  expectSame(engine, group, 'the digest that its name leads to', group.id, found?.target);
  const lacking = blobsOf(group).find(({ blob }) => !content.has(blob.digest));
  if (lacking !== undefined) expectSame(engine, group, `the ${lacking.kind}`, lacking.blob.digest, undefined);
  expectSame(engine, group, 'its contents', 'complete', found?.complete === true ? 'complete' : 'incomplete');
  expectSame(engine, group, 'its layers', 'unpacked', found?.unpacked === true ? 'unpacked' : 'not unpacked');
  return undefined;
}

async function proveNamed(engine: Engine, group: LoadGroup, ref: string, signal: AbortSignal): Promise<Doubt> {
  const [found] = (await inspect(engine, [ref], signal)).images;
  expectSame(engine, group, 'the digest that its name leads to', group.id, found?.id);
  return 'nerdctl does not tell whether all contents are there';
}

/** Graph driver and podman: they check what they read, so the ID and the list of layers say the rest. */
async function proveLayers(engine: Engine, group: LoadGroup, ref: string, signal: AbortSignal): Promise<Doubt> {
  const [found] = (await inspect(engine, [ref], signal)).images;
  expectSame(engine, group, 'the image ID', group.id, found?.id);
  const expected = group.image.layers.map(({ diffId }) => diffId).join(', ');
  expectSame(engine, group, 'the layers', expected, found?.diffIds.join(', '));
  return undefined;
}

async function proveStored(engine: Engine, group: LoadGroup, ref: string, signal: AbortSignal): Promise<Doubt> {
  if (!canAskAvailable(engine)) {
    const [found] = (await inspect(engine, [ref], signal)).images;
    expectSame(engine, group, 'the image ID', group.id, found?.id);
    return `API ${engine.apiVersion} of this engine cannot tell whether all contents are there; 1.48 (Docker 28) can`;
  }
  const stored = await storedManifests(engine, ref, signal);
  expectSame(engine, group, 'the image ID', group.id, stored?.id);
  for (const { blob } of imagesIn(group.node)) {
    const state = stored?.available.has(blob.digest) === true ? 'all contents' : 'contents missing';
    expectSame(engine, group, `of manifest ${blob.digest}`, 'all contents', state);
  }
  return undefined;
}

export interface StoredManifests {
  readonly id: Digest | undefined;
  /** Manifests whose every blob is in the content store. */
  readonly available: ReadonlySet<Digest>;
}

/** What the containerd store has of an image; undefined when it is not there. Docker API 1.48, `manifests=1`. */
export async function storedManifests(
  engine: Engine,
  ref: string,
  signal: AbortSignal,
): Promise<StoredManifests | undefined> {
  const name = ref.split('/').map(encodeURIComponent).join('/');
  const { status, body } = await apiGet(engine, `/v1.48/images/${name}/json?manifests=1`, signal);
  if (status === 404) return undefined;
  if (status !== 200 || !isObject(body)) {
    const said = isObject(body) && typeof body['message'] === 'string' ? body['message'] : `status ${String(status)}`;
    throw engineFailed(describeEngine(engine), `asking for image ${ref}`, said, { engine });
  }
  const manifests = isArray(body['Manifests']) ? body['Manifests'] : [];
  return { id: digestAt(body, 'Id'), available: new Set(manifests.flatMap(availableDigest)) };
}

/**
 * Of every image in the containerd store, the manifests whose every blob is there, and its index when all of them are.
 * @throws TransferError ENGINE_FAILED
 */
export async function availableManifests(
  engine: Engine,
  signal: AbortSignal,
): Promise<ReadonlyMap<Digest, readonly Digest[]>> {
  const path = '/v1.48/images/json?manifests=1';
  const { status, body } = await apiGet(engine, path, signal);
  if (status !== 200 || !isArray(body)) {
    throw engineFailed(describeEngine(engine), `GET ${path}`, `status ${String(status)}`, { engine });
  }
  const found = new Map<Digest, readonly Digest[]>();
  for (const image of body) {
    const id = digestAt(image, 'Id');
    const manifests = isObject(image) && isArray(image['Manifests']) ? image['Manifests'] : [];
    const available = manifests.flatMap(availableDigest);
    const isWhole = available.length > 0 && available.length === manifests.length;
    if (id !== undefined) found.set(id, isWhole ? [id, ...available] : available);
  }
  return found;
}

function availableDigest(manifest: Json): readonly Digest[] {
  if (!isObject(manifest) || manifest['Available'] !== true) return [];
  const id = digestAt(manifest, 'ID');
  return id === undefined ? [] : [id];
}

function digestAt(value: Json, key: string): Digest | undefined {
  const found = isObject(value) ? value[key] : undefined;
  return isDigest(found) ? found : undefined;
}

function expectSame(engine: Engine, group: LoadGroup, what: string, expected: string, found: string | undefined): void {
  if (found === expected) return;
  const name = group.names[0] ?? group.id;
  const words = `${what}: expected ${expected}, found ${found ?? 'none'}`;
  throw engineFailed(describeEngine(engine), `checking ${name} after the load`, words, {
    hint: 'The engine reported success, but the image is not whole there; nothing was renamed.',
  });
}
