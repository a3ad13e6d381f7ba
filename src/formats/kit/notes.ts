import { type StoreKind } from '../../model/inventory.js';
import { formatBytes } from '../../primitives/units.js';
import { blobSizes, kitImages, type KitFacts, reliedLayers, sumOf } from './facts.js';

/**
 * What the site of a kit needs besides its engine, to be said when it is packed.
 * @param engines those that will receive it; none: any may
 */
export function kitNotes(
  facts: Pick<KitFacts, 'format' | 'images' | 'platforms' | 'reliance'>,
  engines: readonly StoreKind[] = [],
): readonly string[] {
  const may = (engine: StoreKind): boolean => engines.length === 0 || engines.includes(engine);
  const notes: string[] = [];
  if (facts.format === 'tar.zst' && may('graphdriver')) {
    notes.push('Docker before 23 reads no zstd: there load.sh needs the zstd program; --format tar.gz needs nothing');
  }
  if (isTakenApart(facts) && may('podman')) {
    const space = formatBytes(sumOf(blobSizes(facts.images, reliedLayers(facts))));
    notes.push(
      `Podman takes thin bundles one image at a time: there load.sh needs ${programs(facts.format)} and ${space} of temporary space`,
    );
  }
  return notes;
}

/** One image needs no taking apart. */
export const hasParts = (facts: Pick<KitFacts, 'images' | 'platforms'>): boolean =>
  kitImages(facts).filter(({ manifests }) => manifests.length > 0).length > 1;

/** Whether Podman gets each image by itself. */
export const isTakenApart = (facts: Pick<KitFacts, 'images' | 'platforms' | 'reliance'>): boolean =>
  facts.reliance !== undefined && hasParts(facts);

/** What taking a bundle apart needs. */
export const programs = (format: KitFacts['format']): string =>
  ({ tar: 'tar', 'tar.gz': 'tar, gzip', 'tar.zst': 'tar, zstd' })[format];
