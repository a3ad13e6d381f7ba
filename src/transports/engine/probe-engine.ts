import { parseJson } from '../../model/json.js';
import { type Client } from './client.js';
import { ctrEngineFrom } from './ctr.js';
import { type Engine } from './engine.js';
import { engineFrom } from './identify.js';
import { type ClientKind } from './probe-words.js';

/** The two questions that a client is asked to tell what it is, as arguments. */
export function questionsTo(kind: ClientKind): readonly [readonly string[], readonly string[]] {
  if (kind === 'ctr') return [['version'], ['plugins', 'ls']];
  const json = ['--format', '{{json .}}'];
  return [
    ['version', ...json],
    ['info', ...json],
  ];
}

/** An engine from the standard outputs of the answers; undefined when they do not tell of one. */
export function engineOf(kind: ClientKind, client: Client, version: string, info: string): Engine | undefined {
  if (kind === 'ctr') return ctrEngineFrom(client, version, info);
  return engineFrom(client, documentOf(version), documentOf(info));
}

/** Whatever a client printed: with a daemon that is down, Docker 20 prints JSON and `null` for the server. */
function documentOf(text: string): ReturnType<typeof parseJson> {
  try {
    return parseJson(Buffer.from(text), 'the answer');
  } catch {
    return null;
  }
}
