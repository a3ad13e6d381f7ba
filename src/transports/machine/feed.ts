import { once } from 'node:events';
import { type Writable } from 'node:stream';
import { type ByteStream } from '../../primitives/bytes.js';
import { Lifetime } from '../../primitives/lifetime.js';

/**
 * Writes `input` into a child's standard input, no faster than it is read. Returns early, without an error, when the
 * child does not take more: its exit status says why. Rejects only with `input`'s own error; standard input is then
 * still open, since closing it could look like a regular end.
 */
export async function feed(stdin: Writable, input: ByteStream, exited: Promise<unknown>): Promise<void> {
  const child = new Lifetime();
  const end = (): void => {
    child.end();
  };
  stdin.once('close', end);
  stdin.once('error', end);
  exited.then(end, end);
  const chunks = input[Symbol.asyncIterator]();
  for (;;) {
    const next = await child.during(chunks.next());
    if (next === undefined) {
      // Not awaited: a generator that hangs in `next` would never answer.
      void chunks.return?.().catch(() => undefined);
      return;
    }
    if (next.done === true) break;
    if (!stdin.write(next.value)) await child.during(once(stdin, 'drain').catch(() => undefined));
  }
  stdin.end();
}
