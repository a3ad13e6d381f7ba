import { displayName } from '../engine/display.js';
import { planTransfer } from '../engine/plan.js';
import { parseConfig } from '../model/config.js';
import { type ImageNode, imagesIn, type LayerNode, type ManifestNode } from '../model/graph.js';
import { isArray, isObject, type Json, type JsonObject } from '../model/json.js';
import { readAll } from '../primitives/bytes.js';
import { type Digest } from '../primitives/digest.js';
import { limits } from '../primitives/limits.js';
import { verified } from '../primitives/verified.js';
import { type Context, type InspectOptions } from './options.js';
import { faultOf, readAsItIs, type Reading } from './read.js';
import { type HistoryEntry, type InspectedPlatform, type InspectResult } from './results.js';
import { countUses, identity, reliedIn, summarizePlatform, type Uses } from './summary.js';
import { matchesImage } from '../engine/select.js';
import { TransferError } from '../primitives/errors.js';

/** Config and history of images, with the size of each layer and who else has it. */
export async function inspect(options: InspectOptions, context: Context): Promise<InspectResult> {
  const reading = await readAsItIs(options, context);
  try {
    const { images } = planTransfer(reading.images, new Set());
    const { name } = options;
    const chosen = name === undefined ? images : images.filter((image) => matchesImage(image, name));
    if (chosen.length === 0 && name !== undefined) throw notThere(name, images);
    const uses = countUses(images);
    const users = layerUsers(images);
    const relied = reliedIn(reading.reliance);
    const inspected = [];
    for (const image of chosen) {
      const platforms: InspectedPlatform[] = [];
      for (const manifest of imagesIn(image.root)) {
        platforms.push(
          await inspectPlatform(reading, manifest, { uses, relied, alsoIn: others(users, displayName(image)) }),
        );
      }
      inspected.push({ ...identity(image), platforms });
    }
    const { labels, reliance } = reading;
    const faults = reading.faults.map(faultOf);
    return { sources: labels, images: inspected, ...(reliance !== undefined && { reliance }), faults };
  } finally {
    await reading.close();
  }
}

type AlsoIn = (layer: LayerNode) => readonly string[];

/** What is known of layers beyond their image. */
interface Known {
  readonly uses: Uses;
  /** Those that are left out. */
  readonly relied: ReadonlySet<Digest>;
  readonly alsoIn: AlsoIn;
}

async function inspectPlatform({ source }: Reading, manifest: ManifestNode, known: Known): Promise<InspectedPlatform> {
  const where = `${source.label}: config ${manifest.config.digest}`;
  const bytes = await readAll(
    verified(source.open(manifest.config), manifest.config, where),
    limits.configBytes,
    where,
  );
  const { document } = parseConfig(bytes, where);
  const created = text(document, 'created');
  return {
    ...summarizePlatform(manifest, known.uses, known.relied),
    ...(created !== undefined && { created }),
    config: document,
    history: historyOf(document, manifest.layers, known),
  };
}

/** Pairs history steps with layers: each step that is not marked `empty_layer` made one (OCI image-spec, config.md). */
function historyOf(document: JsonObject, layers: readonly LayerNode[], { alsoIn, relied }: Known): HistoryEntry[] {
  const steps = document['history'];
  const rest = [...layers];
  const describe = (layer: LayerNode | undefined): Pick<HistoryEntry, 'layer'> => {
    if (layer === undefined) return {};
    const { digest, mediaType, size } = layer.blob;
    const common = { digest, diffId: layer.diffId, mediaType, bytes: size, alsoIn: alsoIn(layer) };
    return { layer: relied.has(digest) ? { ...common, relied: true } : common };
  };
  const entries = (isArray(steps) ? steps : []).map((step: Json): HistoryEntry => {
    const entry = isObject(step) ? step : {};
    const created = text(entry, 'created');
    const comment = text(entry, 'comment');
    return {
      ...(created !== undefined && { created }),
      createdBy: text(entry, 'created_by') ?? '',
      ...(comment !== undefined && { comment }),
      ...(entry['empty_layer'] === true ? {} : describe(rest.shift())),
    };
  });
  return [...entries, ...rest.map((layer) => ({ createdBy: '', ...describe(layer) }))];
}

/** For every layer, by diffID, the images that have it. */
function layerUsers(images: readonly ImageNode[]): ReadonlyMap<Digest, ReadonlySet<string>> {
  const users = new Map<Digest, Set<string>>();
  for (const image of images) {
    for (const { layers } of imagesIn(image.root)) {
      for (const { diffId } of layers) {
        const known = users.get(diffId) ?? new Set();
        users.set(diffId, known.add(displayName(image)));
      }
    }
  }
  return users;
}

const others =
  (users: ReadonlyMap<Digest, ReadonlySet<string>>, self: string): AlsoIn =>
  ({ diffId }) =>
    [...(users.get(diffId) ?? [])].filter((name) => name !== self);

function text(document: JsonObject, key: string): string | undefined {
  const value = document[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function notThere(name: string, images: readonly ImageNode[]): TransferError {
  const there = images.slice(0, 10).map(displayName).join(', ');
  return new TransferError('NOT_FOUND', `no image called ${name}`, { side: 'source', hint: `There is: ${there}.` });
}
