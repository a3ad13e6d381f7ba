import { mergeReliance } from '../../engine/reliance.js';
import { leaveOut, receiversOf, type ThinBase } from '../../engine/thin.js';
import { type Reliance } from '../../model/reliance.js';
import { inventoryDigest, type StoreKind, storeKinds } from '../../model/inventory.js';
import { readsZstd } from '../../transports/engine/dialect.js';
import { inventoryOf } from '../inventory.js';
import { type Context, type PackOptions } from '../options.js';
import { type Reading } from '../read.js';

/** What a pack leaves out of its bundle, and why. */
export interface Thinning {
  readonly reliance: Reliance | undefined;
  /** The stores for which it is left out. */
  readonly stores: readonly StoreKind[];
  /** The same, where they are known. */
  readonly receivers: readonly StoreKind[];
}

/**
 * Reads the bases of a call.
 * @throws TransferError when one of them cannot be read
 */
export async function readBases(options: PackOptions, context: Context): Promise<readonly ThinBase[]> {
  const bases: ThinBase[] = [];
  for (const word of options.base ?? []) {
    const inventory = await inventoryOf(word, options, context);
    const { place } = inventory;
    const lists = place.kind === 'archive' ? place.lists : undefined;
    bases.push({ inventory, digest: lists ?? inventoryDigest(inventory) });
  }
  return bases;
}

/**
 * What is left out: what the bases have; and of a thin source what it leaves out itself, unless the rest of it was given
 * to make it whole.
 */
export function thinning(options: PackOptions, bases: readonly ThinBase[], { images, reliance }: Reading): Thinning {
  const receivers = receiversOf(options.for ?? [], bases);
  const stores = receivers.length > 0 ? receivers : storeKinds;
  const makesWhole = (options.with ?? []).length > 0;
  return {
    stores,
    receivers,
    reliance: mergeReliance([
      bases.length === 0 ? undefined : leaveOut(images, bases, stores),
      makesWhole ? undefined : reliance,
    ]),
  };
}

/**
 * The format that a kit needs for the engines that are known to receive it: gzip where one reads no zstd and may not
 * have the program either. Undefined: any will do, or one was asked for.
 */
export function kitFormatFor({ kit, format }: PackOptions, bases: readonly ThinBase[]): 'tar.gz' | undefined {
  if (kit !== true || format !== undefined) return undefined;
  const isOld = bases.some(
    ({ inventory: { place } }) =>
      place.kind === 'engine' &&
      place.store === 'graphdriver' &&
      !readsZstd({ family: place.store, version: place.version }),
  );
  return isOld ? 'tar.gz' : undefined;
}
