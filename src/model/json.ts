import { TransferError } from '../primitives/errors.js';
import { limits } from '../primitives/limits.js';
import { printable } from '../primitives/printable.js';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `Array.isArray` that keeps the element type of a Json value. */
export const isArray = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

/**
 * @throws TransferError BAD_ARCHIVE when `bytes` are not one JSON document in UTF-8, LIMIT when its values are nested
 * too deeply; `where` names the file.
 */
export function parseJson(bytes: Uint8Array, where: string): Json {
  checkDepth(bytes, where);
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

const [quote, backslash] = [0x22, 0x5c];
const opening = new Set([0x5b, 0x7b]);
const closing = new Set([0x5d, 0x7d]);

/** Whoever walks a parsed document may do so by recursion, since it is not deeper than this lets through. */
function checkDepth(bytes: Uint8Array, where: string): void {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === quote) at = endOfText(bytes, at);
    else if (opening.has(byte)) depth++;
    else if (closing.has(byte)) depth--;
    if (depth > limits.jsonDepth) {
      throw new TransferError('LIMIT', `${where}: JSON values nested more than ${String(limits.jsonDepth)} deep`, {
        hint: 'No image archive needs that; do not trust where this file comes from.',
      });
    }
  }
}

/** Where the text that begins with the quote at `start` ends. */
function endOfText(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
  return at;
}
