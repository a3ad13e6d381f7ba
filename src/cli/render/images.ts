import { type ImageSummary, type PlatformSummary } from '../../commands/results.js';
import { baseWords, type Reliance } from '../../model/reliance.js';
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

/** What a thin bundle takes for granted. */
const assumed: Column = { title: 'ASSUMED', align: 'right' };

/** One row an image; the platforms of a multi-platform image, and what is no image in it, indented below. */
export function imageTable(images: readonly ImageSummary[], view: View): string[] {
  const isThin = images.some(({ platforms }) => platforms.some(({ reliedBytes }) => reliedBytes !== undefined));
  return table(
    isThin ? [...columns, assumed] : columns,
    images.flatMap((image) => rowsOf(image, isThin, view)),
    view,
  );
}

function rowsOf(image: ImageSummary, isThin: boolean, view: View): Row[] {
  const name = nameOf(image.name);
  const [first, second] = image.platforms;
  const lesser = [...artifactRows(image), ...notIncluded(image, view)];
  if (first !== undefined && second === undefined) return [platformRow(name, first, isThin), ...lesser];
  if (first === undefined) return loneRows(name, image, lesser);
  const cells = [name, count(image.platforms.length, 'platform'), shortDigest(image.digest)];
  return [
    { cells: [...cells, ...sizeCells(image.platforms, isThin)] },
    ...image.platforms.map((platform) => platformRow('', platform, isThin, '  ')),
    ...lesser,
  ];
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

const platformRow = (name: string, platform: PlatformSummary, isThin: boolean, indent = ''): Row => ({
  cells: [name, `${indent}${safe(platform.platform)}`, shortDigest(platform.imageId), ...sizeCells([platform], isThin)],
});

function sizeCells(platforms: readonly PlatformSummary[], isThin: boolean): string[] {
  const sizes = [
    sum(platforms, ({ bytes }) => bytes),
    sum(platforms, ({ sharedBytes }) => sharedBytes),
    ...(isThin ? [sum(platforms, ({ reliedBytes }) => reliedBytes ?? 0)] : []),
  ];
  return sizes.map(formatBytes);
}

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

export function totalLines(totals: PlanTotals, twins: readonly LayerTwins[], reliance?: Reliance): string[] {
  const saved = totals.bytesUsed - totals.bytesUnique;
  const share = formatShare(saved, totals.bytesUsed);
  const left = sum(reliance?.layers ?? [], ({ size }) => size);
  const once = `${formatBytes(totals.bytesUsed)} in all, ${formatBytes(totals.bytesUnique)} stored once`;
  const stored = left === 0 ? once : `${once} (${formatBytes(left)} of it left out)`;
  return [
    `${count(totals.images, 'image')}, ${count(totals.layerUses, 'layer')}, ${String(totals.uniqueLayers)} of them unique`,
    share === formatShare(0, 1) ? stored : `${stored}: ${share} saved`,
    ...twinLine(twins),
  ];
}

/** What a thin bundle leaves out, and who has it. */
export const relianceLines = (reliance: Reliance | undefined): string[] =>
  reliance === undefined
    ? []
    : [
        `${count(reliance.layers.length, 'layer')} (${formatBytes(sum(reliance.layers, ({ size }) => size))}) not in it, assumed to be there already:`,
        ...reliance.bases.map((base) => `  ${baseWords(base)}`),
      ];

const twinLine = (twins: readonly LayerTwins[]): string[] =>
  twins.length === 0
    ? []
    : [`${count(twins.length, 'layer')} in more than one form (plain, gzip, ...); --layers plain stores each once`];

export const digestLine = (label: string, digest: Digest): string => `${label} ${digest}`;
