import { createHash, randomBytes } from 'node:crypto';
import { createGunzip, gzipSync } from 'node:zlib';
import { Readable } from 'node:stream';
import { type EngineDeps } from '../../src/transports/engine/index.js';
import {
  blobsIn,
  imagesIn,
  type ImageNode,
  type LayerNode,
  type ManifestNode,
  type TreeNode,
} from '../../src/model/graph.js';
import { mediaTypes } from '../../src/model/media-types.js';
import { type Plan, type PlannedBlob } from '../../src/model/plan.js';
import { type Decompress, type OpenBlob, type TransferEvent } from '../../src/ports.js';
import { bytesOf } from '../../src/primitives/bytes.js';
import { type Digest, digestOf, hexOf } from '../../src/primitives/digest.js';
import { verified } from '../../src/primitives/verified.js';

/** Blobs in memory: what a source would open. */
export type Blobs = Map<Digest, Buffer>;

export type Form = 'plain' | 'gzip';

/** A tar of one file; the same name gives the same bytes. */
export function layerTar(name: string, size = 20_000): Buffer {
  return Buffer.concat([tarMember(`data/${name}`, pseudoRandom(name, size)), Buffer.alloc(1024)]);
}

function pseudoRandom(seed: string, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < size; at += 32)
    parts.push(
      createHash('sha256')
        .update(`${seed}${String(at)}`)
        .digest(),
    );
  return Buffer.concat(parts).subarray(0, size);
}

export function put(blobs: Blobs, bytes: Buffer): { readonly digest: Digest; readonly size: number } {
  const digest = digestOf(bytes);
  blobs.set(digest, bytes);
  return { digest, size: bytes.length };
}

export interface ImageOptions {
  readonly form?: Form | undefined;
  readonly architecture?: string;
  /** Tells apart images of the same layers. */
  readonly label?: string;
  /** Bytes of each layer's file. */
  readonly size?: number;
  /** What the config says of the layers, where it shall lie. */
  readonly diffIds?: readonly Digest[];
}

/** An image whose layers are `layerTar(name)`. */
export function makeImage(blobs: Blobs, layers: readonly string[], options: ImageOptions = {}): ManifestNode {
  const { form = 'plain', architecture = 'amd64', label = '' } = options;
  const tars = layers.map((layer) => layerTar(layer, options.size));
  const diffIds = options.diffIds ?? tars.map((tar) => digestOf(tar));
  const config = {
    mediaType: mediaTypes.ociConfig,
    ...put(
      blobs,
      json({
        architecture,
        os: 'linux',
        created: '2026-01-01T00:00:00Z',
        config: { Cmd: ['/none'], Labels: { label } },
        rootfs: { type: 'layers', diff_ids: diffIds },
        history: layers.map((layer) => ({ created: '2026-01-01T00:00:00Z', created_by: layer })),
      }),
    ),
  };
  const nodes = tars.map((tar, at): LayerNode => {
    const bytes = form === 'gzip' ? gzipSync(tar, { level: 1 }) : tar;
    const mediaType = form === 'gzip' ? `${mediaTypes.ociLayer}+gzip` : mediaTypes.ociLayer;
    return { blob: { mediaType, ...put(blobs, bytes) }, diffId: diffIds[at]!, foreign: false };
  });
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config,
    layers: nodes.map(({ blob }) => blob),
  };
  const blob = { mediaType: mediaTypes.ociManifest, ...put(blobs, json(document)) };
  return { kind: 'image', blob, config, platform: { os: 'linux', architecture }, layers: nodes };
}

/** A multi-platform image. */
export function makeIndex(blobs: Blobs, children: readonly ManifestNode[]): TreeNode {
  const manifests = children.map(({ blob, platform }) => ({ ...blob, platform }));
  const document = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
  const blob = { mediaType: mediaTypes.ociIndex, ...put(blobs, json(document)) };
  return { kind: 'index', blob, children, absent: [] };
}

export function planOf(images: readonly ImageNode[]): Plan {
  const blobs = images.flatMap(({ root }) => [...blobsIn(root)]);
  const unique = new Map(
    blobs.map((reached): [Digest, PlannedBlob] => [reached.blob.digest, { ...reached, action: 'copy' }]),
  );
  const totals = { images: images.length, layerUses: 0, uniqueLayers: 0, bytesUsed: 0, bytesUnique: 0, bytesToCopy: 0 };
  return { images, blobs: [...unique.values()], totals, twins: [] };
}

/** Opens verified blobs, and notes which were asked for. */
export function opener(blobs: Blobs, opened: Digest[] = []): OpenBlob {
  return (blob) => {
    opened.push(blob.digest);
    const bytes = blobs.get(blob.digest);
    if (bytes === undefined) throw new Error(`no blob ${blob.digest}`);
    return verified(bytesOf(bytes), blob, `blob ${blob.digest}`);
  };
}

/** A stand-in for the bundle's encoder: the smallest tar that is an OCI layout and a `docker save` archive. */
export async function* encodeTar(
  images: readonly ImageNode[],
  blobs: readonly PlannedBlob[],
  open: OpenBlob,
): AsyncGenerator<Uint8Array> {
  yield* encodeMembers(blobs, open);
  yield* encodeLists(images);
}

export const encodeMembers: EngineDeps['members'] = async function* (blobs, open) {
  for (const { blob, action } of blobs) {
    if (action === 'present') continue;
    yield tarHeader(`blobs/sha256/${hexOf(blob.digest)}`, blob.size);
    yield* open(blob);
    yield padding(blob.size);
  }
};

// eslint-disable-next-line @typescript-eslint/require-await -- a stream is asynchronous whether it needs to be or not
const encodeLists: EngineDeps['lists'] = async function* (images) {
  const path = (digest: Digest): string => `blobs/sha256/${hexOf(digest)}`;
  const entries = images.map(({ name, root }) => ({
    ...root.blob,
    ...(name === undefined
      ? {}
      : { annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name } }),
  }));
  const list = images.map(({ name, root }) => {
    const [image] = [...imagesIn(root)];
    return {
      Config: path(image!.config.digest),
      RepoTags: name === undefined ? null : [name],
      Layers: image!.layers.map(({ blob }) => path(blob.digest)),
    };
  });
  yield tarMember('index.json', json({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: entries }));
  yield tarMember('manifest.json', json(list));
  yield tarMember('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  yield Buffer.alloc(1024);
};

/** Gzip or nothing: all that these tests use. */
export const gunzipOrNot: Decompress = async function* (bytes) {
  const all: Uint8Array[] = [];
  for await (const chunk of bytes) all.push(chunk);
  const whole = Buffer.concat(all);
  if (whole[0] !== 0x1f || whole[1] !== 0x8b) yield whole;
  else yield* Readable.from([whole]).pipe(createGunzip()) as AsyncIterable<Uint8Array>;
};

export function depsWith(overrides: Partial<EngineDeps> = {}, events: TransferEvent[] = []): EngineDeps {
  const missing = (): never => {
    throw new Error('not expected to be called');
  };
  return {
    members: encodeMembers,
    lists: encodeLists,
    openStream: missing,
    decompress: gunzipOrNot,
    plain: missing,
    emit: (event) => events.push(event),
    signal: new AbortController().signal,
    ...overrides,
  };
}

/** A word that no other run uses, so that its layers are in no engine yet. */
export const fresh = (): string => randomBytes(5).toString('hex');

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const padding = (size: number): Buffer => Buffer.alloc((512 - (size % 512)) % 512);
export const tarMember = (name: string, bytes: Buffer): Buffer =>
  Buffer.concat([tarHeader(name, bytes.length), bytes, padding(bytes.length)]);

function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 100, 'latin1');
  header.write('0000444\0' + '0000000\0' + '0000000\0', 100, 'latin1');
  header.write(`${size.toString(8).padStart(11, '0')}\0${'0'.repeat(11)}\0`, 124, 'latin1');
  header.write('        0', 148, 'latin1');
  header.write('ustar\u000000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
