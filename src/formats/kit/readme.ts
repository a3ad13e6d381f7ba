import { fingerprintOf } from '../../model/fingerprint.js';
import { formatBytes } from '../../primitives/units.js';
import { baseWords } from './base-words.js';
import { blobSizes, bundleFiles, kitImages, type KitFacts, reliedLayers, sumOf } from './facts.js';
import { isTakenApart, programs } from './notes.js';

/** The page that people read first. Its lines end as Windows wants them: it is opened where the drive is plugged in. */
export function readmeText(facts: KitFacts): string {
  const lines = [
    `Container images: ${facts.bundle}`,
    '',
    ...howTo,
    '',
    ...fingerprint(facts),
    '',
    ...needs(facts),
    '',
    ...failures,
    '',
    ...contents(facts),
  ];
  return lines.map((line) => `${line}\r\n`).join('');
}

const howTo = [
  'HOW TO LOAD THEM',
  '  sh load.sh --check     looks whether everything arrived whole',
  '  sh load.sh             loads the images into Docker, else into Podman',
  '  sh load.sh --help      says what else it can do',
  'In this folder, from any medium, on Linux or another system with sh. Where',
  'only root may use Docker: sudo sh load.sh. Volumes (.001, .002, ...) of one',
  'bundle that came on several drives must first be copied into one folder.',
];

function fingerprint(facts: KitFacts): readonly string[] {
  return [
    'WHO PACKED THEM',
    `  Fingerprint: ${fingerprintOf(facts.lists)}`,
    'Have the sender read it out over the phone. These are the first 20 digits of',
    `  ${asTar(facts)} |`,
    '    tar -xOf - index.json manifest.json | sha256sum',
    'If there is a SHA256SUMS.sig: sh load.sh --allowed-signers FILE, or',
    '  ssh-keygen -Y verify -f FILE -I SIGNER -n image-ferry \\',
    '    -s SHA256SUMS.sig <SHA256SUMS',
  ];
}

/** The shell command that writes the bundle, joined. */
function joined(facts: KitFacts): string {
  const quoted = /^[\w.+-]+$/.test(facts.bundle) ? facts.bundle : `'${facts.bundle.replaceAll("'", "'\\''")}'`;
  return bundleFiles(facts).some(({ name }) => name === facts.bundle) ? `cat ${quoted}` : `cat ${quoted}.*`;
}

function asTar(facts: KitFacts): string {
  const expand = { tar: '', 'tar.gz': ' | gzip -dc', 'tar.zst': ' | zstd -dc' }[facts.format];
  return `${joined(facts)}${expand}`;
}

function needs(facts: KitFacts): readonly string[] {
  const held = sumOf(blobSizes(facts.images, reliedLayers(facts)));
  const zstd = facts.format === 'tar.zst';
  return [
    'WHAT IT NEEDS',
    '  Docker 20.10 or later, or Podman 4 or later.',
    ...(zstd ? ['  Docker before 23 reads no zstd: there, also the zstd program.'] : []),
    `  Free space: at least ${formatBytes(2 * held)} where the engine keeps its images;`,
    '  Podman also as much in /var/tmp.',
    ...(isTakenApart(facts)
      ? [`  Podman: also ${programs(facts.format)}, and ${formatBytes(held)} in /tmp or where TMPDIR says.`]
      : []),
    ...relianceLines(facts),
  ];
}

function relianceLines({ reliance }: KitFacts): readonly string[] {
  if (reliance === undefined) return [];
  const bytes = reliance.layers.reduce((sum, { size }) => sum + size, 0);
  return [
    `  The bundle is thin: it leaves out ${String(reliance.layers.length)} layers (${formatBytes(bytes)}) that are in`,
    ...reliance.bases.map((base) => `    ${baseWords(base)}`),
    '  and must be in the engine. load.sh says which are not, and changes nothing.',
  ];
}

const failures = [
  'WHEN IT FAILS',
  '  It says why, and every name leads to the image that it led to before.',
  '  3  a file is missing or damaged: copy it again, it is named',
  '  4  the engine does not answer, or refused: see what it said',
  '  6  the engine lacks what a thin bundle leaves out: load the base first',
  '  7  no space, or a program is missing: it is named',
  `  Without load.sh: sha256sum -c SHA256SUMS, and the bundle into "docker load".`,
];

function contents(facts: KitFacts): readonly string[] {
  const images = kitImages(facts);
  return [
    `IMAGES (${String(images.length)}), each with its size and what its name leads to`,
    ...images.flatMap(({ node, short, manifests }) => [
      `  ${short}  ${formatBytes(sumOf(blobSizes([node])))}${manifests.length === 0 ? ', no image: not for engines' : ''}`,
      `    ${node.root.blob.digest}`,
    ]),
  ];
}
