import { exitTable } from '../exit-codes.js';
import { wrap } from '../render/text.js';
import { commandTable, sourceForms } from './commands.js';
import { type CommandSpec, groups, optionLabel, type OptionSpec } from './table.js';

const WIDTH = 80;

export function helpText(command: CommandSpec | undefined, program: string): string {
  const lines = command === undefined ? overview(program) : commandHelp(command, program);
  return `${lines.join('\n').replaceAll('$0', program)}\n`;
}

function overview(program: string): string[] {
  return [
    'Carries container images where there is no registry: one file, every layer once,',
    'every byte checked, and any engine loads it.',
    '',
    `Usage: ${program} COMMAND ...`,
    '',
    ...definitions(commandTable.map(({ name, summary }) => [name, summary])),
    '',
    'By USB drive, to a site without a registry:',
    '  $0 pack app:1.0 db:2.1 -o release.tar.zst      here',
    '  $0 load release.tar.zst                        there, with ferry',
    '  zstd -dc release.tar.zst | docker load            there, without it',
    '',
    'Before it leaves:',
    '  $0 verify release.tar.zst',
    '',
    'Into an archive of releases (an OCI layout; only new layers are added):',
    '  $0 pack app:1.1 -o archive/',
    '',
    'Over SSH, straight into the engine there, only what it lacks:',
    '  $0 send app:1.4 --to deploy@prod-1',
    '',
    'A SOURCE is',
    ...definitions(sourceForms),
    '',
    `More: ${program} COMMAND --help, ${program} --version`,
  ].map((line) => alignComment(line, program));
}

/** Comments behind example lines stay in one column, whatever the length of the program's name. */
function alignComment(line: string, program: string): string {
  const [, code, comment] = /^( {2}\S.*?) {4,}(\S.*)$/.exec(line) ?? [];
  if (code === undefined || comment === undefined || !/here|there/.test(comment)) return line;
  return `${code.replaceAll('$0', program).padEnd(56)}${comment}`;
}

function commandHelp(command: CommandSpec, program: string): string[] {
  const sections = groups.flatMap((group) => {
    const options = command.options.filter((option) => option.group === group);
    return options.length === 0 ? [] : ['', `${group}:`, ...options.flatMap(optionHelp)];
  });
  const examples = command.examples.flatMap(({ line, text }) => [`  # ${text}`, `  ${line}`]);
  return [
    `Usage: ${program} ${command.name} ${command.usage}${command.options.length > 1 ? ' [OPTIONS]' : ''}`,
    '',
    ...[capital(command.summary) + '.', ...command.about].flatMap((text) => wrap(text, WIDTH)),
    ...sections,
    '',
    'Examples:',
    ...examples,
    ...(command.name === 'completion' ? [] : ['', 'Exit status:', ...statusLines()]),
  ];
}

const statusLines = (): string[] => definitions(exitTable().map(({ status, meaning }) => [status, meaning]));

function optionHelp(option: OptionSpec): string[] {
  const label = option.short === undefined ? `    ${optionLabel(option)}` : optionLabel(option);
  const choices = option.choices === undefined ? '' : ` One of: ${option.choices.join(', ')}.`;
  return definitions([[label, `${option.text}${choices}`]], 25);
}

/** Terms on the left, wrapped texts on the right. */
function definitions(rows: readonly (readonly [string, string])[], fixed?: number): string[] {
  const column = fixed ?? Math.max(...rows.map(([term]) => term.length)) + 4;
  return rows.flatMap(([term, text]) => {
    const lines = wrap(text, WIDTH - column);
    const own = term.length + 4 > column ? [`  ${term}`] : [];
    const [first = '', ...rest] = lines;
    const head = own.length > 0 ? ' '.repeat(column) : `  ${term}`.padEnd(column);
    return [...own, `${head}${first}`, ...rest.map((line) => `${' '.repeat(column)}${line}`)];
  });
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
