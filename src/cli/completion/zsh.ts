import { type OptionSpec } from '../parser/table.js';
import { type CompletedCommand, completedCommands, gist, spellings, valueWords } from './facts.js';

export function zshScript(): string {
  const commands = completedCommands();
  const list = commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`).join('\n');
  return `#compdef ferry
# zsh completion for ferry
_ferry() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands
  commands=(
${list}
  )
  _arguments -C '--help[Show help]' '--version[Show the version]' '1:command:->command' '*::argument:->argument' && return
  case $state in
    command) _describe -t commands command commands ;;
    argument)
      case $words[1] in
${commands.map(commandCase).join('\n')}
      esac ;;
  esac
}
# Both ways to use it: from a folder in $fpath, and by source <(ferry completion zsh).
if [[ $funcstack[1] == _ferry ]]; then _ferry "$@"; else compdef _ferry ferry; fi
`;
}

function commandCase({ name, options, file, choices }: CompletedCommand): string {
  const specs = options.flatMap(optionSpecs);
  const words = file ? "'*:source:_files'" : quote(`1:shell:(${choices.join(' ')})`);
  return `        ${name}) _arguments -s ${[...specs, words].join(' \\\n          ')} ;;`;
}

function optionSpecs(option: OptionSpec): string[] {
  const text = gist(option).replace(/[[\]:]/g, '');
  const value = option.type === 'flag' ? '' : `:${option.value ?? 'value'}:${actionOf(option)}`;
  const others = option.type === 'list' ? '*' : `(${spellings(option).join(' ')})`;
  return spellings(option).map((spelling) => {
    const dash = option.type === 'flag' ? '' : spelling.startsWith('--') ? '=' : '+';
    return quote(`${others}${spelling}${dash}[${text}]${value}`);
  });
}

function actionOf(option: OptionSpec): string {
  if (option.file === true) return '_files';
  if (option.host === true) return '_hosts';
  const words = valueWords(option);
  return words.length > 0 ? `(${words.join(' ')})` : ' ';
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
