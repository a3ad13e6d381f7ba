import { type SourceOptions, type WireCompression } from '../../commands/options.js';
import { parsePlatform } from '../../model/platform.js';
import { tryNormalizeReference } from '../../model/reference.js';
import { isTransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { type SshSettings } from '../../transports/ssh/settings.js';
import { readCompression, readHours, readPercent, readSize, readTime, readWhole, whyNoHost } from './amounts.js';
import { conflictRules, layerForms } from './options.js';
import { type Complain } from './usage.js';
import { LEAST_VOLUME, readVolumeSize } from './volume-size.js';
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

  /** The values of a repeatable one, each once. */
  choices<const T extends string>(name: string, choices: readonly T[]): readonly T[] | undefined {
    const given = this.list(name);
    return given && choices.filter((choice) => given.includes(choice));
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

  /** A whole number from `min` to `max`. */
  whole(name: string, min: number, max = Infinity): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = readWhole(text);
    if (value !== undefined && value >= min && value <= max) return value;
    const range = max === Infinity ? `${String(min)} or more` : `from ${String(min)} to ${String(max)}`;
    throw this.#complain(`--${name} is a whole number, ${range}, not "${printable(text, 40)}"`);
  }

  /** Bytes. */
  size(name: string): number | undefined {
    return this.#bytes(name, (text) => text, 'size', '256MiB, 64MB or 1GiB');
  }

  /** Bytes of a volume, or of the medium that is named. */
  volumeSize(): number | undefined {
    const text = this.text('volume-size');
    if (text === undefined) return undefined;
    const bytes = readVolumeSize(text);
    if (bytes !== undefined && bytes >= LEAST_VOLUME) return bytes;
    const shown = `--volume-size ${printable(text, 40)}`;
    throw bytes === undefined
      ? this.#complain(
          `${shown}: no size`,
          'Write a number with a unit (4GiB, 3.9G), or a medium: fat32, cd, dvd, bd25.',
        )
      : this.#complain(
          `${shown}: ${String(bytes)} bytes are too few`,
          `Choose ${String(LEAST_VOLUME)} bytes (1 MiB) or more.`,
        );
  }

  /** Bytes a second. */
  rate(name: string): number | undefined {
    return this.#bytes(name, (text) => text.replace(/\/s$/, ''), 'rate', '2MB/s, 500kB/s or 1MiB/s');
  }

  #bytes(name: string, trim: (text: string) => string, kind: string, examples: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const bytes = readSize(trim(text));
    if (bytes !== undefined && bytes > 0) return bytes;
    throw this.#complain(`--${name} is a ${kind}, such as ${examples}, not "${printable(text, 40)}"`);
  }

  /** How long, in hours. */
  hours(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const hours = readHours(text);
    if (hours !== undefined && hours > 0) return hours;
    throw this.#complain(`--${name} is a time, such as 48h, 30d, 2w, 6m or 1y, not "${printable(text, 40)}"`);
  }

  /** A part of a whole: above 0, up to 100. */
  percent(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const percent = readPercent(text);
    if (percent !== undefined && percent > 0 && percent <= 100) return percent;
    throw this.#complain(`--${name} is a part, such as 10%, not "${printable(text, 40)}"`);
  }

  /** A point in time: a date, or how long ago. */
  time(name: string): Date | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const time = readTime(text);
    if (time !== undefined) return time;
    throw this.#complain(`--${name} is a date or a time ago, such as 2026-11-01 or 7d, not "${printable(text, 40)}"`);
  }

  compression(): WireCompression | undefined {
    const text = this.text('compress');
    if (text === undefined) return undefined;
    const compression = readCompression(text);
    if (compression !== undefined) return compact(compression);
    const expected = 'auto, none, gzip[:1 to 9] or zstd[:1 to 19]';
    throw this.#complain(`--compress is ${expected}, not "${printable(text, 40)}"`);
  }

  /** The hosts to send to. */
  hosts(): readonly string[] {
    const hosts = this.list('to') ?? [];
    if (hosts.length === 0) throw this.#complain('send needs --to HOST', 'Name the host, such as --to deploy@prod-1');
    for (const host of hosts) this.#checkHost('to', host);
    const twice = hosts.find((host, at) => hosts.indexOf(host) !== at);
    if (twice !== undefined) throw this.#complain(`--to ${printable(twice, 100)} is given more than once`);
    return hosts;
  }

  #checkHost(name: string, host: string): void {
    const why = whyNoHost(host);
    if (why !== undefined) throw this.#complain(`--${name} "${printable(host, 100)}" is no host: ${why}`);
  }

  /** A tag or a whole name. */
  previousName(): string | undefined {
    const name = this.text('keep-previous');
    if (name === undefined || /^\w[\w.-]{0,127}$/.test(name) || tryNormalizeReference(name) !== undefined) return name;
    throw this.#complain(`--keep-previous is a tag or a name, not "${printable(name, 100)}"`);
  }

  /** How hosts are reached; undefined when nothing is said about it. */
  ssh(): SshSettings | undefined {
    const jump = this.text('jump');
    if (jump !== undefined) for (const host of jump.split(',')) this.#checkHost('jump', host);
    const settings: SshSettings = compact({
      identityFiles: this.list('identity'),
      port: this.whole('port', 1, 65_535),
      jump,
      configFile: this.text('ssh-config'),
      program: this.text('ssh-program'),
      acceptNewHostKey: this.has('accept-new-host-key') ? true : undefined,
    });
    return Object.keys(settings).length === 0 ? undefined : settings;
  }

  /** Everything that says which images are meant; keys without a value are left out. */
  sourceOptions(sources: readonly string[]): SourceOptions {
    return compact({
      sources,
      with: this.list('with'),
      engine: this.text('engine'),
      only: this.list('only'),
      platforms: this.platforms(),
      onConflict: this.choice('on-conflict', conflictRules),
      rename: this.renames(),
      sourceFiles: this.list('from-file'),
      composeFiles: this.list('compose'),
      layers: this.choice('layers', layerForms),
      ssh: this.ssh(),
      remoteEngine: this.text('remote-engine'),
    });
  }
}

/** Without the keys whose value is undefined. */
export function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T;
}
