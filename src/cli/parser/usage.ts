import { TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { commandTable } from './commands.js';
import { mostSimilar } from './similar.js';
import { type CommandSpec, type OptionSpec } from './table.js';
import { type Words } from './words.js';

/** Makes the error for wrong usage; knows which help to name. */
export type Complain = (message: string, hint?: string) => TransferError;

export const complainFor =
  (program: string, command?: CommandSpec): Complain =>
  (message, hint) =>
    new TransferError('USAGE', message, {
      hint: hint ?? [program, command?.name, '--help'].filter((word) => word !== undefined).join(' '),
    });

const quoted = (word: string): string => `"${printable(word, 100)}"`;
/** An option as it was most likely written. */
export const spell = (name: string): string => `${/^.(\.|$)/.test(name) ? '-' : '--'}${printable(name, 60)}`;
const orElse = (guess: string | undefined): string => (guess === undefined ? '' : `; did you mean ${guess}?`);

export function unknownCommand(word: string, complain: Complain): TransferError {
  const guess = mostSimilar(
    word,
    commandTable.map((command) => command.name),
  );
  return complain(`there is no command ${quoted(word)}${orElse(guess)}`);
}

/** The error for a command line of options only. */
export function noCommand(words: Words, complain: Complain): TransferError {
  const known = ['version', ...commandTable.flatMap((command) => command.options.map((option) => option.name))];
  const odd = [...words.values.keys()].find((name) => !known.includes(name));
  if (odd === undefined) return complain('no command is named');
  const guess = mostSimilar(odd, known);
  return complain(`unknown option ${spell(odd)}${orElse(guess === undefined ? undefined : `--${guess}`)}`);
}

/** Throws on the first option or word that `command` does not take. */
export function checkWords(words: Words, command: CommandSpec, complain: Complain): void {
  for (const [name, values] of words.values) {
    const option = command.options.find((candidate) => candidate.name === name);
    if (option === undefined) throw unknownOption(name, command, complain);
    checkValues(option, values, complain);
  }
  const { min, max, choices } = command.words;
  const given = words.positionals.slice(1);
  if (given.length < min) throw complain(`${command.name} needs ${command.usage}`);
  const extra = given[max];
  if (extra !== undefined) throw complain(`${command.name} takes ${command.usage}; ${quoted(extra)} is too much`);
  const odd = given.find((word) => word === '' || (choices !== undefined && !choices.includes(word)));
  if (odd === '') throw complain('a SOURCE is empty');
  if (odd !== undefined) throw complain(`${quoted(odd)} is not one of ${choices?.join(', ') ?? ''}`);
}

function unknownOption(name: string, command: CommandSpec, complain: Complain): TransferError {
  const shown = spell(name);
  const homes = commandTable.filter((other) => other.options.some((option) => option.name === name));
  if (homes.length > 0) {
    return complain(`${shown} is an option of ${homes.map((home) => home.name).join(', ')}, not of ${command.name}`);
  }
  const names = command.options.flatMap((option) => [
    option.name,
    ...(option.alias === undefined ? [] : [option.alias]),
  ]);
  const guess = name.length === 1 ? undefined : mostSimilar(name, names);
  return complain(`unknown option ${shown}${orElse(guess === undefined ? undefined : `--${guess}`)}`);
}

function checkValues(option: OptionSpec, values: readonly string[], complain: Complain): void {
  if (option.type === 'flag') return;
  const label = `--${option.name}`;
  if (values.length === 0 || values.includes('')) throw complain(`${label} needs a value`);
  if (option.type === 'value' && values.length > 1) throw complain(`${label} is given ${String(values.length)} times`);
  const odd = values.find((value) => option.choices !== undefined && !option.choices.includes(value));
  if (odd === undefined) return;
  const guess = mostSimilar(odd, option.choices ?? []);
  throw complain(`${label} is one of ${option.choices?.join(', ') ?? ''}, not ${quoted(odd)}${orElse(guess)}`);
}
