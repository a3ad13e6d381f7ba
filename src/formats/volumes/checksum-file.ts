import { frameSizeFor } from '../../codecs/zstd.js';
import { malformed } from '../../model/descriptor.js';
import { isObject, type Json, type JsonObject, parseJson } from '../../model/json.js';
import { type Digest, digestOf, hexOf, parseDigest } from '../../primitives/digest.js';
import { TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { printable } from '../../primitives/printable.js';

const SCHEMA = 'image-ferry.volume/1';
/** Bytes at the start of a volume that have a digest of their own: so that swapped volumes are found at once. */
export const HEAD_BYTES = 4096;

/** What a set of volumes is made from and with: the same of all this gives the same bytes. */
export interface VolumeMaker {
  /** The identity of the bundle: `SourceFacts.lists`. */
  readonly bundle: Digest;
  /** Version of ferry. */
  readonly ferry: string;
  /** Name and version: `zstd 1.5.6`. */
  readonly codec: string;
  readonly level: number;
  /** `tar`, `tar.zst` or `tar.gz`. */
  readonly format: string;
}

export interface Made extends VolumeMaker {
  /** Bytes of content in a frame, at most; 0 where the format has none. */
  readonly frameBytes: number;
  /** Bytes of each volume but the last. */
  readonly volumeBytes: number;
}

/** What a checksum file says of its volume: docs/volumes.md. */
export interface VolumeFacts {
  readonly number: number;
  /** Of its first byte in the whole. */
  readonly offset: number;
  readonly size: number;
  readonly sha256: Digest;
  /** Of its first 4096 bytes. */
  readonly head: Digest;
  readonly made: Made;
  /** Volumes in all: in the checksum file of the last one only. */
  readonly count?: number;
}

/** All that is to be known of the making of a set, with what follows from it. */
export function madeBy({ bundle, ferry, codec, level, format }: VolumeMaker, volumeBytes: number): Made {
  const frameBytes = format === 'tar.zst' ? frameSizeFor(level) : 0;
  return { bundle, ferry, codec, level, format, frameBytes, volumeBytes };
}

/** The same for the same contents, ferry, codec, level, format and volume size. 16 hex digits. */
export const setIdOf = (made: Made): string => hexOf(digestOf(JSON.stringify(made))).slice(0, 16);

/** In what two sets differ: `level 3 (here 19)`; empty: in nothing, they are one set. */
export function differences(there: Made, here: Made): string[] {
  const words: Record<keyof Made, string> = {
    bundle: 'contents',
    ferry: 'ferry',
    codec: 'codec',
    level: 'level',
    format: 'format',
    frameBytes: 'frame size',
    volumeBytes: 'volume size',
  };
  return (Object.keys(words) as (keyof Made)[]).flatMap((key) =>
    there[key] === here[key]
      ? []
      : [`${words[key]} ${printable(String(there[key]), 80)} (not ${printable(String(here[key]), 80)})`],
  );
}

/** The text of a checksum file. Its last line but one is the sha256 of all its other lines. */
export function encodeFacts({ number, offset, size, sha256, head, made, count }: VolumeFacts): string {
  const value = {
    schema: SCHEMA,
    set: setIdOf(made),
    number,
    ...(count !== undefined && { count, total: offset + size }),
    offset,
    size,
    sha256: hexOf(sha256),
    head: hexOf(head),
    made,
  };
  const lines = JSON.stringify({ ...value, checksum: '' }, undefined, 2)
    .split('\n')
    .map((line) => `${line}\n`);
  const end = lines.pop() ?? '';
  lines.pop();
  const rest = lines.join('');
  return `${rest}  "checksum": "${hexOf(digestOf(rest + end))}"\n${end}`;
}

/** @throws TransferError BAD_ARCHIVE when it is no checksum file, or was changed; `where` is its path. */
export function parseFacts(bytes: Uint8Array, where: string): VolumeFacts {
  const value = parseJson(bytes, where);
  if (!isObject(value) || value['schema'] !== SCHEMA) {
    throw malformed(where, `an object of the schema ${SCHEMA}`, isObject(value) ? value['schema'] : value);
  }
  checkUnchanged(bytes, value['checksum'], where);
  const made = parseMade(value['made'], where);
  const number = whole(value, 'number', where);
  const size = whole(value, 'size', where);
  const offset = whole(value, 'offset', where);
  const count = value['count'] === undefined ? undefined : whole(value, 'count', where);
  const isRight =
    value['set'] === setIdOf(made) &&
    isPlace(number, offset, made) &&
    (count === undefined ? size === made.volumeBytes : count === number && size <= made.volumeBytes);
  if (!isRight) throw changed(where, 'its numbers contradict each other');
  const sha256 = parseDigest(`sha256:${text(value, 'sha256', where)}`, `${where}: sha256`);
  const head = parseDigest(`sha256:${text(value, 'head', where)}`, `${where}: head`);
  return { number, offset, size, sha256, head, made, ...(count !== undefined && { count }) };
}

const isPlace = (number: number, offset: number, { volumeBytes }: Made): boolean =>
  number <= limits.volumes && volumeBytes > 0 && offset === (number - 1) * volumeBytes;

function checkUnchanged(bytes: Uint8Array, stated: Json | undefined, where: string): void {
  const lines = Buffer.from(bytes)
    .toString('utf8')
    .split(/(?<=\n)/);
  const rest = lines.filter((line) => !line.startsWith('  "checksum": ')).join('');
  const found = hexOf(digestOf(rest));
  if (stated === found) return;
  const expected = printable(typeof stated === 'string' ? stated : JSON.stringify(stated), 80);
  throw changed(where, `expected the checksum ${expected} over its other lines, found ${found}`);
}

function changed(where: string, how: string): TransferError {
  return new TransferError('BAD_ARCHIVE', `${where}: the checksum file was changed or damaged: ${how}`, {
    side: 'source',
    hint: 'Copy the volume and its checksum file again.',
  });
}

function parseMade(value: Json | undefined, where: string): Made {
  if (!isObject(value)) throw malformed(`${where}: made`, 'an object', value);
  const at = `${where}: made`;
  return {
    bundle: parseDigest(value['bundle'], `${at}: bundle`),
    ferry: text(value, 'ferry', at),
    codec: text(value, 'codec', at),
    level: whole(value, 'level', at),
    format: text(value, 'format', at),
    frameBytes: whole(value, 'frameBytes', at),
    volumeBytes: whole(value, 'volumeBytes', at),
  };
}

function text(value: JsonObject, key: string, where: string): string {
  const found = value[key];
  if (typeof found === 'string') return found;
  throw malformed(`${where}: ${key}`, 'a text', found);
}

function whole(value: JsonObject, key: string, where: string): number {
  const found = value[key];
  if (typeof found === 'number' && Number.isSafeInteger(found) && found >= 0) return found;
  throw malformed(`${where}: ${key}`, 'a whole number', found);
}
