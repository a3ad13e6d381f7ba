import { fingerprintOf } from '../../model/fingerprint.js';
import { formatPlatform } from '../../model/platform.js';
import { blobSizes, kitImages, type KitFacts, sumOf } from './facts.js';
import { STATEMENT_SCHEMA } from './names.js';

/**
 * What a bundle is, as one JSON document (docs/kit.md): `bundle.json` in a kit, `NAME-bundle.json` beside a bundle that
 * is signed. Two spaces deep, keys in a fixed order, a newline at the end: the same facts give the same text.
 */
export function bundleStatement(facts: KitFacts): string {
  const { bundle, format, tarDigest, lists, reliance, files } = facts;
  const statement = {
    schema: STATEMENT_SCHEMA,
    bundle,
    format,
    tar: tarDigest,
    lists,
    fingerprint: fingerprintOf(lists),
    bases: (reliance?.bases ?? []).map(({ digest, kind, names }) => ({
      digest,
      fingerprint: fingerprintOf(digest),
      kind,
      names,
    })),
    images: kitImages(facts).map(({ node, manifests }) => ({
      ...(node.name !== undefined && { name: node.name }),
      digest: node.root.blob.digest,
      platforms: manifests.map(({ platform, config }) => ({
        platform: formatPlatform(platform),
        imageId: config.digest,
      })),
      bytes: sumOf(blobSizes([node])),
    })),
    files: files.map(({ name, size, sha256 }) => ({ name, size, sha256 })),
  };
  return `${JSON.stringify(statement, null, 2)}\n`;
}
