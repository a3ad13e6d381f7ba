import { type OptionSpec } from '../parser/table.js';
import { allOptions, completedCommands, spellings, valueWords } from './facts.js';

/** The names of Host lines, without patterns; compgen expands its words, so nothing but plain names may reach it. */
const CONFIGURED_HOSTS = 'tolower($1) == "host" { for (i = 2; i <= NF; i++) if ($i ~ /^[A-Za-z0-9._@-]+$/) print $i }';

/** Works without the bash-completion package, and with bash 3.2. */
export function bashScript(): string {
  const names = completedCommands().map((command) => command.name);
  return `# bash completion for ferry
_ferry_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$1"))
}

_ferry_hosts() {
  COMPREPLY=($(compgen -W "$(awk '${CONFIGURED_HOSTS}' ~/.ssh/config 2>/dev/null)" -- "$1"))
}

_ferry() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= word i
  # bash cuts --option=value into three words
  if [[ $current == = ]]; then current=; elif [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in ${names.join('|')}) command=$word; break ;; esac
  done
  COMPREPLY=()
  case $previous in
${optionCases()}
  esac
  case $command in
    '') COMPREPLY=($(compgen -W '${[...names, '--help', '--version'].join(' ')}' -- "$current")) ;;
${commandCases()}
  esac
}
complete -F _ferry ferry
`;
}

function optionCases(): string {
  return allOptions()
    .filter((option) => option.type !== 'flag')
    .map((option) => {
      const action = actionOf(option);
      return `    ${spellings(option).join('|')}) ${action === '' ? '' : `${action}; `}return ;;`;
    })
    .join('\n');
}

function actionOf(option: OptionSpec): string {
  if (option.file === true) return '_ferry_files "$current"';
  if (option.host === true) return '_ferry_hosts "$current"';
  const words = valueWords(option);
  return words.length === 0 ? '' : `COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$current"))`;
}

function commandCases(): string {
  return completedCommands()
    .map(({ name, options, file, choices }) => {
      const dashed = options.flatMap(spellings).join(' ');
      const words = file ? '_ferry_files "$current"' : `COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$current"))`;
      return `    ${name})
      case $current in
        -*) COMPREPLY=($(compgen -W '${dashed}' -- "$current")) ;;
        *) ${words} ;;
      esac ;;`;
    })
    .join('\n');
}
