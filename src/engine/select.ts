import { blobsIn, type ImageNode, imagesIn, type IndexNode, type TreeNode } from '../model/graph.js';
import { formatPlatform, matchesPlatform, type Platform } from '../model/platform.js';
import { type Digest, hexOf } from '../primitives/digest.js';
import { TransferError } from '../primitives/errors.js';
import { digestOfImage, displayName } from './display.js';
import { matchesName } from './glob.js';
import { type Offer } from './merge.js';

export interface Selection {
  /** Names or globs; empty: everything. */
  readonly only: readonly string[];
  /** Empty: every platform. */
  readonly platforms: readonly Platform[];
}

/**
 * The images that a selection asks for, with what refers to them (signatures, attestations). An index keeps its digest
 * when platforms are left out of it: they are then listed in it, and not there.
 * @throws TransferError NOT_FOUND when a pattern or the platforms match nothing.
 */
export function selectImages(offers: readonly Offer[], { only, platforms }: Selection): Offer[] {
  const named = only.length === 0 ? offers : byName(offers, only);
  return platforms.length === 0 ? [...named] : byPlatform(named, platforms);
}

function byPlatform(offers: readonly Offer[], platforms: readonly Platform[]): Offer[] {
  const picked = offers.flatMap(({ image, from }) => {
    const root = pickPlatforms(image.root, platforms);
    return root === undefined ? [] : [{ image: { ...image, root }, from }];
  });
  const isImage = ({ image }: Offer): boolean => imagesIn(image.root).next().done !== true;
  if (offers.some(isImage) && !picked.some(isImage)) {
    throw new TransferError('NOT_FOUND', `no image for ${platforms.map(formatPlatform).join(' or ')}`, {
      side: 'source',
      hint: `There is: ${[...new Set(offers.flatMap(({ image }) => platformsIn(image.root)))].sort().join(', ')}.`,
    });
  }
  // What is about an image that went goes with it.
  const before = reachedBy(offers);
  const after = reachedBy(picked);
  const isAboutGone = ({ image: { root } }: Offer): boolean =>
    root.kind === 'artifact' && root.subject !== undefined && before.has(root.subject) && !after.has(root.subject);
  return picked.filter((offer) => !isAboutGone(offer));
}

const reachedBy = (offers: Iterable<Offer>): Set<Digest> =>
  new Set([...offers].flatMap(({ image }) => [...blobsIn(image.root)].map(({ blob }) => blob.digest)));

function byName(offers: readonly Offer[], only: readonly string[]): Offer[] {
  const unmatched = only.filter((pattern) => !offers.some(({ image }) => matchesImage(image, pattern)));
  if (unmatched.length > 0) {
    const names = offers.map(({ image }) => displayName(image));
    const shown =
      names.length > 10 ? `${names.slice(0, 10).join(', ')}, and ${String(names.length - 10)} more` : names.join(', ');
    throw new TransferError('NOT_FOUND', `no image called ${unmatched.join(', ')}`, {
      side: 'source',
      hint: `There is: ${shown}.`,
    });
  }
  const chosen = new Set(offers.filter(({ image }) => only.some((pattern) => matchesImage(image, pattern))));
  const reached = reachedBy(chosen);
  return offers.filter((offer) => chosen.has(offer) || refersTo(offer.image, reached));
}

/** Whether a word of `--only` means this image: by name or glob, or by the beginning of its digest or image ID. */
export function matchesImage(image: ImageNode, word: string): boolean {
  if (word === '*' || (image.name !== undefined && matchesName(image.name, word))) return true;
  const ids = [digestOfImage(image), ...[...imagesIn(image.root)].map(({ config }) => config.digest)];
  return ids.some((id) => matchesDigest(id, word));
}

/** Whether a word is the beginning of a digest, as engines print and take image IDs. */
export function matchesDigest(digest: Digest, word: string): boolean {
  const hex = /^(?:sha256:)?([0-9a-f]{6,64})$/.exec(word)?.[1];
  return hex !== undefined && hexOf(digest).startsWith(hex);
}

/** A signature or attestation of a chosen image. */
function refersTo(image: ImageNode, reached: ReadonlySet<Digest>): boolean {
  const subject = subjectOf(image);
  return subject !== undefined && reached.has(subject);
}

/** The manifest that a signature or attestation is about: by its subject, or by the tag schemes that predate subjects. */
export function subjectOf({ name, root }: ImageNode): Digest | undefined {
  if (root.kind === 'artifact' && root.subject !== undefined) return root.subject;
  const hex = name === undefined ? undefined : /:sha256-([0-9a-f]{64})(?:\.[a-z]+)?$/.exec(name)?.[1];
  return hex === undefined ? undefined : (`sha256:${hex}` as Digest);
}

/** The tree with only these platforms in it; undefined when none of it remains. What is no image stays. */
function pickPlatforms(node: TreeNode, wanted: readonly Platform[]): TreeNode | undefined {
  if (node.kind === 'image')
    return wanted.some((platform) => matchesPlatform(node.platform, platform)) ? node : undefined;
  if (node.kind !== 'index') return node;
  return pickFromIndex(node, wanted);
}

function pickFromIndex(node: IndexNode, wanted: readonly Platform[]): IndexNode | undefined {
  const picked = node.children.map((child) => pickPlatforms(child, wanted));
  const gone = new Set<Digest>(
    node.children.flatMap((child, i) => (picked[i] === undefined ? [child.blob.digest] : [])),
  );
  // What is about a platform (Docker's attestations name it in an annotation) goes with it.
  const isAboutGone = (child: TreeNode): boolean =>
    gone.has((child.blob.annotations?.['vnd.docker.reference.digest'] ?? '') as Digest);
  const kept = picked.filter((child) => child !== undefined && !isAboutGone(child)) as TreeNode[];
  if (!kept.some((child) => child.kind === 'image' || child.kind === 'index') && gone.size > 0) return undefined;
  const stays = new Set(kept.map((child) => child.blob.digest));
  const dropped = node.children.filter((child) => !stays.has(child.blob.digest)).map((child) => child.blob);
  return { ...node, children: kept, absent: [...node.absent, ...dropped] };
}

function platformsIn(node: TreeNode): string[] {
  if (node.kind === 'image') return [formatPlatform(node.platform)];
  return node.kind === 'index' ? node.children.flatMap(platformsIn) : [];
}
