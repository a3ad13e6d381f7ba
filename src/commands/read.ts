import { decompress } from '../codecs/decompress.js';
import { digestOfImage, displayName } from '../engine/display.js';
import { applyRenaming, matchesName, parseRenaming, rename, type Renaming } from '../engine/glob.js';
import { type GraphFault, readGraph } from '../engine/graph.js';
import { type Merged, mergeImages, type Offer } from '../engine/merge.js';
import { explaining, relianceOf } from '../engine/reliance.js';
import { matchesDigest, matchesImage, selectImages, type Selection } from '../engine/select.js';
import { unionSource } from '../engine/union.js';
import { makeManifest } from '../formats/docker-archive/index.js';
import { plainLayers } from '../formats/plain-layers.js';
import { type ImageNode, type ImageRecord, type ManifestNode } from '../model/graph.js';
import { formatPlatform, parsePlatform } from '../model/platform.js';
import { type Reliance } from '../model/reliance.js';
import { type ImageSource, type SourceFacts } from '../ports.js';
import { type Digest, digestOf } from '../primitives/digest.js';
import { TransferError } from '../primitives/errors.js';
import { printable } from '../primitives/printable.js';
import { verified } from '../primitives/verified.js';
import { type Unneeded } from '../transports/engine/source.js';
import { openSources } from './open.js';
import { type Context, type SourceOptions } from './options.js';
import { type Fault } from './results.js';
import { reliedIn } from './summary.js';
import { allWords } from './words.js';

/** What the sources of a call hold, after selection, renaming and merging. */
export interface Reading {
  /** All sources as one, with what they leave out taken from `with`. */
  readonly source: ImageSource;
  /** What is still left out: `source` does not have it. */
  readonly reliance: Reliance | undefined;
  /** Of a single source; of several, what they have together. */
  readonly facts: SourceFacts | undefined;
  readonly labels: readonly string[];
  readonly images: readonly ImageNode[];
  /** Images that cannot be read. */
  readonly faults: readonly GraphFault[];
  readonly notes: readonly string[];
  close(): Promise<void>;
}

/**
 * Reads what a call names, down to every manifest and config; layers are not read yet. Of an engine's images, layers
 * that are `unneeded` are not kept.
 * @throws TransferError when a source cannot be read at all, when a selection matches nothing, and for conflicts.
 */
export async function readImages(options: SourceOptions, context: Context, unneeded?: Unneeded): Promise<Reading> {
  const merge = (offers: readonly Offer[]): Merged =>
    mergeImages(offers, { onConflict: options.onConflict ?? 'error', isMade });
  return readWith(options, context, merge, unneeded);
}

/** `readImages` for those who look only: what contradicts itself is shown as it is, each image once. */
export async function readAsItIs(options: SourceOptions, context: Context): Promise<Reading> {
  return readWith(options, context, (offers) => {
    const distinct = new Map(offers.map(({ image }) => [`${image.name ?? ''} ${digestOfImage(image)}`, image]));
    return { images: [...distinct.values()], notes: [] };
  });
}

async function readWith(
  options: SourceOptions,
  context: Context,
  merge: (offers: readonly Offer[]) => Merged,
  unneeded?: Unneeded,
): Promise<Reading> {
  const platforms = (options.platforms ?? []).map(parsePlatform);
  const renamings = (options.rename ?? []).map(parseRenaming);
  const only = options.only ?? [];
  const { sources, source } = await openAll(options, context, unneeded);
  try {
    const { offers, faults } = await collect(sources, source);
    const facts = await source.facts?.();
    const { selected, relevant, notes } = select(offers, faults, { only, platforms });
    const renamed = selected.map(({ image, from }) => ({ image: renameImage(image, renamings), from }));
    checkRenamings(selected, renamings);
    const merged = merge(renamed);
    const labels = sources.map(({ label }) => label);
    const reliance = relianceOf(merged.images, source, facts?.reliance);
    const explained = explaining(source, reliance);
    const notesAll = [...notes, ...merged.notes];
    const base = { labels, faults: relevant, notes: notesAll, facts, reliance, close: () => source.close() };
    if (options.layers !== 'plain') return { ...base, source: explained, images: merged.images };
    return { ...base, ...(await withPlainLayers(explained, merged.images)) };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** The sources, and all of them as one that also has what is in `with`. */
async function openAll(
  options: SourceOptions,
  context: Context,
  unneeded: Unneeded | undefined,
): Promise<{ readonly sources: readonly ImageSource[]; readonly source: ImageSource }> {
  const sources = await openSources(await allWords(options), { ...options, unneeded }, context);
  const main = unionSource(sources);
  if (options.with === undefined || options.with.length === 0) return { sources, source: main };
  let more: readonly ImageSource[] = [];
  try {
    more = await openSources(options.with, options, context);
    // Some know what they have only after that.
    for (const each of more) await each.images();
    const facts = (await main.facts?.()) ?? { lists: undefined, isBundle: false, reliance: undefined };
    return { sources, source: supplied(main, facts, unionSource(more)) };
  } catch (error) {
    await Promise.all([...sources, ...more].map((each) => each.close()));
    throw error;
  }
}

/**
 * `main`, with the layers that it leaves out taken from `more`, and nothing else: a blob that is missing is damage, a
 * platform that was left out stays out.
 */
function supplied(main: ImageSource, facts: SourceFacts, more: ImageSource): ImageSource {
  const relied = reliedIn(facts.reliance);
  const isSupplied = (digest: Digest): boolean => !main.has(digest) && relied.has(digest) && more.has(digest);
  return {
    label: main.label,
    images: () => main.images(),
    has: (digest) => main.has(digest) || isSupplied(digest),
    open: (blob) =>
      isSupplied(blob.digest) ? verified(more.open(blob), blob, `${more.label}: ${blob.digest}`) : main.open(blob),
    audit: (reached) => main.audit(reached),
    facts: () => Promise.resolve(facts),
    close: async () => {
      await Promise.all([main.close(), more.close()]);
    },
  };
}

async function collect(
  sources: readonly ImageSource[],
  source: ImageSource,
): Promise<{ offers: Offer[]; faults: readonly GraphFault[] }> {
  const from = new Map<ImageRecord, string>();
  for (const each of sources) for (const record of await each.images()) from.set(record, each.label);
  const graph = await readGraph(source, [...from.keys()]);
  const offers = graph.images.map(({ record, image }) => ({ image, from: from.get(record) ?? source.label }));
  return { offers, faults: graph.faults };
}

interface Selected {
  readonly selected: readonly Offer[];
  /** Broken images that were asked for: one that nobody asked for stands in nobody's way. */
  readonly relevant: readonly GraphFault[];
  readonly notes: readonly string[];
}

function select(offers: readonly Offer[], faults: readonly GraphFault[], { only, platforms }: Selection): Selected {
  const isBroken = (word: string): boolean => faults.some(({ record }) => matchesRecord(record, word));
  const isWhole = (word: string): boolean => offers.some(({ image }) => matchesImage(image, word));
  const relevant = faults.filter(({ record }) => only.length === 0 || only.some((word) => matchesRecord(record, word)));
  // A word that means broken images alone is answered by their faults; it is not "not found".
  const words = only.filter((word) => isWhole(word) || !isBroken(word));
  if (relevant.length > 0 && (offers.length === 0 || (words.length < only.length && words.length === 0))) {
    return { selected: [], relevant, notes: [] };
  }
  const named = selectImages(offers, { only: words, platforms: [] });
  const selected = platforms.length === 0 ? named : selectImages(named, { only: [], platforms });
  const kept = new Set(selected.map(({ image }) => displayName(image)));
  const dropped = named.map(({ image }) => displayName(image)).filter((name) => !kept.has(name));
  const wanted = platforms.map(formatPlatform).join(' or ');
  return { selected, relevant, notes: dropped.map((name) => `${name} is left out: it is not for ${wanted}`) };
}

const matchesRecord = ({ name, root }: ImageRecord, word: string): boolean =>
  word === '*' || matchesDigest(root.digest, word) || (name !== undefined && matchesName(name, word));

/** A renaming that changes nothing is a slip that the receiving site would find. */
function checkRenamings(offers: readonly Offer[], renamings: readonly Renaming[]): void {
  const idle = renamings.find((renaming) =>
    offers.every(({ image: { name } }) => name === undefined || applyRenaming(name, renaming) === undefined),
  );
  if (idle === undefined) return;
  throw new TransferError('NOT_FOUND', `--rename ${printable(`${idle.from}=${idle.to}`, 100)}: no image is called so`, {
    side: 'source',
    hint: 'See the names with: ferry list SOURCE',
  });
}

function renameImage(image: ImageNode, renamings: readonly Renaming[]): ImageNode {
  return image.name === undefined ? image : { ...image, name: rename(image.name, renamings) };
}

/** Whether a manifest is what any reader would make of its config: it was not there when the image was built. */
function isMade({ blob, config, layers }: ManifestNode): boolean {
  return digestOf(makeManifest({ config, layers: layers.map((layer) => layer.blob) })) === blob.digest;
}

async function withPlainLayers(
  source: ImageSource,
  images: readonly ImageNode[],
): Promise<{ source: ImageSource; images: ImageNode[] }> {
  const plain = plainLayers((blob) => verified(source.open(blob), blob, `${source.label}: ${blob.digest}`), decompress);
  const converted: ImageNode[] = [];
  for (const image of images) converted.push(await plain.image(image));
  const view: ImageSource = {
    label: source.label,
    images: () => source.images(),
    has: (digest) => plain.has(digest) || source.has(digest),
    open: (blob) => plain.open(blob),
    audit: (reached) => source.audit(reached),
    close: () => source.close(),
  };
  return { source: view, images: converted };
}

/** A fault of the graph, as commands report it. */
export function faultOf({ record, error }: GraphFault): Fault {
  return toFault(error, [displayName(record)]);
}

export function toFault(error: TransferError, images: readonly string[]): Fault {
  return { code: error.code, message: error.message, ...(error.hint !== undefined && { hint: error.hint }), images };
}

/**
 * For commands that need every image whole.
 * @throws TransferError the first fault, with the number of the others.
 */
export function refuseFaults({ faults, images }: Reading): void {
  const [first, ...others] = faults;
  if (first === undefined) return;
  const more = others.length === 0 ? '' : ` (${String(others.length)} more: ferry list shows them)`;
  const rest = images.length === 0 ? '' : ' The other images are whole: choose them with --only.';
  throw new TransferError(first.error.code, `${first.error.message}${more}`, {
    side: 'source',
    hint: `${first.error.hint ?? ''}${rest}`.trim(),
    cause: first.error,
  });
}

/**
 * For commands that move images.
 * @throws TransferError as `refuseFaults`; NOT_FOUND when there is no image at all.
 */
export function requireImages(reading: Reading): void {
  refuseFaults(reading);
  if (reading.images.length > 0) return;
  throw new TransferError('NOT_FOUND', `${reading.labels.join(', ')}: there is no image in it`, {
    side: 'source',
    hint: 'See what it holds with: ferry list',
  });
}
