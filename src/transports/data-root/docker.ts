import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hexOf } from '../../primitives/digest.js';
import { TransferError } from '../../primitives/errors.js';
import { chainIds } from '../engine/holdings.js';
import { type UnpackedStore } from './unpacked-images.js';

/** Docker with overlay2: `image/overlay2/layerdb` has layers by chain ID, with the name of the folder below `overlay2`. */
export function overlay2Store(root: string): UnpackedStore {
  const database = join(root, 'image', 'overlay2');
  return {
    config: (id) => join(database, 'imagedb', 'content', 'sha256', hexOf(id)),
    layer: async (diffIds) => {
      const chain = chainIds(diffIds).at(-1);
      if (chain === undefined) throw new RangeError('no layer is asked for');
      const layer = join(database, 'layerdb', 'sha256', hexOf(chain));
      const cacheId = (await readFile(join(layer, 'cache-id'), 'utf8')).trim();
      if (!/^[0-9a-z-]+$/.test(cacheId)) throw notUnderstood(layer);
      return { split: join(layer, 'tar-split.json.gz'), folder: join(root, 'overlay2', cacheId, 'diff') };
    },
  };
}

const notUnderstood = (path: string): TransferError =>
  new TransferError('BAD_ARCHIVE', `${path}: expected the name of a folder in cache-id`, { side: 'source' });
