import { type ImageSummary, type PlatformSummary } from '../../commands/results.js';
import { type LayerTwins, type PlanTotals } from '../../model/plan.js';
import { type Digest, shortDigest } from '../../primitives/digest.js';
import { type Column, type Row, table } from './table.js';
import { count, wrap } from './text.js';
import { formatBytes, formatShare } from './units.js';
import { dim, nameOf, safe, type View } from './view.js';

const columns: readonly Column[] = [
  { title: 'NAME', flexible: true },
  { title: 'PLATFORM' },
  { title: 'IMAGE ID' },
  { title: 'SIZE', align: 'right' },
  { title: 'SHARED', align: 'right' },
];

/** One row an image; the platforms of a multi-platform image, and what is no image in it, indented below. */
export function imageTable(images: readonly ImageSummary[], view: View): string[] {
  return table(
    columns,
    images.flatMap((image) => rowsOf(image, view)),
    view,
  );
}

function rowsOf(image: ImageSummary, view: View): Row[] {
  const name = nameOf(image.name);
  const [first, second] = image.platforms;
  const lesser = [...artifactRows(image), ...notIncluded(image, view)];
  if (first !== undefined && second === undefined) return [platformRow(name, first), ...lesser];
  if (first === undefined) return loneRows(name, image, lesser);
  const all = sum(image.platforms, (platform) => platform.bytes);
  const shared = sum(image.platforms, (platform) => platform.sharedBytes);
  const cells = [
    name,
    count(image.platforms.length, 'platform'),
    shortDigest(image.digest),
    formatBytes(all),
    formatBytes(shared),
  ];
  return [{ cells }, ...image.platforms.map((platform) => platformRow('', platform, '  ')), ...lesser];
}

/** Something without any image in it. */
function loneRows(name: string, image: ImageSummary, lesser: readonly Row[]): Row[] {
  const [only, more] = image.artifacts;
  if (only !== undefined && more === undefined && image.kind !== 'index') {
    return [{ cells: [name, artifactKind(only.type), shortDigest(only.digest), formatBytes(only.bytes)] }];
  }
  const kind = image.kind === 'index' ? 'no platform' : image.kind === 'opaque' ? 'unknown kind' : image.kind;
  return [{ cells: [name, kind, shortDigest(image.digest)] }, ...lesser];
}

const platformRow = (name: string, platform: PlatformSummary, indent = ''): Row => ({
  cells: [
    name,
    `${indent}${safe(platform.platform)}`,
    shortDigest(platform.imageId),
    formatBytes(platform.bytes),
    formatBytes(platform.sharedBytes),
  ],
});

const artifactRows = (image: ImageSummary): Row[] =>
  image.artifacts.map(({ type, digest, bytes }) => ({
    cells: ['', `  ${artifactKind(type)}`, shortDigest(digest), formatBytes(bytes)],
    faint: true,
  }));

function notIncluded(image: ImageSummary, view: View): Row[] {
  if (image.notIncluded.length === 0) return [];
  const text = `not included: ${image.notIncluded.map(safe).join(', ')}`;
  const lines = view.cut ? wrap(text, view.width - 2) : [text];
  return lines.map((line) => ({ line: dim(`  ${line}`, view) }));
}

const kinds: readonly (readonly [RegExp, string])[] = [
  [/in-toto|attestation|provenance/, 'attestation'],
  [/cosign|sigstore|notary|signature/, 'signature'],
  [/spdx|cyclonedx|sbom/, 'SBOM'],
  [/helm/, 'helm chart'],
  [/wasm/, 'wasm module'],
];

/** A short word for a media type; the type itself is in the JSON. */
function artifactKind(type: string): string {
  return kinds.find(([pattern]) => pattern.test(type))?.[1] ?? 'artifact';
}

const sum = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((total, item) => total + value(item), 0);

export function totalLines(totals: PlanTotals, twins: readonly LayerTwins[]): string[] {
  const saved = totals.bytesUsed - totals.bytesUnique;
  const share = formatShare(saved, totals.bytesUsed);
  const stored = `${formatBytes(totals.bytesUsed)} in all, ${formatBytes(totals.bytesUnique)} stored once`;
  return [
    `${count(totals.images, 'image')}, ${count(totals.layerUses, 'layer')}, ${String(totals.uniqueLayers)} of them unique`,
    share === formatShare(0, 1) ? stored : `${stored}: ${share} saved`,
    ...twinLine(twins),
  ];
}

const twinLine = (twins: readonly LayerTwins[]): string[] =>
  twins.length === 0
    ? []
    : [`${count(twins.length, 'layer')} in more than one form (plain, gzip, ...); --layers plain stores each once`];

export const digestLine = (label: string, digest: Digest): string => `${label} ${digest}`;
