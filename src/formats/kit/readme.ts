import { fingerprintOf } from '../../model/fingerprint.js';
import { shortDigest } from '../../primitives/digest.js';
import { formatBytes } from '../../primitives/units.js';
import { baseWords } from '../../model/reliance.js';
import { blobSizes, bundleFiles, kitImages, type KitFacts, type KitImage, reliedLayers, sumOf } from './facts.js';
import { isTakenApart, programs } from './notes.js';

const WIDTH = 78;

/** The page that people read first. Its lines end as Windows wants them: it is opened where the drive is plugged in. */
export function readmeText(facts: KitFacts): string {
  const lines = [
    ...wrapped('', `Container images: ${facts.bundle}`),
    '',
    ...howTo,
    '',
    ...fingerprint(facts),
    '',
    ...needs(facts),
    '',
    ...failures,
    ...byHand(facts),
    '',
    ...contents(facts),
  ];
  return lines.map((line) => `${line}\r\n`).join('');
}

/** In lines of `WIDTH`, at blanks where there are any; each begins with `indent`. */
function wrapped(indent: string, text: string): readonly string[] {
  const width = WIDTH - indent.length;
  const lines = text.match(new RegExp(`(?! ).{1,${String(width)}}(?= |$)|[^ ]{${String(width)}}`, 'gu')) ?? [];
  return lines.map((line) => `${indent}${line}`);
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
    `  ${joined(facts)} |${expand(facts)}`,
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

const expand = ({ format }: KitFacts): string =>
  ({ tar: '', 'tar.gz': ' gzip -dc |', 'tar.zst': ' zstd -dc |' })[format];

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
  const layers = reliance.layers.length === 1 ? '1 layer' : `${String(reliance.layers.length)} layers`;
  return [
    `  This bundle is thin: it comes without ${layers} (${formatBytes(bytes)}).`,
    '  The engine must have them already; it has once these were loaded into it:',
    ...reliance.bases.flatMap((base) => wrapped('    ', baseWords(base))),
    '  load.sh looks first; if the engine lacks any, it names them and ends.',
  ];
}

const failures = [
  'WHEN IT FAILS',
  '  It says why, and every name leads to the image that it led to before.',
  '  3  a file is missing or damaged: copy it again, it is named',
  '  4  the engine does not answer, or refused: see what it said',
  '  6  the engine lacks what a thin bundle leaves out: load the base first',
  '  7  no space, or a program is missing: it is named',
];

function byHand(facts: KitFacts): readonly string[] {
  const engine = isTakenApart(facts) ? 'docker load' : 'docker load   # or podman load';
  return [
    '  Without load.sh:',
    '    sha256sum -c SHA256SUMS &&',
    `      ${joined(facts)} |${expand(facts)} ${engine}`,
    ...(facts.format === 'tar.zst' ? ['  (only Docker before 23 needs the zstd -dc)'] : []),
    ...(isTakenApart(facts) ? ['  (Podman takes this bundle only from load.sh, one image at a time)'] : []),
  ];
}

function contents(facts: KitFacts): readonly string[] {
  const images = kitImages(facts);
  return [
    `IMAGES (${String(images.length)}): image ID, manifest, size, name`,
    '  "image ls" of Docker and Podman shows the image ID; of Docker with the',
    '  containerd store, the manifest. In full, for each platform: bundle.json.',
    ...(images.some(isNone) ? ['  An ID of ------------: no image, carried along and not for engines.'] : []),
    ...images.flatMap((image) => imageLines(image)),
  ];
}

const isNone = ({ manifests }: KitImage): boolean => manifests.length === 0;

function imageLines({ node, short, manifests: [first] }: KitImage): readonly string[] {
  const id = first === undefined ? '-'.repeat(12) : shortDigest(first.config.digest);
  const facts = `  ${id}  ${shortDigest(node.root.blob.digest)}  ${formatBytes(sumOf(blobSizes([node]))).padStart(8)}`;
  const line = `${facts}  ${short}`;
  return line.length <= WIDTH ? [line] : [facts, ...wrapped('    ', short)];
}
