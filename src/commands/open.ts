import { stat } from 'node:fs/promises';
import { addAbortSignal } from 'node:stream';
import { decompress, sniffStream } from '../codecs/decompress.js';
import { openArchive, openTree } from '../formats/archive/open.js';
import { listsTar, membersTar } from '../formats/bundle/encode.js';
import { steadyFolder } from '../formats/oci-layout/steady.js';
import { plainLayers } from '../formats/plain-layers.js';
import { folderTree } from '../formats/tree/folder-tree.js';
import { findVolumes, type VolumeFiles } from '../formats/volumes/find.js';
import { openVolumes } from '../formats/volumes/open.js';
import { type Emit, type ImageSource } from '../ports.js';
import { type ByteStream } from '../primitives/bytes.js';
import { ioError, isTransferError, TransferError } from '../primitives/errors.js';
import { type Digest, isDigest } from '../primitives/digest.js';
import { fileAccess } from '../primitives/random-access.js';
import { spool, type SpoolOptions } from '../primitives/spool.js';
import { withGaps } from '../tar/gaps.js';
import { type EngineDeps, type SaveWays } from '../transports/engine/deps.js';
import { type Unneeded } from '../transports/engine/source.js';
import { bundleInKit, nameInstead } from './open-folder.js';
import { type Context, type OpenOptions } from './options.js';
import { type Location, parseLocation } from './words.js';

/**
 * Opens what SOURCE words stand for. This is the one place that names the adapters. Names of the engine are saved all
 * in one go.
 * @throws TransferError for the first source that cannot be opened; those before it are closed.
 */
export async function openSources(
  words: readonly string[],
  { engine, ssh, remoteEngine, unneeded }: OpenOptions,
  context: Context,
): Promise<ImageSource[]> {
  const locations = words.map(parseLocation);
  const names = locations.flatMap((location) => (location.kind === 'engine' ? [location.name] : []));
  const remote = locations.flatMap((location) => (location.kind === 'remote' ? [location.word] : []));
  const others = locations.filter((location) => location.kind !== 'engine' && location.kind !== 'remote');
  const sources: ImageSource[] = [];
  try {
    for (const location of others) sources.push(await openLocation(location, context));
    if (remote.length > 0) {
      const { openRemoteSources } = await import('./remote-source.js');
      sources.push(...(await openRemoteSources(remote, { ssh, remoteEngine, unneeded }, engineDeps(context), context)));
    }
    if (names.length > 0) sources.push(await openEngine(names, engine, context, unneeded));
    return sources;
  } catch (error) {
    await Promise.all(sources.map((source) => source.close()));
    throw error;
  }
}

async function openLocation(
  location: Exclude<Location, { kind: 'engine' | 'remote' }>,
  context: Context,
): Promise<ImageSource> {
  if (location.kind === 'stdin') {
    const { stdin } = await import('node:process');
    // A Ctrl-C must not wait for whoever writes to us.
    return openStream('standard input', addAbortSignal(context.signal, stdin), context);
  }
  const { path, maybeName } = location;
  try {
    return await openPath(path, context);
  } catch (error) {
    if (!maybeName || !isTransferError(error) || error.code !== 'NOT_AN_IMAGE') throw error;
    if ((await nameInstead(path)) !== undefined) throw error;
    const hint = `${error.hint ?? ''} If you mean the image of that name in the engine, write engine:${path}.`.trim();
    throw new TransferError(error.code, error.message, { side: error.side, hint, cause: error });
  }
}

/**
 * Opens a file or folder: an archive, one of its volumes or the folder of them, a kit, an image layout.
 * @throws TransferError NOT_FOUND, IO, USAGE, NOT_AN_IMAGE or BAD_ARCHIVE.
 */
export async function openPath(path: string, context: Context): Promise<ImageSource> {
  const volumes = await findVolumes(path);
  if (volumes !== undefined) return openSet(volumes, context);
  const stats = await stat(path).catch((error: unknown) => {
    throw ioError(error, path, 'source');
  });
  if (stats.isDirectory()) {
    const bundle = await bundleInKit(path);
    return bundle === undefined ? openFolder(path) : openPath(bundle, context);
  }
  if (stats.isFile()) return openArchive(await fileAccess(path, context.signal), decompress, spooling(path, context));
  // Pipes and devices (a process substitution, say) are read once, like standard input.
  const { createReadStream } = await import('node:fs');
  return openStream(path, createReadStream(path, { highWaterMark: 1 << 20, signal: context.signal }), context);
}

async function openFolder(path: string): Promise<ImageSource> {
  try {
    return steadyFolder(openTree(folderTree(path), decompress), path);
  } catch (error) {
    if (!isTransferError(error) || error.code !== 'NOT_AN_IMAGE') throw error;
    throw (await nameInstead(path)) ?? error;
  }
}

async function openSet(files: VolumeFiles, context: Context): Promise<ImageSource> {
  const set = await openVolumes(files, context.signal);
  try {
    return await openArchive(set, decompress, spooling(files.label, context));
  } catch (error) {
    throw await set.blame(error);
  }
}

/** Opens a stream that can be read once: what it holds is spooled. */
async function openStream(
  label: string,
  bytes: ByteStream,
  context: Context,
  expectedBytes?: number,
  { drop, isLate }: SaveWays = { drop: Promise.resolve(new Set<Digest>()), isLate: false },
): Promise<ImageSource> {
  const options = spooling(label, context);
  const emit: Emit = isLate ? () => undefined : context.emit;
  emit({ type: 'start', what: 'reading', bytes: expectedBytes });
  try {
    const { format, bytes: all } = await sniffStream(counted(bytes, { ...context, emit }));
    const plain = format === 'none' ? all : decompress(all, label);
    const dropped = await drop;
    const kept = dropped.size === 0 ? plain : withGaps(plain, (name) => isLayerIn(dropped, name));
    return await openArchive(await spool(kept, label, options), decompress, options);
  } finally {
    emit({ type: 'end' });
  }
}

/** Docker 25 and later: `blobs/sha256/<hex>`; podman: `<hex>.tar`. Docker 24 and older do not name layers by digest. */
function isLayerIn(digests: ReadonlySet<Digest>, member: string): boolean {
  const hex = /^(?:\.\/)?(?:blobs\/sha256\/([0-9a-f]{64})|([0-9a-f]{64})\.tar)$/.exec(member);
  const digest = `sha256:${hex?.[1] ?? hex?.[2] ?? ''}`;
  return isDigest(digest) && digests.has(digest);
}

async function openEngine(
  names: readonly string[],
  wanted: string | undefined,
  context: Context,
  unneeded: Unneeded | undefined,
): Promise<ImageSource> {
  const { findEngine } = await import('../transports/engine/find.js');
  const { engineSource } = await import('../transports/engine/source.js');
  return engineSource(await findEngine(wanted, context.signal), names, engineDeps(context), unneeded);
}

/** What the engine adapters need of the formats and codecs. */
export function engineDeps(context: Context): EngineDeps {
  return {
    members: membersTar,
    lists: listsTar,
    openStream: (label, bytes, expectedBytes, ways) => openStream(label, bytes, context, expectedBytes, ways),
    openTree: (tree) => openTree(tree, decompress),
    decompress,
    plain: async (image, open, isLeftOut) => {
      const plain = plainLayers(open, decompress, isLeftOut);
      return { image: await plain.manifest(image), open: plain.open };
    },
    emit: context.emit,
    signal: context.signal,
  };
}

function spooling(label: string, { emit }: Context): SpoolOptions {
  return {
    announce: (folder) => {
      emit({
        type: 'note',
        message: `${label} can be read only once: it is kept in a temporary file in ${folder} meanwhile`,
      });
    },
  };
}

async function* counted(bytes: ByteStream, { emit, signal }: Context): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    emit({ type: 'bytes', bytes: chunk.byteLength });
    yield chunk;
  }
}
