import { TransferError } from '../primitives/errors.js';
import { printable } from '../primitives/printable.js';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `Array.isArray` that keeps the element type of a Json value. */
export const isArray = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

/** @throws TransferError BAD_ARCHIVE when `bytes` are not one JSON document in UTF-8; `where` names the file. */
export function parseJson(bytes: Uint8Array, where: string): Json {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json;
  } catch (cause) {
    const reason =
      bytes.byteLength === 0 ? 'it is empty' : printable(cause instanceof Error ? cause.message : String(cause));
    throw new TransferError('BAD_ARCHIVE', `${where}: expected JSON, but ${reason}`, {
      hint: 'The file was damaged, or was written by a faulty tool; save the image again.',
      cause,
    });
  }
}
