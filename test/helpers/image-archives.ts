import { gzipSync } from 'node:zlib';
import { file, hexSha256, json, type Member } from './members.js';

/** An image as a test describes it. */
export interface TestImage {
  /** As they stand in the file; null or none for an image without a name. */
  readonly tags?: readonly string[] | null;
  /** Plain tars, bottom first (`layerTar`). */
  readonly layers: readonly Buffer[];
  /** Further values of its config. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** The config of an image, as Docker would store it. */
export function configBytes({ layers, config }: TestImage): Buffer {
  const diffIds = layers.map((layer) => `sha256:${hexSha256(layer)}`);
  const document = { architecture: 'amd64', os: 'linux', ...config, rootfs: { type: 'layers', diff_ids: diffIds } };
  return Buffer.from(JSON.stringify(document));
}

export interface ArchiveOptions {
  /**
   * - `docker` (default): as Docker 1.10 to 24, `<v1 id>/layer.tar`, `<config>.json`; what is there already is a symlink;
   * - `kaniko`: `<hex>.tar.gz` (gzip), config called `sha256:<hex>`, each layer once.
   */
  readonly style?: 'docker' | 'kaniko';
  /** Members before the files that they link to. */
  readonly linksFirst?: boolean;
  /** The layers themselves in gzip form (in kaniko style they always are). */
  readonly gzip?: boolean;
}

/** A `docker save` archive without an OCI layout; manifest.json comes last, as engines write it. */
export function dockerArchive(images: readonly TestImage[], options: ArchiveOptions = {}): Member[] {
  const members = new Map<string, Member>();
  const firstOf = new Map<string, string>();
  const list = images.map((image) => {
    const config = configBytes(image);
    const name = options.style === 'kaniko' ? `sha256:${hexSha256(config)}` : `${hexSha256(config)}.json`;
    members.set(name, file(name, config));
    const layers = image.layers.map((layer, i) => {
      const member = layerMember(layer, `${hexSha256(config)}${String(i)}`, firstOf, options);
      if (!members.has(member.name)) members.set(member.name, member);
      return member.name;
    });
    return { Config: name, RepoTags: image.tags ?? null, Layers: layers };
  });
  const isLink = (member: Member): number => Number('link' in member);
  const sorted = [...members.values()].sort((a, b) => (options.linksFirst === true ? isLink(b) - isLink(a) : 0));
  return [...sorted, json('manifest.json', list)];
}

function layerMember(layer: Buffer, seed: string, firstOf: Map<string, string>, options: ArchiveOptions): Member {
  const bytes = options.style === 'kaniko' || options.gzip === true ? gzipSync(layer) : layer;
  if (options.style === 'kaniko') return file(`${hexSha256(bytes)}.tar.gz`, bytes);
  const name = `${hexSha256(seed)}/layer.tar`;
  const first = firstOf.get(hexSha256(layer));
  if (first !== undefined) return { name, link: `../${first}` };
  firstOf.set(hexSha256(layer), name);
  return file(name, bytes);
}

export interface LayoutOptions {
  /** Layers in gzip form, or plain (default). */
  readonly gzip?: boolean;
  /** With a manifest.json beside index.json, as Docker 25 and later save. */
  readonly hybrid?: boolean;
}

/** An OCI image layout: blobs, index.json, oci-layout; tags become both name annotations, as they are. */
export function ociLayout(
  images: readonly TestImage[],
  { gzip = false, hybrid = false }: LayoutOptions = {},
): Member[] {
  const blobs = new Map<string, Buffer>();
  const put = (mediaType: string, bytes: Buffer): { mediaType: string; digest: string; size: number } => {
    blobs.set(hexSha256(bytes), bytes);
    return { mediaType, digest: `sha256:${hexSha256(bytes)}`, size: bytes.byteLength };
  };
  const type = 'application/vnd.oci.image';
  const written = images.map((image) => {
    const config = put(`${type}.config.v1+json`, configBytes(image));
    const layerType = `${type}.layer.v1.tar${gzip ? '+gzip' : ''}`;
    const layers = image.layers.map((layer) => put(layerType, gzip ? gzipSync(layer) : layer));
    const mediaType = `${type}.manifest.v1+json`;
    const manifest = put(mediaType, Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers })));
    return { image, config, layers, manifest };
  });
  const entries = written.flatMap(({ image, manifest }) => {
    const named = (image.tags ?? []).map((tag) => ({ ...manifest, annotations: nameAnnotations(tag) }));
    return named.length === 0 ? [manifest] : named;
  });
  const path = ({ digest }: { digest: string }): string => `blobs/sha256/${digest.slice('sha256:'.length)}`;
  const list = written.map(({ image, config, layers }) => ({
    Config: path(config),
    RepoTags: image.tags ?? null,
    Layers: layers.map(path),
  }));
  return [
    ...[...blobs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([hex, bytes]) => file(`blobs/sha256/${hex}`, bytes)),
    json('index.json', { schemaVersion: 2, mediaType: `${type}.index.v1+json`, manifests: entries }),
    ...(hybrid ? [json('manifest.json', list)] : []),
    json('oci-layout', { imageLayoutVersion: '1.0.0' }),
  ];
}

const nameAnnotations = (tag: string): Record<string, string> => ({
  'io.containerd.image.name': tag,
  'org.opencontainers.image.ref.name': tag,
});
