import { type WireCompression } from '../../commands/options.js';

/** Powers of 1000 (kB) and of 1024 (KiB). One letter alone means either, depending on who is asked: not taken as it is. */
const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Bytes of `256MiB`, `1.5 GB`, `1000`; undefined: it is no size. */
export function readSize(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text) ?? [];
  const factor = units[unit.toLowerCase()];
  if (number === undefined || factor === undefined) return undefined;
  const bytes = Math.floor(Number(number) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A month is 30 days and a year 365, whichever they are. */
const hoursIn: Readonly<Record<string, number>> = { h: 1, d: 24, w: 7 * 24, m: 30 * 24, y: 365 * 24 };

/** Hours of `48h`, `30d`, `2w`, `6m` (months), `1y`; undefined: it is no time. */
export function readHours(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d{1,6}) ?([hdwmy])$/.exec(text) ?? [];
  const factor = hoursIn[unit];
  return number === undefined || factor === undefined ? undefined : Number(number) * factor;
}

/** `10%`, `12.5 %`, `10`; undefined: it is no percentage. */
export function readPercent(text: string): number | undefined {
  const number = /^(\d{1,3}(?:\.\d{1,4})?) ?%?$/.exec(text)?.[1];
  return number === undefined ? undefined : Number(number);
}

/** A date (`2026-11-01`, here), a time (`2026-11-01T12:00`, `...Z`), or how long ago (`7d`); undefined: it is no time. */
export function readTime(text: string): Date | undefined {
  const hours = readHours(text);
  if (hours !== undefined) return new Date(Date.now() - hours * 3_600_000);
  if (!/^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?$/.test(text)) return undefined;
  // A date alone would be one of Greenwich.
  const time = new Date(text.includes('T') ? text : `${text}T00:00`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** Digits and nothing else, as far as they are exact. */
export function readWhole(text: string): number | undefined {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

const highest: Readonly<Record<WireCompression['kind'], number>> = { auto: 0, none: 0, gzip: 9, zstd: 19 };

/** `auto`, `none`, `gzip`, `zstd`, the last two also with a level. */
export function readCompression(text: string): WireCompression | undefined {
  const [, kind, levelText] = /^(auto|none|gzip|zstd)(?::(\d{1,2}))?$/.exec(text) ?? [];
  if (kind === undefined) return undefined;
  const known = kind as WireCompression['kind'];
  if (levelText === undefined) return { kind: known };
  const level = Number(levelText);
  return level >= 1 && level <= highest[known] ? { kind: known, level } : undefined;
}

/** What keeps `[user@]host[:port]` or `ssh://[user@]host[:port]` from being one; undefined: nothing that can be seen. */
export function whyNoHost(word: string): string | undefined {
  if (word.startsWith('-')) return 'it looks like an option';
  if (/[\s\p{Cc}]/u.test(word)) return 'it has a space in it';
  const bare = word.replace(/^ssh:\/\//, '');
  if (/^[a-z]+:\/\//i.test(bare)) return 'only ssh:// is known';
  if (bare.includes('/')) return 'a host stands alone, without a name or a path behind it';
  const host = bare.slice(bare.lastIndexOf('@') + 1);
  if (host === '' || /^:\d*$/.test(host)) return 'the name of the host is missing';
  if (host.startsWith('-')) return 'it looks like an option';
  return whyNoPort(/^(?:\[.*\]|[^:]*):([^:]*)$/.exec(host)?.[1] ?? '22');
}

function whyNoPort(text: string): string | undefined {
  const port = readWhole(text) ?? 0;
  return port >= 1 && port <= 65_535 ? undefined : 'a port is a number from 1 to 65535';
}
