import { type Transform } from 'node:stream';
import { type ByteStream } from '../primitives/bytes.js';
import { Lifetime } from '../primitives/lifetime.js';

/**
 * Pulls `bytes` through a transform of node:zlib with back-pressure on both sides. Not `pipeline`: that ends when the
 * readable side does, and gunzip ends its readable side at the first zero byte of padding, with input still to check.
 * Errors of `bytes` and of the transform come out as they are.
 */
export async function* throughZlib(bytes: ByteStream, transform: Transform): AsyncGenerator<Buffer> {
  const open = new Lifetime();
  transform.once('close', () => {
    open.end();
  });
  let fault: unknown;
  transform.on('error', (error) => (fault ??= error));
  const pump = feed(bytes, transform, open).catch((error: unknown) => {
    fault ??= error;
    transform.destroy();
  });
  try {
    const chunks = transform.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    for await (const chunk of chunks) yield chunk;
    await pump;
  } catch (error) {
    await pump;
    throw fault ?? error;
  } finally {
    transform.destroy();
    await pump;
  }
  if (fault !== undefined) throw fault as Error;
}

async function feed(bytes: ByteStream, transform: Transform, open: Lifetime): Promise<void> {
  for await (const chunk of bytes) {
    if (chunk.byteLength === 0) continue;
    const written = new Promise<void>((resolve) => {
      transform.write(chunk, () => {
        resolve();
      });
    });
    // A transform that is destroyed while it waits for its reader never calls back.
    await open.during(written);
    if (transform.destroyed) return;
  }
  transform.end();
}
