import { digestOfImage, displayName } from '../engine/display.js';
import { readGraph } from '../engine/graph.js';
import { neededBlobs } from '../engine/needed.js';
import { isBelievable, type Release, retain, type RetentionRules, type Verdict } from '../engine/retention.js';
import { matchesImage, subjectOf } from '../engine/select.js';
import { type IndexFile, readIndexOf } from '../formats/oci-layout/index-file.js';
import { checkIsArchive, layoutFiles, type LayoutFiles, removeFrom } from '../formats/oci-layout/prune.js';
import { ociLayoutSource } from '../formats/oci-layout/reader.js';
import { folderTree } from '../formats/tree/folder-tree.js';
import { parseConfig } from '../model/config.js';
import { blobsIn, type ImageNode, type ImageRecord, imagesIn } from '../model/graph.js';
import { type JsonObject } from '../model/json.js';
import { familiarReference, repositoryOf } from '../model/reference.js';
import { type ImageSource } from '../ports.js';
import { readAll } from '../primitives/bytes.js';
import { type Digest, shortDigest } from '../primitives/digest.js';
import { TransferError } from '../primitives/errors.js';
import { withFolderLock } from '../primitives/folder-lock.js';
import { limits } from '../primitives/limits.js';
import { printable } from '../primitives/printable.js';
import { verified } from '../primitives/verified.js';
import { type Context, type PruneOptions } from './options.js';
import { type PrunedName, type PruneResult } from './results.js';

/**
 * Drops names of an archive folder that no rule keeps, then the blobs that no name leads to.
 * @throws TransferError USAGE for anything but an archive, without a rule, and when no name would stay; of an archive that is damaged, what
 * is wrong with it: nothing is removed then.
 */
export async function prune(options: PruneOptions, context: Context): Promise<PruneResult> {
  const rules: RetentionRules = { ...options, keep: options.keep ?? [] };
  checkRules(rules);
  await checkIsArchive(options.archive);
  if (options.dryRun === true) return resultOf(await planPrune(options.archive, rules, context), options);
  return withFolderLock(options.archive, async () => {
    const plan = await planPrune(options.archive, rules, context);
    await removeFrom(options.archive, plan, context.signal);
    return resultOf(plan, options);
  });
}

function checkRules({ keepLast, keep, keepWithinHours }: RetentionRules): void {
  if (keepLast === undefined && keep.length === 0 && keepWithinHours === undefined) {
    throw new TransferError('USAGE', 'prune needs a rule that says what stays', {
      hint: "Give --keep-last 5, --keep 'app:*-lts' or --keep-within 1y; --dry-run shows what would go.",
    });
  }
}

interface Entry extends Release {
  readonly stored: JsonObject;
}

interface Plan {
  readonly verdicts: readonly Verdict<Entry>[];
  readonly files: LayoutFiles;
  readonly index: IndexFile;
  readonly entries: readonly JsonObject[];
  readonly first: readonly Digest[];
  readonly then: readonly Digest[];
  readonly notes: readonly string[];
}

async function planPrune(folder: string, rules: RetentionRules, context: Context): Promise<Plan> {
  const index = await readIndexOf(folder);
  const files = await layoutFiles(folder);
  const source = ociLayoutSource(folderTree(folder));
  try {
    const releases = await releasesIn(source, index, files, context.signal);
    const verdicts = retain(releases, rules, Date.now());
    refuseEmptying(folder, verdicts);
    const kept = verdicts.filter(({ keptBy }) => keptBy.length > 0).map(({ release }) => release);
    const needed = await neededBlobs(
      source,
      kept.map(({ image }) => image),
      (digest) => files.blobs.get(digest)?.bytes,
    );
    const unneeded = [...files.blobs.keys()].filter((digest) => !needed.blobs.has(digest));
    return {
      verdicts,
      files,
      index,
      entries: kept.map(({ stored }) => stored),
      first: unneeded.filter((digest) => needed.leftOut.has(digest)),
      then: unneeded.filter((digest) => !needed.leftOut.has(digest)),
      notes: notesOn(verdicts, rules),
    };
  } finally {
    await source.close();
  }
}

/** Every entry of the index, in its order. @throws TransferError when an image is broken */
async function releasesIn(
  source: ImageSource,
  index: IndexFile,
  files: LayoutFiles,
  signal: AbortSignal,
): Promise<Entry[]> {
  const records = await source.images();
  const isSame = ({ root }: ImageRecord, at: number): boolean => root.digest === index.entries[at]?.['digest'];
  if (records.length !== index.entries.length || !records.every(isSame)) {
    throw new TransferError('SOURCE_CHANGED', `${source.label}: its index.json was changed while it was read`, {
      side: 'sink',
      hint: 'Try again; prune while no other tool writes there.',
    });
  }
  const { images, faults } = await readGraph(source, records);
  refuseBroken(faults.map(({ error }) => error));
  const imageOf = new Map(images.map(({ record, image }) => [record, image]));
  const entries: Entry[] = [];
  for (const [at, record] of records.entries()) {
    signal.throwIfAborted();
    const image = imageOf.get(record);
    const stored = index.entries[at];
    if (image === undefined || stored === undefined) continue;
    const added = files.blobs.get(record.root.digest)?.modified ?? Date.now();
    entries.push({ image, stored, created: await createdOf(source, image), added });
  }
  return entries;
}

/** A word of `--keep` that is mistyped must not cost the whole archive. */
function refuseEmptying(folder: string, verdicts: readonly Verdict[]): void {
  const named = verdicts.filter(({ release }) => release.image.name !== undefined);
  if (named.length === 0 || named.some(({ keptBy }) => keptBy.length > 0)) return;
  throw new TransferError('USAGE', `${folder}: of its ${String(named.length)} names these rules keep none`, {
    hint: `Nothing was removed. ferry list ${folder} shows the names; an archive that is not needed any more is removed as a folder.`,
  });
}

/** What hangs on a manifest that cannot be read is not known: with one, nothing can be said to be needed by nobody. */
function refuseBroken([first, ...others]: readonly TransferError[]): void {
  if (first === undefined) return;
  const more = others.length === 0 ? '' : ` (${String(others.length)} more: ferry verify shows them)`;
  throw new TransferError(first.code, `${first.message}${more}`, {
    side: 'source',
    hint: 'Nothing was removed: an archive is pruned when all of its images can be read. Pack this one into it again, which puts back what is missing; or pack the others into a new archive, with --only.',
    cause: first,
  });
}

/** Of several platforms the newest. */
async function createdOf(source: ImageSource, image: ImageNode): Promise<number | undefined> {
  let newest: number | undefined;
  for (const { config } of imagesIn(image.root)) {
    const where = `${source.label}: config ${config.digest}`;
    const bytes = await readAll(verified(source.open(config), config, where), limits.configBytes, where);
    const stated = parseConfig(bytes, where).document['created'];
    const created = typeof stated === 'string' ? Date.parse(stated) : NaN;
    if (isBelievable(created)) newest = Math.max(newest ?? 0, created);
  }
  return newest;
}

function notesOn(verdicts: readonly Verdict[], { keep, keepWithinHours }: RetentionRules): string[] {
  const idle = keep.filter((word) => !verdicts.some(({ release }) => matchesImage(release.image, word)));
  const undated = verdicts.filter(({ release, rank }) => rank !== undefined && release.created === undefined).length;
  const unnamed = verdicts.filter(({ keptBy }) => keptBy.includes('unnamed')).length;
  const orphans = verdicts.filter(({ keptBy }) => keptBy.includes('orphan')).length;
  return [
    ...idle.map((word) => `--keep ${printable(word, 100)}: nothing is called so`),
    ...(undated > 0 && keepWithinHours !== undefined
      ? [`${String(undated)} without a date of their own: their age is how long they have been in the archive`]
      : []),
    ...(unnamed > 0 ? [`${String(unnamed)} without a name stay: no rule speaks of them`] : []),
    ...(orphans > 0 ? [`${String(orphans)} stay that are about images which are not in the archive`] : []),
  ];
}

function resultOf({ verdicts, files, first, then, notes }: Plan, options: PruneOptions): PruneResult {
  const gone = [...first, ...then];
  const bytesOf = (digest: Digest): number => files.blobs.get(digest)?.bytes ?? 0;
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  const freed = sum(gone.map(bytesOf));
  return {
    archive: options.archive,
    dryRun: options.dryRun ?? false,
    dropped: verdicts
      .filter(({ keptBy }) => keptBy.length === 0)
      .map((each) => droppedName(each, verdicts, options.keepLast)),
    kept: verdicts
      .filter(({ keptBy }) => keptBy.length > 0)
      .map((verdict) => ({ ...facts(verdict), by: verdict.keptBy })),
    removed: { blobs: gone.length, bytes: freed, parts: files.parts.length, partBytes: sum(files.parts) },
    left: {
      blobs: files.blobs.size - gone.length,
      bytes: sum([...files.blobs.values()].map(({ bytes }) => bytes)) - freed,
    },
    notes,
  };
}

const facts = ({ release: { image, created } }: Verdict): Omit<PrunedName, 'why'> => ({
  ...(image.name !== undefined && { name: image.name }),
  digest: digestOfImage(image),
  ...(created !== undefined && { created: new Date(created).toISOString() }),
});

function droppedName(verdict: Verdict, all: readonly Verdict[], keepLast: number | undefined): PrunedName {
  const { release, rank } = verdict;
  const { name = '' } = release.image;
  if (rank === undefined) return { ...facts(verdict), why: `about ${subjectName(release.image, all)}, which goes` };
  const repository = familiarReference(`${repositoryOf(name)}:x`).slice(0, -2);
  const why =
    keepLast === undefined ? 'no rule keeps it' : `older than the newest ${String(keepLast)} of ${repository}`;
  return { ...facts(verdict), why };
}

function subjectName(image: ImageNode, all: readonly Verdict[]): string {
  const subject = subjectOf(image);
  if (subject === undefined) return 'nothing';
  const reaches = ({ release }: Verdict): boolean =>
    release.image !== image && [...blobsIn(release.image.root)].some(({ blob }) => blob.digest === subject);
  const about = all.find(reaches);
  return about === undefined ? shortDigest(subject) : displayName(about.release.image);
}
