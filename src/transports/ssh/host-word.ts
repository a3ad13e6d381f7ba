import { TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';

/** A host as the user names it; what is undefined comes from the SSH config file. */
export interface HostWord {
  readonly user?: string | undefined;
  readonly host: string;
  readonly port?: number | undefined;
  /** What messages call it: as the user wrote it, without `ssh://`. */
  readonly label: string;
}

const forms = '[user@]host[:port], ssh://[user@]host[:port], or a name of the SSH config file';

const noUser = /[\s\u0000-\u001f\u007f'"`;|&<>(){}$\\]/;
const hostCharacters = /^[A-Za-z0-9._%:-]+$/;

/**
 * Reads `[user@]host[:port]`, `ssh://[user@]host[:port]` or `[v6]:port`. A bare IPv6 address needs no brackets.
 * @throws TransferError USAGE
 */
export function parseHost(word: string): HostWord {
  const label = word.replace(/^ssh:\/\//i, '').replace(/\/$/, '');
  const at = label.lastIndexOf('@');
  const user = at < 0 ? undefined : label.slice(0, at);
  const { host, port } = splitPort(label.slice(at + 1));
  const fault =
    faultOf(user, host) ?? (port === undefined || isPort(port) ? undefined : `${printable(port)} is no port`);
  if (fault !== undefined) {
    throw new TransferError('USAGE', `${printable(word)}: ${fault}`, {
      hint: label.includes(',') ? 'Name each host on its own.' : `Hosts are written as ${forms}.`,
    });
  }
  return { user, host, port: port === undefined ? undefined : Number(port), label };
}

function faultOf(user: string | undefined, host: string): string | undefined {
  if (host === '') return 'no host is named';
  if (user === '') return 'no user stands before the @';
  if (host.startsWith('-') || user?.startsWith('-') === true) return 'a name that begins with - looks like an option';
  if (!hostCharacters.test(host)) return 'no host has such a name';
  return user === undefined || !noUser.test(user) ? undefined : 'no user has such a name';
}

const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65_536;

function splitPort(text: string): { host: string; port?: string | undefined } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed) return { host: bracketed[1] ?? '', port: bracketed[2] };
  const colon = text.indexOf(':');
  if (colon < 0 || colon !== text.lastIndexOf(':')) return { host: text };
  return { host: text.slice(0, colon), port: text.slice(colon + 1) };
}

/** The hosts of `-J` and `ProxyJump`, nearest first. @throws TransferError USAGE */
export function parseJumps(words: string): readonly HostWord[] {
  return words
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
    .map(parseHost);
}
