import { commandTable } from '../parser/commands.js';
import { type OptionSpec } from '../parser/table.js';

/** What shells complete: all of it from the parser's table. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionSpec[];
  readonly file: boolean;
  readonly choices: readonly string[];
}

export const completedCommands = (): readonly CompletedCommand[] =>
  commandTable.map(({ name, summary, options, words }) => ({
    name,
    summary,
    options,
    file: words.file,
    choices: words.choices ?? [],
  }));

/** All ways to write an option: `--output`, `-o`. */
export const spellings = (option: OptionSpec): string[] => [
  `--${option.name}`,
  ...(option.alias === undefined ? [] : [`--${option.alias}`]),
  ...(option.short === undefined ? [] : [`-${option.short}`]),
];

/** Every option of any command, once. */
export const allOptions = (): readonly OptionSpec[] => [
  ...new Map(commandTable.flatMap(({ options }) => options.map((option) => [option.name, option]))).values(),
];

/** What options that take anything are mostly given. */
const usualWords: Readonly<Record<string, readonly string[]>> = {
  engine: ['docker', 'podman'],
  compress: ['auto', 'none', 'gzip', 'zstd'],
  'remote-engine': ['docker', 'podman', 'nerdctl', 'ctr'],
  'ssh-program': ['ssh'],
};

/** What may follow an option: fixed words, file names, or something only the user knows. */
export function valueWords(option: OptionSpec): readonly string[] {
  return option.choices ?? usualWords[option.name] ?? [];
}

/** The first sentence, for the shells that show one. */
export const gist = (option: OptionSpec): string =>
  /^.*?[.;:](?= |$)/.exec(option.text)?.[0].slice(0, -1) ?? option.text;
