import { type OptionSpec } from '../parser/table.js';
import { completedCommands, gist, valueWords } from './facts.js';

export function fishScript(): string {
  const commands = completedCommands();
  const names = commands.map((command) => command.name).join(' ');
  const lines = commands.flatMap(({ name, summary, options, file, choices }) => {
    const when = `-n '__fish_seen_subcommand_from ${name}'`;
    const words = choices.length === 0 ? [] : [`complete -c ferry ${when} -f -a '${choices.join(' ')}'`];
    const files = file ? [`complete -c ferry ${when} -F`] : [];
    return [
      `complete -c ferry -n "not __fish_seen_subcommand_from $ferry_commands" -a ${name} -d ${quote(summary)}`,
      ...files,
      ...words,
      ...options.map((option) => `complete -c ferry ${when} ${optionWords(option)}`),
    ];
  });
  return `# fish completion for ferry
set -l ferry_commands ${names}
complete -c ferry -n "not __fish_seen_subcommand_from $ferry_commands" -f
complete -c ferry -n "not __fish_seen_subcommand_from $ferry_commands" -l help -d 'Show help'
complete -c ferry -n "not __fish_seen_subcommand_from $ferry_commands" -l version -d 'Show the version'
${lines.join('\n')}
`;
}

function optionWords(option: OptionSpec): string {
  const short = option.short === undefined ? '' : `-s ${option.short} `;
  const alias = option.alias === undefined ? '' : `-l ${option.alias} `;
  return `${short}-l ${option.name} ${alias}${valueOf(option)}-d ${quote(gist(option))}`;
}

function valueOf(option: OptionSpec): string {
  if (option.type === 'flag') return '';
  if (option.file === true) return '-r -F ';
  if (option.host === true) return "-x -a '(__fish_print_hostnames)' ";
  const words = valueWords(option);
  return words.length > 0 ? `-x -a '${words.join(' ')}' ` : '-x ';
}

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
