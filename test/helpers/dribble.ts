/** The same bytes in chunks of `n`, as a slow pipe would bring them. */
// eslint-disable-next-line @typescript-eslint/require-await -- a stream is asynchronous whether it needs to be or not
export async function* dribble(bytes: Uint8Array, n: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += n) yield bytes.subarray(at, at + n);
}
