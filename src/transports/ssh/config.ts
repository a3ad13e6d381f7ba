import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import SshConfig, { type Line } from 'ssh-config';
import { ioError, systemCodeOf, TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { matchesList, matchesPattern } from '../../primitives/patterns.js';

/** A value of a config file, and the file it stands in. */
export interface Setting {
  readonly words: readonly string[];
  readonly file: string;
}

/** Whom the settings are looked up for. */
export interface Lookup {
  /** The host as the user wrote it. */
  readonly host: string;
  readonly user: string | undefined;
  readonly localUser: string;
  readonly home: string;
}

export interface ConfigFile {
  readonly path: string;
  /** Whether it is an error when it is not there. */
  readonly required: boolean;
  /** Where relative names of `Include` start. */
  readonly folder: string;
}

const rivals: Readonly<Record<string, string>> = { proxyjump: 'proxycommand', proxycommand: 'proxyjump' };

/** As deep as OpenSSH goes. */
const MAX_DEPTH = 16;

/**
 * What config files say of one host: the first value wins (ssh_config(5)); only identity files gather. `Match` knows
 * `all`, `host`, `originalhost`, `user` and `localuser`; blocks with anything else do not apply, and are noted.
 */
export class ConfigReader {
  readonly notes = new Set<string>();
  readonly #lookup: Lookup;
  readonly #values = new Map<string, Setting[]>();

  constructor(lookup: Lookup) {
    this.#lookup = lookup;
  }

  /** The first value of a keyword (in lower case). */
  first(keyword: string): Setting | undefined {
    return this.#values.get(keyword)?.[0];
  }

  /** All values of a keyword that may be given several times. */
  all(keyword: string): readonly Setting[] {
    return this.#values.get(keyword) ?? [];
  }

  /** @throws TransferError NOT_FOUND, IO or USAGE, naming the file */
  read(file: ConfigFile, depth = 0): void {
    if (depth > MAX_DEPTH) {
      throw new TransferError('USAGE', `${file.path}: Include goes deeper than ${String(MAX_DEPTH)} files`);
    }
    const text = textOf(file);
    if (text !== undefined) this.#apply(parse(text, file.path), file, depth);
  }

  #apply(lines: readonly Line[], file: ConfigFile, depth: number): void {
    for (const line of lines) {
      if (!('param' in line)) continue;
      const keyword = line.param.toLowerCase();
      const words = wordsOf(line.value);
      // The parser looks for a missing value on the next line.
      if (words.length === 0 || /[\r\n]/.test(line.separator))
        throw unreadable(file.path, `${line.param} has no value`);
      if (keyword === 'host') {
        if (matchesList(words, this.#lookup.host)) this.#apply(sectionOf(line), file, depth);
      } else if (keyword === 'match') {
        if (this.#matches(words, file)) this.#apply(sectionOf(line), file, depth);
      } else if (keyword === 'include') {
        for (const word of words) this.#include(word, file, depth);
      } else {
        this.#set(keyword, { words, file: file.path });
      }
    }
  }

  #set(keyword: string, setting: Setting): void {
    // Of the two ways through something else, the first one counts (ssh_config(5), ProxyJump).
    const rival = rivals[keyword];
    if (rival !== undefined && this.#values.has(rival)) return;
    const known = this.#values.get(keyword);
    if (known === undefined) this.#values.set(keyword, [setting]);
    else if (keyword === 'identityfile') known.push(setting);
  }

  #include(word: string, file: ConfigFile, depth: number): void {
    const home = word.startsWith('~/') ? path.join(this.#lookup.home, word.slice(2)) : word;
    for (const found of expandGlob(path.resolve(file.folder, home))) {
      this.read({ path: found, required: false, folder: file.folder }, depth + 1);
    }
  }

  #matches(words: readonly string[], file: ConfigFile): boolean {
    for (let at = 0; at < words.length; at++) {
      const word = words[at] ?? '';
      const negated = word.startsWith('!');
      const criterion = word.slice(negated ? 1 : 0).toLowerCase();
      const subject = this.#subject(criterion);
      if (subject === undefined) {
        this.notes.add(`${file.path}: Match ${printable(criterion)} is not evaluated; that block does not apply`);
        return false;
      }
      if (subject !== true) at++;
      const holds = subject === true || matchesList((words[at] ?? '').split(','), subject);
      if (holds === negated) return false;
    }
    return true;
  }

  /** What a criterion's patterns are compared with; true: it needs none; undefined: not known. */
  #subject(criterion: string): string | true | undefined {
    const { host, user, localUser } = this.#lookup;
    switch (criterion) {
      case 'all':
        return true;
      case 'host':
        return (this.first('hostname')?.words[0] ?? '%h').replaceAll('%h', host);
      case 'originalhost':
        return host;
      case 'user':
        return user ?? this.first('user')?.words[0] ?? localUser;
      case 'localuser':
        return localUser;
      default:
        return undefined;
    }
  }
}

function textOf(file: ConfigFile): string | undefined {
  try {
    return readFileSync(file.path, 'utf8');
  } catch (error) {
    const code = systemCodeOf(error);
    if (!file.required && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined;
    throw ioError(error, `the SSH config file ${file.path}`);
  }
}

function parse(text: string, file: string): readonly Line[] {
  try {
    return SshConfig.parse(text);
  } catch (error) {
    const why = error instanceof Error && !(error instanceof TypeError) ? error.message : 'a keyword has no value';
    throw unreadable(file, why, error);
  }
}

function unreadable(file: string, why: string, cause?: unknown): TransferError {
  return new TransferError('USAGE', `the SSH config file ${file} cannot be read: ${printable(why)}`, {
    hint: 'Correct it, or name another one with -F.',
    cause,
  });
}

function wordsOf(value: string | readonly { readonly val: string }[]): readonly string[] {
  const words = typeof value === 'string' ? [value] : value.map(({ val }) => val);
  return words.filter((word) => word !== '');
}

function sectionOf(line: Line): readonly Line[] {
  return 'config' in line ? line.config : [];
}

/** The files that a path with `*` and `?` names, sorted; a path without any is itself. */
function expandGlob(pattern: string): readonly string[] {
  let found = [path.parse(pattern).root];
  for (const part of pattern.slice(found[0]?.length).split(path.sep)) {
    found = found.flatMap((folder) => {
      if (!/[*?]/.test(part)) return [path.join(folder, part)];
      return namesIn(folder)
        .filter((name) => (!name.startsWith('.') || part.startsWith('.')) && matchesPattern(part, name))
        .map((name) => path.join(folder, name));
    });
  }
  return found;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
