import { once } from 'node:events';
import { type ByteStream } from './bytes.js';

/**
 * Writes `bytes` to a stream that stays open (standard output), no faster than it takes them.
 * @returns the bytes written. Rejects with the stream's own error, such as EPIPE when the reader is gone.
 */
export async function writeStream(target: NodeJS.WritableStream, bytes: ByteStream): Promise<number> {
  let failure: Error | undefined;
  const onError = (error: Error): void => {
    failure = error;
  };
  target.on('error', onError);
  try {
    let size = 0;
    for await (const chunk of bytes) {
      if (failure !== undefined) throw failure;
      size += chunk.byteLength;
      if (!target.write(chunk)) await once(target, 'drain');
    }
    await new Promise<void>((resolve, reject) => {
      target.write('', (error) => {
        if (error === null || error === undefined) resolve();
        else reject(error);
      });
    });
    return size;
  } finally {
    target.off('error', onError);
  }
}
