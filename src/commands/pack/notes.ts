import { displayName } from '../../engine/display.js';
import { type ImageNode, imagesIn } from '../../model/graph.js';
import { type StoreKind, storeKinds } from '../../model/inventory.js';
import { statedCompression } from '../../model/media-types.js';
import { type Plan } from '../../model/plan.js';
import { baseWords, type Reliance } from '../../model/reliance.js';
import { formatBytes } from '../../primitives/units.js';
import { type PackOptions } from '../options.js';

/** What was packed, as far as there is something to be said of it. */
export interface PackedFacts {
  readonly plan: Plan;
  readonly options: PackOptions;
  /** What was left out. */
  readonly relied: Reliance | undefined;
  readonly stores: readonly StoreKind[];
  /** The format that the site of a kit needs. */
  readonly kitFormat: PackOptions['format'];
}

/** What is worth knowing before it travels: what some engine cannot take, what it needs, what was expected otherwise. */
export function notesOn({ plan, options, relied, stores, kitFormat }: PackedFacts): string[] {
  const { kit, base = [] } = options;
  const notes = engineNotes(plan, options);
  if (relied !== undefined) notes.push(...thinNotes(plan, relied, { stores, isKit: kit === true }));
  else if (base.length > 0) notes.push(nothingInCommon(base));
  if (kitFormat !== undefined) notes.push('the Docker of the site reads no zstd: the kit is compressed with gzip');
  return notes;
}

/** What some engine cannot take of this bundle. */
function engineNotes({ images, twins }: Plan, options: PackOptions): string[] {
  const notes: string[] = [];
  const zstd = images.filter(({ root }) =>
    [...imagesIn(root)].some(({ layers }) => layers.some(({ blob }) => statedCompression(blob.mediaType) === 'zstd')),
  );
  if (zstd.length > 0) {
    notes.push(
      `Docker before 23 cannot read the zstd layers of ${names(zstd)} without ferry; --layers plain makes them plain`,
    );
  }
  const several = images.filter(({ root }) => [...imagesIn(root)].length > 1);
  if (several.length > 0) {
    notes.push(
      `without the containerd image store, Docker loads one platform of ${names(several)}; --platform chooses`,
    );
  }
  if (twins.length > 0 && options.layers !== 'plain') {
    notes.push(
      `${String(twins.length)} ${twins.length === 1 ? 'layer is' : 'layers are'} stored in two forms, plain and compressed, so that manifest digests survive; --layers plain keeps one`,
    );
  }
  if (options.layers === 'plain')
    notes.push('--layers plain: image IDs are kept; manifests that had compressed layers have new digests');
  return notes;
}

/** What a thin bundle needs, and which engines' own load does not take it (docs/engines.md, "Thin bundles"). */
function thinNotes(
  { images }: Plan,
  reliance: Reliance,
  { stores, isKit }: { readonly stores: readonly StoreKind[]; readonly isKit: boolean },
): string[] {
  const bytes = reliance.layers.reduce((sum, { size }) => sum + size, 0);
  const count = `${String(reliance.layers.length)} ${reliance.layers.length === 1 ? 'layer' : 'layers'}`;
  const bases = reliance.bases.map(baseWords).join(' and ');
  const notes = [`thin: ${count} (${formatBytes(bytes)}) left out; whoever loads it must have ${bases}`];
  // The script of a kit looks first, and gives Podman one name at a time.
  if (!isKit && images.length > 1) {
    notes.push(
      `podman's own load takes a thin bundle of one name only, this one has ${String(images.length)}: load it with ferry or from a --kit, or pack each name on its own`,
    );
  }
  if (!isKit) {
    notes.push(
      'the containerd image store of Docker says "Loaded" also where the base is missing, and the image is broken; ferry and a --kit look before',
    );
  }
  const others = storeKinds.filter((store) => !stores.includes(store));
  if (others.length > 0) notes.push(`made for ${stores.join(' and ')}: ${others.join(' and ')} may need more`);
  return notes;
}

/** Somebody expected a smaller bundle. */
const nothingInCommon = (base: readonly string[]): string =>
  `nothing is left out: no layer of these images is in ${base.join(', ')}, or not where the receiver could use it`;

function names(images: readonly ImageNode[]): string {
  const shown = images.slice(0, 3).map(displayName).join(', ');
  return images.length > 3 ? `${shown} and ${String(images.length - 3)} more` : shown;
}
