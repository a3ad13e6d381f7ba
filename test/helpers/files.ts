import { writeFileSync } from 'node:fs';
import { dockerArchive, ociLayout, type TestImage } from './image-archives.js';
import { layerTar, tarOf } from './members.js';

/** Writes a `docker save` (or, with `oci`, a hybrid of Docker 25 and later); gives its path. */
export async function saveFile(
  path: string,
  images: Readonly<Record<string, readonly string[]>>,
  form: { oci?: boolean; gzip?: boolean } = {},
): Promise<string> {
  const list: TestImage[] = await Promise.all(
    Object.entries(images).map(async ([tag, layers]) => ({
      tags: tag === '' ? null : [tag],
      layers: await Promise.all(layers.map((layer) => layerTar({ [`files/${layer}`]: layer.repeat(100) }))),
    })),
  );
  const members =
    form.oci === true
      ? ociLayout(list, { hybrid: true, gzip: form.gzip === true })
      : dockerArchive(list, { gzip: form.gzip === true });
  writeFileSync(path, await tarOf(members));
  return path;
}
