import { type ByteStream } from '../primitives/bytes.js';
import { isTransferError } from '../primitives/errors.js';
import { damaged, reasonOf } from './faults.js';

/**
 * Runs a decoder over `bytes`. What the decoder throws becomes BAD_ARCHIVE; what `bytes` throws (a read error, an abort)
 * comes out as it is, as does a TransferError.
 */
export async function* guarded(
  bytes: ByteStream,
  where: string,
  format: string,
  decode: (bytes: ByteStream) => ByteStream,
): AsyncGenerator<Uint8Array> {
  const input: { fault?: unknown; failed: boolean } = { failed: false };
  try {
    yield* decode(watched(bytes, input));
  } catch (error) {
    if (input.failed) throw input.fault;
    if (isTransferError(error)) throw error;
    throw damaged(where, `expected intact ${format} data, found: ${reasonOf(error)}`, error);
  }
}

async function* watched(bytes: ByteStream, input: { fault?: unknown; failed: boolean }): ByteStream {
  try {
    yield* bytes;
  } catch (error) {
    input.failed = true;
    input.fault = error;
    throw error;
  }
}
