import {
  type InventoryOptions,
  type PackOptions,
  type PruneOptions,
  type SendOptions,
  type SourceOptions,
} from '../../commands/options.js';
import { storeKinds } from '../../model/inventory.js';
import { printable } from '../../primitives/printable.js';
import { type Call, type OptionsOf, type Verb } from '../commands.js';
import { type Io } from '../io.js';
import { commandTable, type shells } from './commands.js';
import { formats, progressModes } from './options.js';
import { type CommandSpec, type OptionSpec } from './table.js';
import { checkWords, type Complain, complainFor, noCommand, spell, unknownCommand } from './usage.js';
import { compact, Values } from './values.js';
import { MissingValueError, splitWords, type Words } from './words.js';

export type ProgressMode = (typeof progressModes)[number];

export interface Presentation {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly progress: ProgressMode;
}

export type Invocation =
  | { readonly kind: 'help'; readonly command: CommandSpec | undefined }
  | { readonly kind: 'version' }
  | { readonly kind: 'completion'; readonly shell: (typeof shells)[number] }
  | { readonly kind: 'call'; readonly call: Call; readonly presentation: Presentation };

/** What the parser has to know of its surroundings. */
export interface Surroundings {
  /** `ferry` or `docker ferry`. */
  readonly program: string;
  readonly io: Pick<Io, 'stdout' | 'stdinIsTerminal'>;
}

/**
 * What a command line asks for.
 * @throws TransferError USAGE
 */
export function parse(argv: readonly string[], { program, io }: Surroundings): Invocation {
  const words = split(argv, complainFor(program, likelyCommand(argv)));
  if (words.values.has('version')) return { kind: 'version' };
  const [first = '', ...rest] = words.positionals;
  const asked = first === 'help' ? (rest[0] ?? '') : first;
  const command = commandTable.find((candidate) => candidate.name === asked);
  if (command === undefined && asked !== '') throw unknownCommand(asked, complainFor(program));
  if (first === 'help' || words.values.has('help') || words.values.size + words.positionals.length === 0) {
    return { kind: 'help', command };
  }
  if (command === undefined) throw noCommand(words, complainFor(program));
  return invoke(command, words, rest, { program, io });
}

function invoke(
  command: CommandSpec,
  words: Words,
  given: readonly string[],
  { program, io }: Surroundings,
): Invocation {
  const complain = complainFor(program, command);
  checkWords(words, command, complain);
  if (command.name === 'completion') return { kind: 'completion', shell: given[0] as (typeof shells)[number] };
  checkStandardInput(given, io, complain);
  const values = new Values(words, complain);
  const call = callOf(command.name as Verb, given, values, complain);
  const presentation = presentationOf(values);
  if (writesBundle(call)) checkStandardOutput(presentation, io, complain);
  return { kind: 'call', call, presentation };
}

/** Whether standard output will be the bundle itself, and nothing else may be printed there. */
export const writesBundle = ({ options }: { readonly options: OptionsOf<Verb> }): boolean =>
  'output' in options && options.output === '-' && !('dryRun' in options && options.dryRun === true);

/** For command lines that cannot be taken apart. */
const likelyCommand = (argv: readonly string[]): CommandSpec | undefined =>
  commandTable.find((command) => argv.includes(command.name));

function split(argv: readonly string[], complain: Complain): Words {
  const all: OptionSpec[] = [{ name: 'version', type: 'flag', group: 'General', text: '' }];
  for (const { options } of commandTable) {
    for (const option of options) if (!all.some((known) => known.name === option.name)) all.push(option);
  }
  try {
    return splitWords(argv, all);
  } catch (error) {
    if (!(error instanceof MissingValueError)) throw error;
    throw complain(`${spell(error.option)} needs a value`);
  }
}

function callOf(verb: Verb, given: readonly string[], values: Values, complain: Complain): Call {
  const options = values.sourceOptions(given);
  const [first = '', second] = given;
  switch (verb) {
    case 'pack':
      needSource(verb, given, values, complain);
      return { verb, options: packOptions(options, values, complain) };
    case 'load':
      needSource(verb, given, values, complain);
      return {
        verb,
        options: compact({ ...options, receipt: values.text('receipt'), dryRun: flag(values, 'dry-run') }),
      };
    case 'send':
      return { verb, options: sendOptions(options, values, complain) };
    case 'list':
      needSource(verb, given, values, complain);
      return { verb, options };
    case 'verify':
      needSource(verb, given, values, complain);
      return {
        verb,
        options: compact({
          ...options,
          allowedSigners: values.text('allowed-signers'),
          sample: values.percent('sample'),
          since: values.time('since'),
        }),
      };
    case 'inspect':
      return { verb, options: compact({ ...options, sources: [first], name: second }) };
    case 'prune':
      return { verb, options: pruneOptions(first, values) };
    case 'inventory':
      return { verb, options: inventoryOptions(options, values, complain) };
    case 'diff': {
      const { engine, only, platforms, with: more, ssh, remoteEngine } = options;
      return {
        verb,
        options: compact({ a: first, b: second ?? '', engine, only, platforms, with: more, ssh, remoteEngine }),
      };
    }
  }
}

function inventoryOptions(
  { sources, engine, ssh, remoteEngine }: SourceOptions,
  values: Values,
  complain: Complain,
): InventoryOptions {
  if (sources.length > 1) {
    const hint = 'Write a file for each; pack takes --base as often as there are places.';
    throw complain(`inventory takes one place, not ${String(sources.length)}`, hint);
  }
  // Standard output is where it goes anyway.
  const output = values.text('output') === '-' ? undefined : values.text('output');
  return compact({ sources, engine, ssh, remoteEngine, compact: flag(values, 'compact'), output });
}

function packOptions(options: SourceOptions, values: Values, complain: Complain): PackOptions {
  const output = values.text('output');
  if (output === undefined) throw complain('pack needs -o OUT', 'Name the output, for example -o release.tar.zst');
  return compact({
    ...options,
    output,
    format: values.choice('format', formats),
    level: values.level(),
    dryRun: flag(values, 'dry-run'),
    base: values.list('base'),
    for: values.choices('for', storeKinds),
    volumeBytes: values.volumeSize(),
    pause: flag(values, 'pause'),
    resume: flag(values, 'resume'),
    verify: flag(values, 'verify'),
    kit: flag(values, 'kit'),
    sign: values.text('sign'),
  });
}

function pruneOptions(archive: string, values: Values): PruneOptions {
  return compact({
    archive,
    keepLast: values.whole('keep-last', 1),
    keep: values.list('keep'),
    keepWithinHours: values.hours('keep-within'),
    dryRun: flag(values, 'dry-run'),
  });
}

function sendOptions(options: SourceOptions, values: Values, complain: Complain): SendOptions {
  const to = values.hosts();
  const clean = flag(values, 'clean');
  if (clean === undefined) needSource('send', options.sources, values, complain);
  else refuseSource(options, complain);
  return compact({
    ...options,
    to,
    jobs: values.whole('jobs', 1),
    retries: values.whole('retries', 0),
    checkpointBytes: values.size('checkpoint'),
    compress: values.compression(),
    limitRate: values.rate('limit-rate'),
    keepPrevious: values.previousName(),
    dryRun: flag(values, 'dry-run'),
    clean,
    receipt: values.text('receipt'),
  });
}

function refuseSource({ sources, sourceFiles = [], composeFiles = [] }: SourceOptions, complain: Complain): void {
  const [first] = [...sources, ...sourceFiles, ...composeFiles];
  if (first === undefined) return;
  throw complain(`--clean sends nothing, but a SOURCE is given: "${printable(first, 100)}"`);
}

const flag = (values: Values, name: string): true | undefined => (values.has(name) ? true : undefined);

const presentationOf = (values: Values): Presentation => ({
  json: values.has('json'),
  quiet: values.has('quiet'),
  progress: values.choice('progress', progressModes) ?? 'auto',
});

function needSource(verb: Verb, given: readonly string[], values: Values, complain: Complain): void {
  if (given.length > 0 || values.has('from-file') || values.has('compose')) return;
  throw complain(`${verb} needs a SOURCE: a file, a folder, an image name, or - for standard input`);
}

function checkStandardInput(given: readonly string[], io: Surroundings['io'], complain: Complain): void {
  const count = given.filter((word) => word === '-').length;
  if (count > 1) throw complain('standard input can be read once only, but - is given more than once');
  if (count === 1 && io.stdinIsTerminal) {
    throw complain('standard input is a terminal', 'Pipe an archive in: docker save app:1.0 | ferry list -');
  }
}

function checkStandardOutput(presentation: Presentation, io: Surroundings['io'], complain: Complain): void {
  if (io.stdout.isTTY === true) {
    throw complain('a bundle is not written to a terminal', 'Name a file (-o release.tar), or pipe it into a program.');
  }
  if (presentation.json) {
    throw complain('--json and -o - both want standard output', 'Write the bundle to a file, or leave --json out.');
  }
}
