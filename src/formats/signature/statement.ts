import { isArray, isObject, parseJson } from '../../model/json.js';
import { type Digest, parseDigest } from '../../primitives/digest.js';
import { printable } from '../../primitives/printable.js';
import { malformed } from './wire.js';

const SCHEMA = 'image-ferry.statement/1';

/** What the signer says of a bundle (docs/kit.md, `bundle.json`), as far as it can be compared with what is there. */
export interface Statement {
  /** File name of the bundle; of volumes without their number. */
  readonly bundle: string;
  /** sha256 of its tar. */
  readonly tar: Digest;
  /** Its identity, `SourceFacts.lists`. */
  readonly lists: Digest;
  /** Of a thin bundle: the identities of its bases. */
  readonly bases: readonly Digest[];
}

/** @throws TransferError BAD_ARCHIVE, LIMIT */
export function parseStatement(bytes: Uint8Array, where: string): Statement {
  const statement = parseJson(bytes, where);
  if (!isObject(statement)) throw malformed(where, 'expected a JSON object');
  const { schema, bundle, tar, lists, bases } = statement;
  if (schema !== SCHEMA) {
    throw malformed(where, `expected the schema ${SCHEMA}, found ${printable(JSON.stringify(schema), 60)}`);
  }
  if (typeof bundle !== 'string') throw malformed(where, 'bundle: expected a file name');
  if (!isArray(bases)) throw malformed(where, 'bases: expected a list');
  return {
    bundle,
    tar: parseDigest(tar, `${where}: tar`),
    lists: parseDigest(lists, `${where}: lists`),
    bases: bases.map((base) => parseDigest(isObject(base) ? base['digest'] : undefined, `${where}: bases`)),
  };
}
