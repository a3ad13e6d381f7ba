import { isObject, parseJson } from '../../model/json.js';
import { type Digest, parseDigest } from '../../primitives/digest.js';
import { printable } from '../../primitives/printable.js';
import { STATEMENT_SCHEMA } from '../kit/names.js';
import { malformed } from './wire.js';

/** What the signer says of a bundle (docs/kit.md, `bundle.json`), as far as it can be compared with what is there. */
export interface Statement {
  /** File name of the bundle; of volumes without their number. */
  readonly bundle: string;
  /** Its identity, `SourceFacts.lists`. */
  readonly lists: Digest;
}

/** @throws TransferError BAD_ARCHIVE, LIMIT */
export function parseStatement(bytes: Uint8Array, where: string): Statement {
  const statement = parseJson(bytes, where);
  if (!isObject(statement)) throw malformed(where, 'expected a JSON object');
  const { schema, bundle, lists } = statement;
  if (schema !== STATEMENT_SCHEMA) {
    throw malformed(where, `expected the schema ${STATEMENT_SCHEMA}, found ${printable(JSON.stringify(schema), 60)}`);
  }
  if (typeof bundle !== 'string') throw malformed(where, 'bundle: expected a file name');
  return { bundle, lists: parseDigest(lists, `${where}: lists`) };
}
