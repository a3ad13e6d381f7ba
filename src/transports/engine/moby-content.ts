import { request } from 'node:http';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { Duplex } from 'node:stream';
import { readAll } from '../../primitives/bytes.js';
import { type Digest, isDigest } from '../../primitives/digest.js';
import { TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { type Child } from '../machine/machine.js';
import { startClient } from './client.js';
import { blobWith, type Content } from './ctr-content.js';
import { type Engine } from './engine.js';
import { fieldsOf, textOf } from './protobuf.js';

/** containerd's own service (api/services/content/v1/content.proto), which Docker offers to BuildKit's clients. */
const LIST = '/containerd.services.content.v1.Content/List';
/** A gRPC message without contents: not compressed, 0 bytes. It asks for everything. */
const EVERYTHING = Buffer.alloc(5);
/** Milliseconds. It is told in one go, or not at all. */
const ANSWER = 30_000;

/**
 * Everything in the content store that Docker has in its namespace, by one question over `/grpc` of the Engine API
 * (measured with 28; docs/engines.md). Undefined where it does not answer that: what is there is not known then.
 * @throws the signal's reason
 */
export async function mobyContent(engine: Engine, signal: AbortSignal): Promise<Content | undefined> {
  signal.throwIfAborted();
  const child = startClient(engine, ['system', 'dial-stdio'], true);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER)]);
  child.exited.catch(() => undefined);
  try {
    return contentOf(await ask(await upgraded(child, limit), limit));
  } catch {
    signal.throwIfAborted();
    return undefined;
  } finally {
    child.stop();
  }
}

/** The client's connection, once the daemon speaks HTTP/2 on it. */
function upgraded(child: Child, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const connection = Duplex.from({ writable: child.stdin, readable: child.stdout });
    connection.on('error', reject);
    const headers = { Connection: 'Upgrade', Upgrade: 'h2c' };
    const asked = request({
      createConnection: () => connection,
      host: 'docker',
      method: 'POST',
      path: '/grpc',
      headers,
      signal,
    });
    asked.on('error', reject);
    asked.on('response', ({ statusCode }) => {
      reject(new Error(`status ${String(statusCode)}`));
    });
    asked.on('upgrade', (_, socket, head) => {
      // Its first words may have come along.
      socket.unshift(head);
      resolve(socket);
    });
    asked.end();
  });
}

/** The messages of the answer, one after the other. */
async function ask(connection: Duplex, signal: AbortSignal): Promise<Buffer> {
  const session = connect('http://docker', { createConnection: () => connection });
  try {
    const failed = new Promise<never>((_, reject) => {
      session.on('error', reject);
    });
    const call = session.request(
      {
        ':method': 'POST',
        ':path': LIST,
        'content-type': 'application/grpc',
        te: 'trailers',
        'containerd-namespace': 'moby',
      },
      { signal },
    );
    let status: string | string[] | undefined;
    const note = (headers: IncomingHttpHeaders): void => {
      status = headers['grpc-status'] ?? status;
    };
    call.on('response', note).on('trailers', note);
    call.end(EVERYTHING);
    const bytes = await Promise.race([readAll(call, limits.listBytes, LIST), failed]);
    if (status !== '0') throw new Error(`grpc-status ${String(status)}`);
    return bytes;
  } finally {
    session.destroy();
  }
}

/** `ListContentResponse`s: field 1 is a blob, with its digest (1) and labels (5). */
function contentOf(messages: Buffer): Content {
  const content = new Map<Digest, ReturnType<typeof blobWith>>();
  for (const message of messagesIn(messages)) {
    for (const info of fieldsOf(message, 1)) {
      const digest = textOf(info, 1);
      if (isDigest(digest)) content.set(digest, blobWith(labelsOf(info)));
    }
  }
  return content;
}

function labelsOf(info: Buffer): [string, Digest][] {
  const labels: [string, Digest][] = [];
  for (const entry of fieldsOf(info, 5)) {
    const value = textOf(entry, 2);
    if (isDigest(value)) labels.push([textOf(entry, 1), value]);
  }
  return labels;
}

/** Each with five bytes before it: whether it is compressed, which was not asked for, and its length. */
function* messagesIn(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.byteLength;) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    if (bytes[at] !== 0 || end > bytes.byteLength) throw new TransferError('ENGINE_FAILED', 'a gRPC message is cut');
    yield bytes.subarray(at + 5, end);
    at = end;
  }
}
