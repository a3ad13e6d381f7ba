import { compose, dryRun, engine, format, fromFile, general, layers, level } from './options.js';
import { compactForm, inventoryOutput } from './options.js';
import { onConflict, only, output, platform, receipt, rename } from './options.js';
import { allowedSigners, media, thin, withOption } from './pack-options.js';
import { pruning, sampling } from './archive-options.js';
import { hosts, sending, sendReceipt, ssh } from './remote-options.js';
import { type CommandSpec } from './table.js';

export const shells = ['bash', 'zsh', 'fish'] as const;

/** What a SOURCE is; shown by `ferry --help` and in docs/cli.md. */
export const sourceForms: readonly (readonly [string, string])[] = [
  ['PATH', 'a file or folder: what docker or podman save wrote, an OCI layout or archive, a bundle'],
  ['-', 'the same from standard input'],
  ['NAME', 'an image in the local engine'],
  ['file:PATH, engine:NAME', 'the same, said outright'],
  ['ssh://HOST/NAME', 'an image in the engine of [USER@]HOST[:PORT], over SSH'],
];

const picking = [only, platform] as const;
const reading = [...picking, withOption, fromFile, compose, ...ssh, engine, ...general] as const;
const choosing = [...picking, rename, onConflict, withOption, fromFile, compose, ...ssh, engine, ...general] as const;

export const commandTable: readonly CommandSpec[] = [
  {
    name: 'pack',
    usage: 'SOURCE... -o OUT',
    summary: 'put images into one bundle, or into an OCI layout folder',
    about: [
      'Every layer is stored once, every byte is checked, and OUT appears only when it is whole. The same images always give the same tar; its digest is printed. Any engine loads a bundle without ferry (Docker older than 23 after zstd -d).',
    ],
    words: { min: 0, max: Infinity, file: true },
    options: [output, format, level, layers, dryRun, ...thin, ...media, ...choosing],
    examples: [
      { line: '$0 pack app:1.0 db:2.1 -o release.tar.zst', text: 'two images of the local engine into one file' },
      { line: '$0 pack old.tar new.tar -o merged.tar', text: 'merge two archives' },
      { line: 'docker save app:1.0 | $0 pack - -o app.tar.zst', text: 'from a pipe' },
      { line: '$0 pack app:1.1 --base release-1.0.tar.zst -o update.tar.zst', text: 'only what is new since then' },
      { line: '$0 pack update.tar.zst --with release-1.0.tar.zst -o full.tar.zst', text: 'whole again' },
      { line: '$0 pack app:1.0 -o release.tar.zst --volume-size fat32 --verify', text: 'for a FAT32 stick' },
      { line: '$0 pack app:1.0 -o release/ --kit --sign ~/.ssh/id_ed25519', text: 'for a site that has Docker alone' },
      { line: '$0 pack --compose compose.yaml -o archive/', text: 'all images of a project, added to an OCI layout' },
    ],
  },
  {
    name: 'load',
    usage: 'SOURCE...',
    summary: 'load images into the engine on this machine',
    about: [
      'Only what the engine lacks is sent. A name moves to the new image only after the image is proven to be there.',
    ],
    words: { min: 0, max: Infinity, file: true },
    options: [receipt, dryRun, layers, ...choosing],
    examples: [
      { line: '$0 load release.tar.zst', text: 'everything in the bundle' },
      { line: "$0 load release.tar.zst --only 'app:*'", text: 'some of it' },
      { line: '$0 load release.tar.zst --engine podman --receipt receipt.json', text: 'into Podman, with a receipt' },
      { line: "$0 load release.tar.zst --retag 'docker.io/*=registry.local/*'", text: 'under other names' },
      { line: '$0 load ssh://deploy@build/app:1.0', text: 'out of the engine of another machine' },
    ],
  },
  {
    name: 'send',
    usage: 'SOURCE... --to HOST',
    summary: 'send images over SSH into the engines of other machines',
    about: [
      'Only what a host lacks moves, compressed on the way. A host needs an SSH server and its engine, nothing else. A name moves to the new image only after the image is proven to be there. A line that drops is taken up again where it was; what had arrived is not sent twice.',
    ],
    words: { min: 0, max: Infinity, file: true },
    options: [...hosts, ...sending, dryRun, sendReceipt, layers, ...choosing],
    examples: [
      { line: '$0 send app:1.4 --to deploy@prod-1', text: 'one image of the local engine to one host' },
      { line: '$0 send app:1.4 web:2.0 --to prod-1 --to prod-2', text: 'two images to two hosts at once' },
      { line: '$0 send release.tar.zst --to prod-1 --dry-run', text: 'what would move' },
      { line: '$0 send app:1.4 --to prod-1 --keep-previous before', text: 'app:before is the way back' },
      { line: '$0 send ssh://build/app:1.4 --to prod-1 --limit-rate 2MB/s', text: 'from one machine to another' },
      { line: '$0 send --clean --to prod-1', text: 'remove what a broken transfer left there' },
    ],
  },
  {
    name: 'list',
    usage: 'SOURCE...',
    summary: 'show the images in a source',
    about: ['SHARED is what an image has in common with others in the list: it is stored once.'],
    words: { min: 0, max: Infinity, file: true },
    options: [...reading],
    examples: [
      { line: '$0 list release.tar.zst', text: 'what is in the bundle' },
      { line: '$0 list *.tar', text: 'what merging these archives would save' },
      { line: "$0 list release.tar.zst --json | jq -r '.images[].name'", text: 'the names alone' },
    ],
  },
  {
    name: 'inspect',
    usage: 'SOURCE [NAME]',
    summary: 'show config, history and layers of images',
    about: ['Shows all images of SOURCE, or the one called NAME.'],
    words: { min: 1, max: 2, file: true },
    options: [...picking, withOption, ...ssh, engine, ...general],
    examples: [
      { line: '$0 inspect release.tar.zst app:1.0', text: 'one image of a bundle' },
      { line: '$0 inspect app:1.0', text: 'an image of the local engine' },
      { line: "$0 inspect app.tar --json | jq '.images[0].platforms[0].config'", text: 'the config as it is' },
    ],
  },
  {
    name: 'verify',
    usage: 'SOURCE...',
    summary: 'read every byte and check every digest',
    about: [
      'Checks structure, checksums, the digest and size of every blob and the diffID of every layer. Lists every fault with the images that it breaks; exit status 3 if there are any.',
    ],
    words: { min: 0, max: Infinity, file: true },
    options: [allowedSigners, ...sampling, ...reading],
    examples: [
      { line: '$0 verify release.tar.zst', text: 'after a copy, before the drive leaves' },
      { line: '$0 verify update.tar.zst --with release-1.0.tar.zst', text: 'a thin bundle with its base' },
      { line: '$0 verify release.tar.zst --allowed-signers signers', text: 'and who made it' },
      { line: '$0 verify archive/ --quiet || echo damaged', text: 'in a script' },
      { line: '$0 verify archive/ --sample 10% --since 1d', text: 'each night: all of it in ten, and what is new' },
    ],
  },
  {
    name: 'diff',
    usage: 'A B',
    summary: 'show what changed between two sources',
    about: ['Images and layers that came, went and stayed. Differences are no error: the exit status is 0.'],
    words: { min: 2, max: 2, file: true },
    options: [...picking, ...ssh, engine, ...general],
    examples: [
      { line: '$0 diff release-1.tar.zst release-2.tar.zst', text: 'between two releases' },
      { line: '$0 diff app:1.0 app:1.1', text: 'between two images of the local engine' },
    ],
  },
  {
    name: 'inventory',
    usage: '[SOURCE] [-o FILE]',
    summary: 'write down what a place has, for thin bundles',
    about: [
      'SOURCE is a place: an archive, a bundle, a folder, ssh://[USER@]HOST[:PORT] for the engine of a host, or engine: for the one on this machine, which is also meant without a SOURCE. pack --base leaves out what an inventory names.',
    ],
    words: { min: 0, max: Infinity, file: true },
    options: [inventoryOutput, compactForm, ...ssh, engine, ...general],
    examples: [
      { line: '$0 inventory -o site.json', text: 'of the engine on this machine' },
      { line: '$0 inventory ssh://deploy@prod-1 -o prod-1.json', text: 'of the engine of a host' },
      { line: '$0 inventory --compact | lp', text: 'on paper, where nothing else may leave the site' },
      { line: '$0 pack app:1.1 --base site.json -o update.tar.zst', text: 'what it is for' },
    ],
  },
  {
    name: 'prune',
    usage: 'ARCHIVE',
    summary: 'remove old images from an archive folder',
    about: [
      'ARCHIVE is an OCI layout folder, as pack -o archive/ makes it. A name stays when any of the rules keeps it; at least one must be given. Signatures and attestations stay and go with their images. Then every blob that no name leads to is removed.',
    ],
    words: { min: 1, max: 1, file: true },
    options: [...pruning, dryRun, ...general],
    examples: [
      { line: '$0 prune archive/ --keep-last 5 --dry-run', text: 'what would go' },
      { line: "$0 prune archive/ --keep-last 5 --keep 'app:*-lts'", text: 'the last five of each, and long-term ones' },
      { line: '$0 prune archive/ --keep-within 1y', text: 'what is younger than a year' },
      { line: "$0 prune archive/ --keep '*'", text: 'no name; only what a crash or a moved name has left' },
    ],
  },
  {
    name: 'completion',
    usage: shells.join('|'),
    summary: 'print the completion script of a shell',
    about: ['Completes commands, options and file names.'],
    words: { min: 1, max: 1, file: false, choices: shells },
    options: general.filter((option) => option.name === 'help'),
    examples: [
      { line: 'source <($0 completion bash)', text: 'for this bash; put it into ~/.bashrc to keep it' },
      { line: '$0 completion zsh > "${fpath[1]}/_ferry"', text: 'zsh' },
      { line: '$0 completion fish > ~/.config/fish/completions/ferry.fish', text: 'fish' },
    ],
  },
];
