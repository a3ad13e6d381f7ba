import { isArray, isObject, type Json, parseJson } from '../../model/json.js';
import { platformFrom } from '../../model/descriptor.js';
import { type Digest, isDigest } from '../../primitives/digest.js';
import { type Client } from './client.js';
import { bytesIn } from './ctr.js';
import { type Engine } from './engine.js';
import { answer } from './query.js';

/** A name in containerd and what it leads to, as nerdctl tells it. */
export interface NerdctlImage {
  readonly name: string;
  readonly target: Digest;
  /** Bytes of its blobs. */
  readonly size: number;
}

/**
 * nerdctl from what `version` and `info` print as JSON; undefined when they are not nerdctl's, or tell of no server.
 * From its source, 1.0 to 2.3: unlike Docker's, its server has components and no version of its own.
 */
export function nerdctlFrom(client: Client, version: Json | undefined, info: Json | undefined): Engine | undefined {
  const [own, server] = [at(version, 'Client'), at(version, 'Server')];
  const parts = at(server, 'Components');
  const containerd = isArray(parts) ? parts.find((part) => at(part, 'Name') === 'containerd') : undefined;
  const serverVersion = textAt(containerd, 'Version');
  const ownVersion = textAt(own, 'Version');
  if (serverVersion === undefined || ownVersion === undefined || at(server, 'Version') !== undefined) return undefined;
  return {
    machine: client.machine,
    command: client.command,
    family: 'nerdctl',
    version: serverVersion.replace(/^v/, ''),
    apiVersion: ownVersion.replace(/^v/, ''),
    storageDriver: textAt(info, 'Driver') ?? 'unknown',
    platform: platformFrom(textAt(own, 'Os') ?? 'linux', textAt(own, 'Arch') ?? 'amd64', undefined, undefined),
  };
}

/**
 * All names with what they lead to. The list has a row for each platform of an image.
 * @throws TransferError ENGINE_FAILED
 */
export async function nerdctlImages(engine: Engine, signal: AbortSignal): Promise<readonly NerdctlImage[]> {
  const args = ['image', 'ls', '--no-trunc', '--format', '{{json .}}'];
  return nerdctlRows(await answer(engine, args, 'listing its images', signal));
}

/** One JSON document a line. */
export function nerdctlRows(text: string): readonly NerdctlImage[] {
  const images = new Map<string, NerdctlImage>();
  for (const line of text.split('\n').filter((each) => each.startsWith('{'))) {
    const row = parseJson(Buffer.from(line), 'the answer of image ls');
    const [name, target] = [textAt(row, 'Name'), at(row, 'Digest')];
    if (name === undefined || !isDigest(target)) continue;
    images.set(name, { name, target, size: bytesIn(textAt(row, 'BlobSize') ?? '') });
  }
  return [...images.values()];
}

const at = (value: Json | undefined, key: string): Json | undefined => (isObject(value) ? value[key] : undefined);

function textAt(value: Json | undefined, key: string): string | undefined {
  const found = at(value, key);
  return typeof found === 'string' && found !== '' ? found : undefined;
}
