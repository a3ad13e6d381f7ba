import { type ManifestNode } from '../../model/graph.js';
import { fingerprintOf } from '../../model/fingerprint.js';
import { formatPlatform } from '../../model/platform.js';
import { type ReliedLayer } from '../../model/reliance.js';
import { type Digest } from '../../primitives/digest.js';
import { bundleLists } from '../bundle/documents.js';
import { blobPath } from '../oci-layout/reader.js';
import { baseWords } from '../../model/reliance.js';
import { blobSizes, bundleFiles, kitImages, type KitFacts, reliedLayers, sumOf } from './facts.js';

/** What `load.sh` reads of the bundle; the head of that file says what each line means. */
export function kitText(facts: KitFacts): string {
  const relied = reliedLayers(facts);
  return textOf([
    'kit 1',
    `bundle ${facts.bundle}`,
    `format ${facts.format}`,
    `thin ${facts.reliance === undefined ? 'no' : 'yes'}`,
    `lists ${facts.lists}`,
    `fingerprint ${fingerprintOf(facts.lists)}`,
    `bytes ${String(sumOf(blobSizes(facts.images, relied)))}`,
    ...bundleFiles(facts).map(({ name }) => `file ${name}`),
    ...(facts.reliance?.bases ?? []).map((base, at) => `base ${String(at)} ${baseWords(base)}`),
    ...kitImages(facts).flatMap(({ node, name, short, manifests }, at) => {
      const { digest } = node.root.blob;
      const bytes = String(sumOf(blobSizes([node], relied)));
      if (manifests.length === 0) return [`artifact ${String(at)} ${short} ${digest} ${bytes}`];
      return [
        `image ${String(at)} ${name ?? '-'} ${short} ${digest} ${bytes}`,
        ...manifests.map((manifest) => `platform ${String(at)} ${platformWords(manifest, relied)}`),
      ];
    }),
  ]);
}

function platformWords({ platform, config, layers }: ManifestNode, relied: ReadonlyMap<Digest, ReliedLayer>): string {
  const diffIds = layers.map(({ diffId }) => diffId);
  const out = layers.filter(({ blob }) => relied.has(blob.digest));
  const last = layers.findLastIndex(({ blob }) => relied.has(blob.digest));
  const bases = new Set(out.flatMap(({ blob }) => relied.get(blob.digest)?.bases ?? []).map(String));
  return [
    formatPlatform(platform).replaceAll(/\s/g, '_'),
    config.digest,
    listed(diffIds),
    listed(diffIds.slice(0, last + 1)),
    listed([...new Set(out.map(({ diffId }) => diffId))]),
    listed([...bases]),
  ].join(' ');
}

/** As they are: an image may have a layer twice, and the engine then names it twice. */
const listed = (words: readonly string[]): string => (words.length === 0 ? '-' : words.join(','));

/** Of each image what an archive of it alone takes: its lists, and its blobs in the bundle. */
export function partsText(facts: KitFacts): string {
  const relied = reliedLayers(facts);
  return textOf(
    kitImages(facts).flatMap(({ node, manifests }, at) => {
      if (manifests.length === 0) return [];
      const { index, docker } = bundleLists([node], facts.platforms);
      const blobs = [...blobSizes([node], relied).keys()].sort();
      return [
        `index ${String(at)} ${index}`,
        `manifest ${String(at)} ${docker}`,
        `blobs ${String(at)} ${blobs.map(blobPath).join(' ')}`,
      ];
    }),
  );
}

const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
