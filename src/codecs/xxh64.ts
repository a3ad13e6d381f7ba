import { type XXHashAPI } from 'xxhash-wasm';

let api: Promise<XXHashAPI> | undefined;

/** The low 32 bits of XXH64 with seed 0: the content checksum of zstd frames (RFC 8878 section 3.1.1) and seek tables. */
export async function contentChecksum(): Promise<(bytes: Uint8Array) => number> {
  api ??= import('xxhash-wasm').then((module) => module.default());
  const xxhash = await api;
  return (bytes) => Number(xxhash.h64Raw(bytes) & 0xffffffffn);
}
