import yargs from 'yargs';
import { type OptionSpec } from './table.js';

/** A command line taken apart, nothing judged yet. */
export interface Words {
  readonly positionals: readonly string[];
  /** By long name; flags are `[]`, options hold every value that was given, in order. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

/** yargs names an option by whichever of its names was used. */
export class MissingValueError extends Error {
  readonly option: string;
  constructor(option: string) {
    super(`${option} needs a value`);
    this.option = option;
  }
}

/**
 * Splits a command line into words and option values. Every text stays as it is: no numbers, no dots, no `--no-x`,
 * because names and paths may look like any of these.
 */
export function splitWords(argv: readonly string[], options: readonly OptionSpec[]): Words {
  const parser = yargs([...argv])
    .locale('en')
    .help(false)
    .version(false)
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      const option = /following: (\S+)/.exec(message ?? '')?.[1];
      throw option === undefined ? (error ?? new Error(message ?? 'wrong usage')) : new MissingValueError(option);
    })
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'populate--': true,
      'strip-aliased': true,
    })
    .options(Object.fromEntries(options.map((option) => [option.name, definition(option)])));
  const parsed = parser.parseSync() as Record<string, unknown>;
  const given = Object.entries(parsed).filter(([name, value]) => !ownKeys.has(name) && value !== false);
  return {
    positionals: [...texts(parsed['_']), ...texts(parsed['--'])],
    values: new Map(given.filter(([, value]) => value !== undefined).map(([name, value]) => [name, texts(value)])),
  };
}

/** What yargs adds to the options. */
const ownKeys = new Set(['_', '--', '$0']);

function definition(option: OptionSpec): {
  type: 'boolean' | 'string';
  alias: string[];
  array: boolean;
  nargs?: number;
} {
  const alias = [option.short, option.alias].filter((name) => name !== undefined);
  if (option.type === 'flag') return { type: 'boolean', alias, array: false };
  return { type: 'string', alias, array: option.type === 'list', nargs: 1 };
}

function texts(value: unknown): string[] {
  if (value === undefined || typeof value === 'boolean') return [];
  return (Array.isArray(value) ? (value as unknown[]) : [value]).map(String);
}
