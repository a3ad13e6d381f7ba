import { tryNormalizeReference } from '../../model/reference.js';
import { type ImageSource } from '../../ports.js';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { type Digest, hexOf } from '../../primitives/digest.js';
import { printable } from '../../primitives/printable.js';
import { dataRootTree } from '../data-root/index.js';
import { type WantedImage } from '../data-root/wanted.js';
import { streamClient } from './client.js';
import { type EngineDeps, type SaveWays } from './deps.js';
import { saveArgs } from './dialect.js';
import { describeEngine, type Engine, livesByName } from './engine.js';
import { checkArgument } from './failure.js';
import { type EngineImage, inspect } from './inventory.js';
import { type MakeSpare, untilItFails, withoutLayers } from './spare.js';

/** Which layers, by diffID, nobody needs of these images. */
export type Unneeded = (images: readonly EngineImage[]) => Promise<ReadonlySet<Digest>>;

/**
 * Images of an engine by name or ID: out of its own storage where we may read it, else through one `save` of all of
 * them. The client's exit status is known before the stream ends, so a save that broke off is never taken for a whole
 * one. Layers that are `unneeded` are not kept; who reads one all the same causes a second save.
 * @throws TransferError NOT_FOUND with every name that is not there, before anything is read; ENGINE_FAILED when the
 * save fails.
 */
export async function engineSource(
  engine: Engine,
  names: readonly string[],
  deps: EngineDeps,
  unneeded?: Unneeded,
): Promise<ImageSource> {
  const wanted = [...new Set(names.map(checkArgument))];
  const images = await inspectAll(engine, wanted, deps.signal);
  const label = labelOf(engine, wanted);
  const refs = wanted.map((name, at) => saveArgument(engine, name, images[at]));
  // Layers that images share are counted by the engine for each of them: this is an upper bound.
  const sizes = new Map(images.map((image) => [image.id, image.size]));
  const expected = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const save = (signal: AbortSignal, ways: SaveWays): Promise<ImageSource> => {
    const bytes = streamClient(
      { client: deps.saving?.(engine) ?? engine, args: saveArgs(engine, refs), signal },
      describeEngine(engine),
      `saving ${wanted.map((name) => printable(name, 100)).join(', ')}`,
    );
    return deps.openStream(label, bytes, expected, ways);
  };
  const nothing = Promise.resolve(new Set<Digest>());
  const saveLate: MakeSpare = (closing) =>
    save(AbortSignal.any([deps.signal, closing]), { drop: nothing, isLate: true });
  const stored = await openStored(engine, label, wanted, images, deps);
  if (stored !== undefined) return untilItFails(stored, saveLate, deps);
  if (unneeded === undefined) return save(deps.signal, { drop: nothing, isLate: false });
  const drop = unneeded(images);
  // A save that fails before its first byte never waits for it.
  drop.catch(() => undefined);
  const source = await save(deps.signal, { drop, isLate: false });
  const dropped = await drop;
  return dropped.size === 0 ? source : withoutLayers(source, dropped, saveLate);
}

/** The images out of the engine's own storage; undefined: a save is needed. */
async function openStored(
  engine: Engine,
  label: string,
  words: readonly string[],
  images: readonly EngineImage[],
  { openTree, signal }: EngineDeps,
): Promise<ImageSource | undefined> {
  if (openTree === undefined) return undefined;
  const wanted: WantedImage[] = [];
  for (const [at, image] of images.entries()) {
    const found = savedName(engine, words[at] ?? '', image);
    if (found === undefined) return undefined;
    wanted.push({ image, name: found.name });
  }
  const tree = await dataRootTree(engine, label, wanted, signal);
  if (tree === undefined) return undefined;
  const source = openTree(tree);
  try {
    // The beginnings of layers are read here. What cannot be read leads to a save, as it does later.
    await source.images();
    return source;
  } catch (error) {
    await source.close();
    signal.throwIfAborted();
    if (!isTransferError(error)) throw error;
    return undefined;
  }
}

/** What messages call it: `docker 28.5.2 (overlay2): app:1 and 2 more`. */
function labelOf(engine: Engine, names: readonly string[]): string {
  const more = names.length > 1 ? ` and ${String(names.length - 1)} more` : '';
  return `${describeEngine(engine)}: ${printable(names[0], 100)}${more}`;
}

async function inspectAll(
  engine: Engine,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly EngineImage[]> {
  const { images, words } = await inspect(engine, names, signal);
  if (words === undefined && images.length === names.length) return images;
  // Which ones are missing is only said in words that differ between engines: each is asked for on its own instead.
  const missing: string[] = [];
  for (const name of names) {
    if ((await inspect(engine, [name], signal)).images.length === 0) missing.push(printable(name, 200));
  }
  const what = missing.length === 1 ? 'no such image' : 'no such images';
  const where =
    engine.machine.host === undefined
      ? 'lists what is there; a file is named file:PATH.'
      : 'on that host lists what is there.';
  throw new TransferError('NOT_FOUND', `${describeEngine(engine)}: ${what}: ${missing.join(', ')}`, {
    side: 'source',
    hint: `\`${engine.command.join(' ')} image ls\` ${where}`,
  });
}

/**
 * How to ask for exactly the image that `name` was found to be. `docker save app` takes every tag of the repository,
 * so a name without a tag becomes `app:latest`, and one that turned out to be an ID the whole ID.
 */
function saveArgument(engine: Engine, name: string, image: EngineImage | undefined): string {
  if (engine.family === 'podman' || image === undefined || name.includes('@')) return name;
  const full = tryNormalizeReference(name);
  const isName = full !== undefined && image.names.some((tag) => tryNormalizeReference(tag) === full);
  if (isName) return full;
  // Its last names are all by which containerd lets an image be exported.
  if (livesByName(engine)) return image.names[0] ?? name;
  return isIdOf(name, image) ? image.id : name;
}

/**
 * The name that a save gives the image which `word` was found to be; undefined: only the engine knows. By its ID it gets
 * none.
 */
function savedName(
  engine: Engine,
  word: string,
  image: EngineImage,
): { readonly name: string | undefined } | undefined {
  if (word.includes('@')) return undefined;
  const full = tryNormalizeReference(word);
  const names = image.names.filter((name) => {
    const known = tryNormalizeReference(name);
    return (
      known !== undefined &&
      (known === full || (engine.family === 'podman' && known === tryNormalizeReference(`localhost/${word}`)))
    );
  });
  if (names.length > 0) return names.length === 1 ? { name: names[0] } : undefined;
  return isIdOf(word, image) ? { name: undefined } : undefined;
}

/** Whether a word that is no name of the image is its ID, or the start of it. */
const isIdOf = (word: string, { id }: EngineImage): boolean => hexOf(id).startsWith(word.replace(/^sha256:/, ''));
