/** The shape of the tables from which parsing, help, completion and docs/cli.md are all made. */

export type Group =
  | 'Hosts'
  | 'Sending'
  | 'Rules'
  | 'Output'
  | 'Thin bundles'
  | 'Media'
  | 'Which images'
  | 'Sources'
  | 'SSH'
  | 'Engine'
  | 'General';

/** In the order in which help shows them. */
export const groups: readonly Group[] = [
  'Hosts',
  'Sending',
  'Rules',
  'Output',
  'Thin bundles',
  'Media',
  'Which images',
  'Sources',
  'SSH',
  'Engine',
  'General',
];

export interface OptionSpec {
  readonly name: string;
  readonly short?: string;
  readonly alias?: string;
  readonly type: 'flag' | 'value' | 'list';
  /** What help calls the value. */
  readonly value?: string;
  readonly choices?: readonly string[];
  /** Completion offers file names. */
  readonly file?: boolean;
  /** Completion offers the hosts of the SSH config file. */
  readonly host?: boolean;
  readonly text: string;
  readonly group: Group;
}

export interface Example {
  /** A shell line; `$0` stands for `ferry` or `docker ferry`. */
  readonly line: string;
  readonly text: string;
}

export interface CommandSpec {
  readonly name: string;
  readonly usage: string;
  /** One line in the list of commands. */
  readonly summary: string;
  /** Below the usage line; paragraphs. */
  readonly about: readonly string[];
  readonly words: {
    readonly min: number;
    readonly max: number;
    readonly file: boolean;
    readonly choices?: readonly string[];
  };
  readonly options: readonly OptionSpec[];
  readonly examples: readonly Example[];
}

/** `--output`, or `-o` where the long form would hide that there is one. */
export const optionLabel = (option: OptionSpec): string => {
  const names = [`--${option.name}`, ...(option.alias === undefined ? [] : [`--${option.alias}`])];
  const all = option.short === undefined ? names : [`-${option.short}`, ...names];
  return option.value === undefined ? all.join(', ') : `${all.join(', ')} ${option.value}`;
};
