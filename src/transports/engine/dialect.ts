import { type ImageNode, type ManifestNode, type TreeNode } from '../../model/graph.js';
import { statedCompression } from '../../model/media-types.js';
import { type Engine, isAtLeast } from './engine.js';

/**
 * The arguments with which an engine's client loads an archive of `images` from its standard input. `ctr` unpacks them
 * as well (never `--no-unpack`): a container can start at once, and layers are checked on the way.
 */
export function loadArgs(engine: Engine, images: readonly ImageNode[]): readonly string[] {
  if (engine.family === 'ctr') {
    // Without it the other platforms of an index are not kept; with it, an index that lacks one is refused.
    const all = images.every(({ root }) => isComplete(root)) ? ['--all-platforms'] : [];
    return ['images', 'import', ...localFlag(engine), ...all, '-'];
  }
  return engine.family === 'nerdctl' ? ['load'] : ['load', '-q']; // nerdctl before 2.0 has no -q
}

/** Whether everything that a tree lists is there. */
export function isComplete(node: TreeNode): boolean {
  return node.kind !== 'index' || (node.absent.length === 0 && node.children.every(isComplete));
}

/** The arguments with which an engine's client writes images to its standard output, all into one archive. */
export function saveArgs(engine: Engine, refs: readonly string[]): readonly string[] {
  if (engine.family === 'ctr') return ['images', 'export', ...localFlag(engine), '-', ...refs];
  // Without -m, podman takes further names for further tags of the first image.
  return ['save', ...(engine.family === 'podman' && refs.length > 1 ? ['-m'] : []), ...refs];
}

/**
 * In 2.1 an export through the transfer service may be truncated and still end with 0. `ctr` before 1.7 does not know
 * the flag, and has no such service.
 */
const localFlag = (engine: Engine): readonly string[] => (isAtLeast(engine.apiVersion, 1, 7) ? ['--local'] : []);

/** What a client printed that tells of a failed load, whatever its exit status; undefined: nothing does. */
export function isLoadFailure(result: { readonly stdout: string; readonly stderr: string }): string | undefined {
  // Docker with the containerd store says this on standard output and ends with 0 (moby pull request 48293).
  return /Error unpacking image.*/.exec(`${result.stdout}\n${result.stderr}`)?.[0];
}

/**
 * Whether an image is given to this engine with plain layers: Docker before 23 and podman 4 get them instead of zstd
 * ones. The one fails, the other could not save it.
 */
export const isMadePlain = (engine: Engine, node: TreeNode): node is ManifestNode =>
  node.kind === 'image' &&
  !readsZstd(engine) &&
  node.layers.some(({ blob }) => statedCompression(blob.mediaType) === 'zstd');

/** Whether an engine reads zstd: layers, and what it is given to load. */
export function readsZstd({ family, version }: Pick<Engine, 'family' | 'version'>): boolean {
  if (family === 'graphdriver') return isAtLeast(version, 23);
  return family !== 'podman' || isAtLeast(version, 5);
}

/** The arguments that give the image named `from` the name `name`, wherever that led before. */
export function tagArgs({ family }: Engine, from: string, name: string): readonly string[] {
  return family === 'ctr' ? ['images', 'tag', '--force', from, name] : ['tag', from, name];
}

/** The arguments that take names away, and nothing that has no name. */
export function untagArgs(engine: Engine, names: readonly string[]): readonly string[] {
  switch (engine.family) {
    case 'ctr':
      return ['images', 'rm', ...names];
    case 'nerdctl':
      return ['rmi', ...names];
    case 'podman':
      // Older ones: not measured.
      return ['rmi', ...(isAtLeast(engine.version, 4, 3) ? ['--no-prune'] : []), ...names];
    case 'graphdriver':
    case 'containerd':
      return ['rmi', '--no-prune', ...names];
  }
}
