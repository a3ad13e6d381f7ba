import { type OptionSpec } from './table.js';

export const conflictRules = ['error', 'first', 'last'] as const;
export const layerForms = ['keep', 'plain'] as const;
export const formats = ['tar', 'tar.zst', 'tar.gz', 'oci'] as const;
export const progressModes = ['auto', 'plain', 'json', 'none'] as const;

export const general: readonly OptionSpec[] = [
  { name: 'json', type: 'flag', group: 'General', text: 'Print the result as one JSON document.' },
  {
    name: 'quiet',
    short: 'q',
    type: 'flag',
    group: 'General',
    text: 'No progress, no notes, no summary; errors are still printed.',
  },
  {
    name: 'progress',
    type: 'value',
    value: 'HOW',
    choices: progressModes,
    group: 'General',
    text: 'How to show progress, on standard error. auto: a bar on a terminal, else a line now and then.',
  },
  { name: 'help', short: 'h', type: 'flag', group: 'General', text: 'Show help.' },
];

export const engine: OptionSpec = {
  name: 'engine',
  type: 'value',
  value: 'ENGINE',
  group: 'Engine',
  text: 'The engine on this machine: docker, podman, or the path of such a program. Default: the one that is found.',
};

export const only: OptionSpec = {
  name: 'only',
  type: 'list',
  value: 'NAME',
  group: 'Which images',
  text: 'Only images of this name; * and ? match. Repeatable.',
};

export const platform: OptionSpec = {
  name: 'platform',
  type: 'list',
  value: 'OS/ARCH',
  group: 'Which images',
  text: 'Only this platform, such as linux/amd64 or linux/arm64/v8. Repeatable.',
};

export const fromFile: OptionSpec = {
  name: 'from-file',
  short: 'f',
  type: 'list',
  value: 'FILE',
  file: true,
  group: 'Sources',
  text: 'Read SOURCEs from a file, one a line; # starts a comment. Repeatable.',
};

export const compose: OptionSpec = {
  name: 'compose',
  type: 'list',
  value: 'FILE',
  file: true,
  group: 'Sources',
  text: 'Every image of a compose file is a SOURCE. Repeatable.',
};

export const rename: OptionSpec = {
  name: 'rename',
  alias: 'retag',
  type: 'list',
  value: 'OLD=NEW',
  group: 'Which images',
  text: 'Give images another name; * on both sides stands for the same text. Repeatable, the first match wins.',
};

export const onConflict: OptionSpec = {
  name: 'on-conflict',
  type: 'value',
  value: 'RULE',
  choices: conflictRules,
  group: 'Which images',
  text: 'When one name means two different images: stop (the default), or keep the first or the last.',
};

export const layers: OptionSpec = {
  name: 'layers',
  type: 'value',
  value: 'FORM',
  choices: layerForms,
  group: 'Output',
  text: 'keep (the default): layers stay as they are, byte for byte. plain: each layer once, uncompressed; image IDs survive, manifest digests do not.',
};

export const dryRun: OptionSpec = {
  name: 'dry-run',
  type: 'flag',
  group: 'Output',
  text: 'Show what would be done and how many bytes would move, and stop.',
};

export const output: OptionSpec = {
  name: 'output',
  short: 'o',
  type: 'value',
  value: 'OUT',
  file: true,
  group: 'Output',
  text: 'The file or folder to write (required); - is standard output. The name decides the format: .tar, .tar.zst, .tar.gz, anything else is an OCI layout folder.',
};

export const inventoryOutput: OptionSpec = {
  name: 'output',
  short: 'o',
  type: 'value',
  value: 'FILE',
  file: true,
  group: 'Output',
  text: 'Write to FILE instead of standard output.',
};

export const compactForm: OptionSpec = {
  name: 'compact',
  type: 'flag',
  group: 'Output',
  text: 'The short form, for paper: digests cut to 12 digits, packed, in numbered lines that notice a typing error.',
};

export const format: OptionSpec = {
  name: 'format',
  type: 'value',
  value: 'FORMAT',
  choices: formats,
  group: 'Output',
  text: 'The format, whatever the name of OUT. Default on standard output: tar.',
};

export const level: OptionSpec = {
  name: 'level',
  type: 'value',
  value: 'N',
  group: 'Output',
  text: 'Compression: 1 to 19 for .tar.zst (default 3), 1 to 9 for .tar.gz.',
};

export const receipt: OptionSpec = {
  name: 'receipt',
  type: 'value',
  value: 'FILE',
  file: true,
  group: 'Output',
  text: 'Write a dated receipt to FILE, as JSON: images, digests, engine, proven or not.',
};
