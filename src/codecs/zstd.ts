import { TransferError } from '../primitives/errors.js';
import { type ZstdCodec } from './zstd-codec.js';

export { type ZstdCodec } from './zstd-codec.js';

export type ZstdBackend = 'native' | 'wasm';

const MiB = 1024 * 1024;

/**
 * Raw bytes of a frame that is written at `level`. One rule for every backend, so that files made on any Node.js have
 * the same frame borders: 4 MiB, except where that is more than the fixed 16 MiB heap of zstd-codec bears (levels 6 to
 * 9; it has none above 9).
 */
export function frameSizeFor(level: number): number {
  return level >= 6 && level <= 9 ? 2 * MiB : 4 * MiB;
}

const chosen = new Map<ZstdBackend, Promise<ZstdCodec>>();

/**
 * The codec that this Node.js offers: node:zlib from 22.15 on, else zstd-codec. Made once for each backend.
 * @param prefer asks for one of the two
 * @throws TransferError UNSUPPORTED_HERE when that is 'native' and the running Node.js has none
 */
export async function zstdCodec(prefer?: ZstdBackend): Promise<ZstdCodec> {
  const { hasNativeZstd, nativeCodec } = await import('./zstd-native.js');
  const backend = prefer ?? (hasNativeZstd ? 'native' : 'wasm');
  if (backend === 'native' && !hasNativeZstd) {
    throw new TransferError('UNSUPPORTED_HERE', `Node.js ${process.version} has no zstd of its own`, {
      hint: 'Use Node.js 22.15 or later.',
    });
  }
  let codec = chosen.get(backend);
  if (codec === undefined) {
    codec = backend === 'native' ? nativeCodec() : import('./zstd-wasm.js').then(({ wasmCodec }) => wasmCodec());
    chosen.set(backend, codec);
  }
  return codec;
}
