import { gzipSync } from 'node:zlib';
import { type Descriptor } from '../../src/model/descriptor.js';
import { type ImageRecord } from '../../src/model/graph.js';
import { mediaTypes } from '../../src/model/media-types.js';
import { type Platform } from '../../src/model/platform.js';
import { type ImageSource } from '../../src/ports.js';
import { bytesOf } from '../../src/primitives/bytes.js';
import { type Digest, digestOf, hexOf } from '../../src/primitives/digest.js';
import { TransferError } from '../../src/primitives/errors.js';
import { file, json, type Member } from './members.js';

export interface ImageSpec {
  /** Contents of the layers before compression, bottom first. */
  readonly layers?: readonly (Buffer | string)[];
  readonly gzip?: boolean;
  /** Docker's schema 2 media types. */
  readonly docker?: boolean;
  readonly platform?: Partial<Platform>;
  readonly layerType?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly manifest?: Readonly<Record<string, unknown>>;
}

export interface MadeImage {
  readonly root: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

const layerTypes = {
  oci: { plain: mediaTypes.ociLayer, gzip: `${mediaTypes.ociLayer}+gzip` },
  docker: {
    plain: 'application/vnd.docker.image.rootfs.diff.tar',
    gzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  },
};

function platformFields({ os = 'linux', architecture = 'amd64', variant, osVersion }: Partial<Platform> = {}): object {
  return { os, architecture, variant, 'os.version': osVersion };
}

/** Content-addressed blobs in memory, and the documents that images are made of. */
export class Blobs {
  readonly bytes = new Map<Digest, Buffer>();

  put(mediaType: string, contents: Buffer | string | object): Descriptor {
    const bytes = Buffer.isBuffer(contents)
      ? contents
      : Buffer.from(typeof contents === 'string' ? contents : JSON.stringify(contents));
    const digest = digestOf(bytes);
    this.bytes.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  image(spec: ImageSpec = {}): MadeImage {
    const { layers = ['layer'], gzip = false, docker = false } = spec;
    const plain = layers.map((layer) => Buffer.from(layer));
    const config = this.put(docker ? mediaTypes.dockerConfig : mediaTypes.ociConfig, {
      ...platformFields(spec.platform),
      rootfs: { type: 'layers', diff_ids: plain.map((layer) => digestOf(layer)) },
      ...spec.config,
    });
    const layerType = spec.layerType ?? layerTypes[docker ? 'docker' : 'oci'][gzip ? 'gzip' : 'plain'];
    const stored = plain.map((layer) => this.put(layerType, gzip ? gzipSync(layer) : layer));
    const mediaType = docker ? mediaTypes.dockerManifest : mediaTypes.ociManifest;
    const root = this.put(mediaType, { schemaVersion: 2, mediaType, config, layers: stored, ...spec.manifest });
    return { root, config, layers: stored };
  }

  index(manifests: readonly Descriptor[] | null, fields: object = {}): Descriptor {
    const mediaType = mediaTypes.ociIndex;
    return this.put(mediaType, { schemaVersion: 2, mediaType, manifests, ...fields });
  }

  /** An artifact manifest (OCI image-spec, manifest.md "Guidelines for Artifact Usage"). */
  artifact(contents: string, fields: Readonly<Record<string, unknown>> = {}): MadeImage {
    const config = this.put(mediaTypes.ociEmpty, '{}');
    const layers = [this.put('application/vnd.test+json', contents)];
    const mediaType = mediaTypes.ociManifest;
    return { root: this.put(mediaType, { schemaVersion: 2, mediaType, config, layers, ...fields }), config, layers };
  }

  drop(...blobs: readonly Descriptor[]): this {
    for (const { digest } of blobs) this.bytes.delete(digest);
    return this;
  }

  /** Other bytes under the digest of `blob`; same size, one bit flipped, unless they are given. */
  damage(blob: Descriptor, bytes?: Buffer): this {
    const damaged = Buffer.from(bytes ?? this.bytes.get(blob.digest) ?? '');
    if (bytes === undefined) damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1;
    this.bytes.set(blob.digest, damaged);
    return this;
  }

  source(records: readonly ImageRecord[] = [], label = 'test.tar'): ImageSource & { readonly opened: Digest[] } {
    const opened: Digest[] = [];
    return {
      label,
      opened,
      images: () => Promise.resolve(records),
      has: (digest) => this.bytes.has(digest),
      open: ({ digest }) => {
        opened.push(digest);
        const bytes = this.bytes.get(digest);
        if (bytes === undefined) throw new TransferError('BLOB_MISSING', `${label}: ${digest} is not there`);
        return bytesOf(bytes);
      },

      audit: async function* () {},
      close: () => Promise.resolve(),
    };
  }

  /** An OCI layout of these blobs, with `entries` as its index.json. */
  layout(entries: readonly Descriptor[], more: readonly Member[] = [], fields: object = {}): Member[] {
    return [
      ...[...this.bytes].map(([digest, bytes]) => file(`blobs/sha256/${hexOf(digest)}`, bytes)),
      json('index.json', { schemaVersion: 2, manifests: entries, ...fields }),
      ...more,
      json('oci-layout', { imageLayoutVersion: '1.0.0' }),
    ];
  }
}

/** An entry of index.json with both name annotations. */
export const named = (root: Descriptor, name: string): Descriptor => ({
  ...root,
  annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name },
});

/** A descriptor as it stands in an index. */
export const forPlatform = (root: Descriptor, os: string, architecture: string, variant?: string): Descriptor => ({
  ...root,
  platform: { os, architecture, ...(variant !== undefined && { variant }) },
});
