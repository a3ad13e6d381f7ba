/** Media types of the OCI image specification (media-types.md) and of Docker's image manifest version 2, schema 2. */
export const mediaTypes = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerManifestV1: 'application/vnd.docker.distribution.manifest.v1+json',
  dockerManifestV1Signed: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
} as const;

export const isIndexType = (type: string): boolean => type === mediaTypes.ociIndex || type === mediaTypes.dockerIndex;

export const isManifestType = (type: string): boolean =>
  type === mediaTypes.ociManifest || type === mediaTypes.dockerManifest;

/** Docker's image manifest version 2, schema 1: known, so that it can be refused by name. */
export const isSchemaOneType = (type: string): boolean =>
  type === mediaTypes.dockerManifestV1 || type === mediaTypes.dockerManifestV1Signed;

export const isConfigType = (type: string): boolean =>
  type === mediaTypes.ociConfig || type === mediaTypes.dockerConfig;

const layerType =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar)(?:[.+](gzip|zstd))?$/;

/** A layer of an image's root file system, in any compression; false for the contents of artifacts. */
export const isLayerType = (type: string): boolean => layerType.test(type);

/** A layer that its publisher does not allow to be distributed: it may be missing (Windows base layers). */
export const isForeignLayerType = (type: string): boolean => isLayerType(type) && /nondistributable|foreign/.test(type);

/** What the media type says of the layer's compression. The bytes themselves decide; engines look at them too. */
export function statedCompression(type: string): 'none' | 'gzip' | 'zstd' {
  const compression = layerType.exec(type)?.[1];
  return compression === 'gzip' || compression === 'zstd' ? compression : 'none';
}

/** Whether a descriptor leads to a manifest or an index; one without a media type may, and is judged by its content. */
export const isDocumentType = (type: string): boolean =>
  type === '' || isIndexType(type) || isManifestType(type) || isSchemaOneType(type);
