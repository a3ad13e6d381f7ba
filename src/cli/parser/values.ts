import { type SourceOptions } from '../../commands/options.js';
import { parsePlatform } from '../../model/platform.js';
import { isTransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { conflictRules, layerForms } from './options.js';
import { type Complain } from './usage.js';
import { type Words } from './words.js';

/** Values by type, `undefined` where nothing was given. */
export class Values {
  readonly #words: Words;
  readonly #complain: Complain;

  constructor(words: Words, complain: Complain) {
    this.#words = words;
    this.#complain = complain;
  }

  has(name: string): boolean {
    return this.#words.values.has(name);
  }

  text(name: string): string | undefined {
    return this.#words.values.get(name)?.[0];
  }

  /** The value of an option whose choices the table has checked. */
  choice<const T extends string>(name: string, choices: readonly T[]): T | undefined {
    return choices.find((choice) => choice === this.text(name));
  }

  list(name: string): readonly string[] | undefined {
    return this.#words.values.get(name);
  }

  level(): number | undefined {
    const text = this.text('level');
    if (text === undefined) return undefined;
    if (/^([1-9]|1\d)$/.test(text)) return Number(text);
    throw this.#complain(`--level is a whole number from 1 to 19, not "${printable(text, 40)}"`);
  }

  renames(): readonly string[] | undefined {
    const odd = this.list('rename')?.find((pair) => !/^[^=]+=[^=]+$/.test(pair));
    if (odd !== undefined) throw this.#complain(`--rename takes OLD=NEW, not "${printable(odd, 100)}"`);
    return this.list('rename');
  }

  platforms(): readonly string[] | undefined {
    try {
      this.list('platform')?.forEach(parsePlatform);
    } catch (error) {
      throw isTransferError(error) ? this.#complain(error.message, error.hint) : error;
    }
    return this.list('platform');
  }

  /** Everything that says which images are meant; keys without a value are left out. */
  sourceOptions(sources: readonly string[]): SourceOptions {
    return compact({
      sources,
      engine: this.text('engine'),
      only: this.list('only'),
      platforms: this.platforms(),
      onConflict: this.choice('on-conflict', conflictRules),
      rename: this.renames(),
      sourceFiles: this.list('from-file'),
      composeFiles: this.list('compose'),
      layers: this.choice('layers', layerForms),
    });
  }
}

/** Without the keys whose value is undefined. */
export function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T;
}
