import { readFile } from 'node:fs/promises';
import { type FileTree } from '../../formats/tree/file-tree.js';
import { isTransferError, systemCodeOf } from '../../primitives/errors.js';
import { type Engine } from '../engine/engine.js';
import { storedImages } from './content-store.js';
import { overlay2Store } from './docker.js';
import { overlayStore } from './podman.js';
import { unpackedImages } from './unpacked-images.js';
import { type WantedImage } from './wanted.js';

/**
 * Images out of an engine's own storage, where that can be read: the layers that are wanted, and nothing else, without a
 * save of whole images. Undefined where it cannot: for want of permissions (they need root mostly), on another machine
 * or in a virtual one, or in a form that we do not know. Every byte is checked by whoever opens it, as always.
 * @throws the signal's reason
 */
export async function dataRootTree(
  engine: Engine,
  label: string,
  wanted: readonly WantedImage[],
  signal: AbortSignal,
): Promise<FileTree | undefined> {
  const { machine, dataRoot, family, storageDriver } = engine;
  if (machine.host !== undefined || dataRoot === undefined) return undefined;
  try {
    if (family === 'containerd') return await storedImages(label, wanted, dataRoot);
    if (await isRedirecting()) return undefined;
    if (family === 'graphdriver' && storageDriver === 'overlay2') {
      return await unpackedImages(label, wanted, overlay2Store(dataRoot), signal);
    }
    if (family === 'podman' && storageDriver === 'overlay') {
      return await unpackedImages(label, wanted, await overlayStore(dataRoot), signal);
    }
  } catch (error) {
    signal.throwIfAborted();
    // The engine itself is asked then, and says what is wrong.
    if (!isTransferError(error) && systemCodeOf(error) === undefined) throw error;
  }
  return undefined;
}

/**
 * Whether overlay file systems may keep what is in a layer in the folders of another one: engines then compare whole
 * file systems to make a layer of a container (moby daemon/graphdriver/overlayutils, storage drivers/overlay).
 */
async function isRedirecting(): Promise<boolean> {
  const parameters = ['metacopy', 'redirect_dir'].map((name) => `/sys/module/overlay/parameters/${name}`);
  const values = await Promise.all(parameters.map((path) => readFile(path, 'utf8').catch(() => 'N')));
  return values.some((value) => value.trim() === 'Y');
}
