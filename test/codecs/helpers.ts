import { test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { isTransferError } from '../../src/primitives/errors.js';
import { type ByteStream } from '../../src/primitives/bytes.js';
import { hasNativeZstd } from '../../src/codecs/zstd-native.js';
import { type ZstdBackend } from '../../src/codecs/zstd.js';

/** The backends of the Node.js that runs the tests. */
export const backends: readonly ZstdBackend[] = hasNativeZstd ? ['native', 'wasm'] : ['wasm'];

export const cruel = [1, 7, 512, 65536] as const;

/** The same bytes in pieces of `size`, each a copy so that nothing lies beside it. */
// eslint-disable-next-line @typescript-eslint/require-await
export async function* dribble(bytes: Uint8Array, size: number): ByteStream {
  for (let at = 0; at < bytes.byteLength; at += size) yield Uint8Array.from(bytes.subarray(at, at + size));
}

export async function collect(bytes: ByteStream): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts);
}

export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** What a promise fails with, which must be a TransferError; undefined when it does not fail. */
export async function faultOf(work: Promise<unknown>): Promise<Fault | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (!isTransferError(error)) throw error;
    return error;
  }
}

/** Whether a program can be run here. */
export const has = (program: string): boolean => spawnSync(program, ['--version'], { input: '' }).error === undefined;

/** A test that is reported as skipped where the program is not installed. */
export const testWith = (program: string): typeof test => (has(program) ? test : (test.skip as typeof test));

/** What a program makes of `input` on its standard output. */
export function run(program: string, args: readonly string[], input: Uint8Array): Buffer {
  const { status, stdout, stderr } = spawnSync(program, args, { input, maxBuffer: 256 * 1024 * 1024 });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.toString()}`);
  return stdout;
}

/** The same pseudo-random bytes for the same seed: they do not compress. */
export function noise(size: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let state = seed * 2654435761;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Text that compresses well, different everywhere. */
export function prose(size: number): Buffer {
  const words = ['layer', 'blob', 'digest', 'manifest', 'bundle', 'index', 'config', '\n'];
  const picks = noise(Math.ceil(size / 3), 7);
  let text = '';
  for (let i = 0; text.length < size; i++) text += `${words[(picks[i] ?? 0) & 7] ?? ''} ${String(i & 1023)} `;
  return Buffer.from(text.slice(0, size));
}
