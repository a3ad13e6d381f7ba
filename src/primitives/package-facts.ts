import { readFileSync } from 'node:fs';

interface PackageFacts {
  readonly version: string;
  readonly description: string;
}

/** From package.json, which lies two folders up from here, in src and in dist. */
export function packageFacts(): PackageFacts {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as PackageFacts;
}
