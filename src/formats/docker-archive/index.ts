import { type Decompress, type ImageSource } from '../../ports.js';
import { TransferError } from '../../primitives/errors.js';
import { type FileTree } from '../tree/file-tree.js';
import { DockerArchive, isDockerArchive } from './docker-archive.js';

export { isDockerArchive } from './docker-archive.js';
export { isMadeManifest, madeManifestDescriptor, makeManifest, type ManifestParts } from './made-manifest.js';

/**
 * The images in a `docker save` of any age, or in what another tool writes for `docker load`. Layers appear as their
 * plain tars, and each image under the manifest that Docker 25 and later make for it (`makeManifest`).
 * Closing the source closes the tree.
 * @throws TransferError NOT_AN_IMAGE when the tree has neither manifest.json nor `repositories`.
 */
export function openDockerArchive(tree: FileTree, decompress: Decompress): ImageSource {
  if (isDockerArchive(tree)) return new DockerArchive(tree, decompress);
  throw new TransferError('NOT_AN_IMAGE', `${tree.label}: expected "manifest.json" or "repositories", found neither`, {
    side: 'source',
    hint: 'A file that `docker save` wrote has one of them; check that it is the right file.',
  });
}
