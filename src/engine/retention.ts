import { blobsIn, type ImageNode } from '../model/graph.js';
import { repositoryOf } from '../model/reference.js';
import { compareTags } from '../model/tag-order.js';
import { type Digest } from '../primitives/digest.js';
import { digestOfImage } from './display.js';
import { matchesImage, subjectOf } from './select.js';

/** Which names of an archive stay: those that any of the rules keeps. */
export interface RetentionRules {
  /** The newest so many images of each repository. */
  readonly keepLast?: number | undefined;
  /** Names or globs, as `--only` takes them. */
  readonly keep: readonly string[];
  /** What is younger than this many hours. */
  readonly keepWithinHours?: number | undefined;
}

/** A name in an archive, with what its age goes by; in milliseconds since 1970. */
export interface Release {
  readonly image: ImageNode;
  /** What its config says; undefined when it says nothing that can be true (`isBelievable`). */
  readonly created: number | undefined;
  /** When its manifest was written into the archive. */
  readonly added: number;
}

/**
 * `subject`: it is a signature or attestation of what is kept. `orphan`: one of what is not in the archive. `unnamed`:
 * no rule can speak of it.
 */
export type KeptBy = 'last' | 'name' | 'within' | 'subject' | 'orphan' | 'unnamed';

export interface Verdict<R extends Release = Release> {
  readonly release: R;
  /** Empty: it goes. */
  readonly keptBy: readonly KeptBy[];
  /** Its place among the images of its repository, 1 for the newest; names of one image share it. */
  readonly rank: number | undefined;
}

const HOUR_MS = 3_600_000;

/** Reproducible builds say 1970, 1980 or the like: before there were images (Docker's first release), none was made. */
export const isBelievable = (created: number): boolean => created >= Date.UTC(2013, 2, 1);

/**
 * What becomes of each name, in the order given. What is about an image (signatures, attestations) stays with it and
 * goes with it. Pure.
 */
export function retain<R extends Release>(releases: readonly R[], rules: RetentionRules, now: number): Verdict<R>[] {
  const ranks = ranksOf(releases.filter(({ image }) => isRanked(image)));
  const keptByRule = new Map(releases.map((release) => [release, rulesFor(release, ranks.get(release), rules, now)]));
  const keptBy = withSubjects(releases, keptByRule);
  return releases.map((release) => ({
    release,
    keptBy: keptBy.get(release) ?? [],
    rank: ranks.get(release),
  }));
}

const isRanked = (image: ImageNode): boolean => image.name !== undefined && subjectOf(image) === undefined;

function rulesFor(release: Release, rank: number | undefined, rules: RetentionRules, now: number): KeptBy[] {
  const { image, created, added } = release;
  const { keepLast, keep, keepWithinHours } = rules;
  const kept: KeptBy[] = [];
  if (keep.some((word) => matchesImage(image, word))) kept.push('name');
  if (rank !== undefined) {
    if (keepLast !== undefined && rank <= keepLast) kept.push('last');
    const since = created ?? added;
    if (keepWithinHours !== undefined && since > now - keepWithinHours * HOUR_MS) kept.push('within');
  } else if (subjectOf(image) === undefined) kept.push('unnamed');
  return kept;
}

/** Adds signatures and attestations, and those of signatures and attestations, to what the rules keep. */
function withSubjects<R extends Release>(
  releases: readonly R[],
  keptByRule: ReadonlyMap<R, readonly KeptBy[]>,
): ReadonlyMap<R, readonly KeptBy[]> {
  const keptBy = new Map(keptByRule);
  const there = new Set(releases.flatMap(blobDigests));
  const reached = new Set(releases.flatMap((release) => (isKept(keptBy, release) ? blobDigests(release) : [])));
  for (let before = -1; before !== reached.size;) {
    before = reached.size;
    for (const release of releases) {
      const subject = subjectOf(release.image);
      if (subject === undefined || isKept(keptBy, release)) continue;
      if (there.has(subject) && !reached.has(subject)) continue;
      keptBy.set(release, [there.has(subject) ? 'subject' : 'orphan']);
      for (const digest of blobDigests(release)) reached.add(digest);
    }
  }
  return keptBy;
}

const isKept = <R>(keptBy: ReadonlyMap<R, readonly KeptBy[]>, release: R): boolean =>
  (keptBy.get(release) ?? []).length > 0;

const blobDigests = ({ image }: Release): Digest[] => [...blobsIn(image.root)].map(({ blob }) => blob.digest);

/** The place of each in its repository. Several names of one image are one image. */
function ranksOf<R extends Release>(releases: readonly R[]): ReadonlyMap<R, number> {
  const ranks = new Map<R, number>();
  for (const repository of groupBy(releases, ({ image }) => repositoryOf(image.name ?? '')).values()) {
    const images = [...groupBy(repository, ({ image }) => digestOfImage(image)).values()].map(newestTagFirst);
    const dated = images.every(([first]) => first?.created !== undefined);
    images.sort(([a], [b]) => (a === undefined || b === undefined ? 0 : newestFirst(a, b, dated)));
    images.forEach((names, at) => {
      for (const release of names) ranks.set(release, at + 1);
    });
  }
  return ranks;
}

/** By date, where every image of the repository has one; else, and between equals, by tag; then as digests sort. */
function newestFirst(a: Release, b: Release, dated: boolean): number {
  const byDate = dated ? (b.created ?? 0) - (a.created ?? 0) : 0;
  return byDate || compareTags(tagOf(b), tagOf(a)) || (digestOfImage(a.image) < digestOfImage(b.image) ? -1 : 1);
}

const newestTagFirst = <R extends Release>(names: readonly R[]): R[] =>
  [...names].sort((a, b) => compareTags(tagOf(b), tagOf(a)));

const tagOf = ({ image: { name = '' } }: Release): string => name.slice(repositoryOf(name).length + 1);

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
