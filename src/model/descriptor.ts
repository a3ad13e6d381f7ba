import { type Digest, parseDigest } from '../primitives/digest.js';
import { TransferError } from '../primitives/errors.js';
import { printable } from '../primitives/printable.js';
import { isObject, type Json } from './json.js';
import { type Platform } from './platform.js';

/** OCI image-spec, descriptor.md. Only what ferry uses; the documents themselves are carried byte for byte. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
}

/** @throws TransferError BAD_ARCHIVE when `value` is no descriptor; `where` says where it stands. */
export function parseDescriptor(value: Json | undefined, where: string): Descriptor {
  if (!isObject(value)) throw malformed(where, 'an object', value);
  const { mediaType, size } = value;
  const digest = parseDigest(value['digest'], `${where}: digest`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw malformed(`${where}: size`, 'a whole number of bytes', size);
  }
  if (mediaType !== undefined && typeof mediaType !== 'string')
    throw malformed(`${where}: mediaType`, 'a text', mediaType);
  const platform = parsePlatformObject(value['platform'], `${where}: platform`);
  const annotations = parseAnnotations(value['annotations'], `${where}: annotations`);
  return {
    mediaType: mediaType ?? '',
    digest,
    size,
    ...(annotations === undefined ? {} : { annotations }),
    ...(platform === undefined ? {} : { platform }),
  };
}

function parsePlatformObject(value: Json | undefined, where: string): Platform | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw malformed(where, 'an object', value);
  const text = (key: string): string | undefined => {
    const part = value[key];
    if (part === undefined || part === null || part === '') return undefined;
    if (typeof part !== 'string') throw malformed(`${where}.${key}`, 'a text', part);
    return part;
  };
  return platformFrom(text('os'), text('architecture'), text('variant'), text('os.version'));
}

/** A platform from its parts, as configs and descriptors have them; what is not stated is `unknown`. */
export function platformFrom(
  os: string | undefined,
  architecture: string | undefined,
  variant: string | undefined,
  osVersion: string | undefined,
): Platform {
  return {
    os: os ?? 'unknown',
    architecture: architecture ?? 'unknown',
    ...(variant === undefined ? {} : { variant }),
    ...(osVersion === undefined ? {} : { osVersion }),
  };
}

function parseAnnotations(value: Json | undefined, where: string): Readonly<Record<string, string>> | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw malformed(where, 'an object', value);
  const entries = Object.entries(value).map(([key, text]): [string, string] => {
    if (typeof text !== 'string') throw malformed(`${where}[${printable(JSON.stringify(key), 80)}]`, 'a text', text);
    return [key, text];
  });
  return Object.fromEntries(entries);
}

/** The error for a value of the wrong shape. */
export function malformed(where: string, expected: string, found: Json | undefined): TransferError {
  const shown = found === undefined ? 'nothing' : printable(JSON.stringify(found), 80);
  return new TransferError('BAD_ARCHIVE', `${where}: expected ${expected}, found ${shown}`, {
    hint: 'The file was damaged, or was written by a faulty tool; save the image again.',
  });
}
