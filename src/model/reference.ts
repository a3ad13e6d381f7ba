import { TransferError } from '../primitives/errors.js';
import { printable } from '../primitives/printable.js';

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const host =
  '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?';
const grammar = new RegExp(
  `^(?:(${host})/)?(${component}(?:/${component})*)(?::([\\w][\\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$`,
);

const DEFAULT_HOST = 'docker.io';

/**
 * An image name in its full form, as engines store it: `app` is `docker.io/library/app:latest`. The grammar and the
 * defaults are those of Docker's `distribution/reference` (`ParseNormalizedNamed`, `TagNameOnly`).
 * @throws TransferError USAGE when `text` is no image name.
 */
export function normalizeReference(text: string): string {
  const full = tryNormalizeReference(text);
  if (full !== undefined) return full;
  throw new TransferError('USAGE', `not an image name: ${printable(text, 100)}`, {
    hint: 'A name looks like app:1.0 or registry.example/team/app:1.0, in lower case.',
  });
}

/** `normalizeReference`, or undefined when `text` is no image name. */
export function tryNormalizeReference(text: string): string | undefined {
  // 64 hex digits are an image ID to every engine.
  if (text.length > 512 || /^[0-9a-f]{64}$/.test(text)) return undefined;
  const match = grammar.exec(hasHost(text) ? text : `${DEFAULT_HOST}/${text}`);
  const [, host, path, tag, digest] = match ?? [];
  if (host === undefined || path === undefined || path.length + host.length > 255) return undefined;
  return `${repository(host, path)}${suffix(tag, digest)}`;
}

/** Docker takes the first part of a name for a host when it could not be a part of a path, or is `localhost`. */
function hasHost(text: string): boolean {
  const slash = text.indexOf('/');
  const first = slash === -1 ? '' : text.slice(0, slash);
  return /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
}

function repository(host: string, path: string): string {
  const isDefault = host === DEFAULT_HOST || host === 'index.docker.io';
  return isDefault ? `${DEFAULT_HOST}/${path.includes('/') ? path : `library/${path}`}` : `${host}/${path}`;
}

function suffix(tag: string | undefined, digest: string | undefined): string {
  if (digest === undefined) return `:${tag ?? 'latest'}`;
  return `${tag === undefined ? '' : `:${tag}`}@${digest}`;
}

/**
 * The short form that Docker prints: `docker.io/library/app:1.0` is `app:1.0`. It always leads back to `full`: where the
 * first part of the path would pass for a host (`docker.io/localhost/app`), nothing is left out.
 */
export function familiarReference(full: string): string {
  const short = full.replace(/^docker\.io\/(?:library\/(?=[^/]*$))?/, '');
  return short === full || tryNormalizeReference(short) === full ? short : full;
}

/** `docker.io/library/app:1.0@sha256:...` without tag and digest: `docker.io/library/app`. */
export function repositoryOf(full: string): string {
  const name = full.split('@', 1)[0] ?? full;
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name;
}

/**
 * The name without its digest, as engines take it in `RepoTags`: `app:1.0@sha256:...` is `app:1.0`. Undefined for a
 * name that has a digest and no tag: engines make such names from what they pull, and cannot be given them.
 */
export function taggedReference(full: string): string | undefined {
  const at = full.indexOf('@');
  if (at === -1) return full;
  const name = full.slice(0, at);
  return name.lastIndexOf(':') > name.lastIndexOf('/') ? name : undefined;
}
