import { request, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Json, parseJson } from '../../model/json.js';
import { readAll } from '../../primitives/bytes.js';
import { limits } from '../../primitives/limits.js';
import { isTransferError } from '../../primitives/errors.js';
import { type Child } from '../machine/machine.js';
import { Tail } from '../machine/tail.js';
import { QUERY_TIMEOUT, startClient } from './client.js';
import { describeEngine, type Engine } from './engine.js';
import { engineFailed, wordsOf } from './failure.js';

/** Milliseconds. */
const LAST_WORDS = 1_000;

export interface ApiAnswer {
  readonly status: number;
  readonly body: Json;
}

/**
 * GET of a path of the Docker Engine API, such as `/v1.48/images/app:1/json?manifests=1`, over the stock client's
 * `system dial-stdio`: it goes wherever the client goes (contexts, DOCKER_HOST, ssh) and needs nothing else.
 * @throws TransferError ENGINE_FAILED when there is no answer, CONNECTION_LOST; a status other than 200 is an answer.
 */
export async function apiGet(engine: Engine, path: string, signal: AbortSignal): Promise<ApiAnswer> {
  signal.throwIfAborted();
  const child = startClient(engine, ['system', 'dial-stdio'], true);
  const stderr = new Tail(limits.stderrBytes);
  child.stderr.on('data', (chunk: Buffer) => {
    stderr.push(chunk);
  });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(QUERY_TIMEOUT)]);
  try {
    const response = await Promise.race([send(child, path, limit), childEnd(child)]);
    const body = await readAll(response, limits.listBytes, `GET ${path}`);
    return { status: response.statusCode ?? 0, body: parseJson(body, `GET ${path}`) };
  } catch (error) {
    signal.throwIfAborted();
    // A line that dropped is no answer of the engine's: whoever asked may try again.
    if (isTransferError(error) && error.code === 'CONNECTION_LOST') throw error;
    // What broke the connection is said on standard error, which may come a moment later.
    await Promise.race([child.exited.catch(() => undefined), sleep(LAST_WORDS, undefined, { ref: false })]);
    const said = wordsOf({ status: null, signal: null, stdout: '', stderr: stderr.text() });
    const words = stderr.total > 0 ? said : error instanceof Error ? error.message : String(error);
    throw engineFailed(describeEngine(engine), `GET ${path}`, words, { engine, cause: error });
  } finally {
    // Its standard input stays open until here: the daemon takes a closed one for a cancelled request.
    child.stop();
  }
}

function send(child: Child, path: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const connection = Duplex.from({ writable: child.stdin, readable: child.stdout });
    connection.on('error', reject);
    const ask = request({ createConnection: () => connection, host: 'docker', path, signal }, resolve);
    ask.on('error', reject);
    ask.end();
  });
}

async function childEnd(child: Child): Promise<never> {
  const { status, signal } = await child.exited;
  throw new Error(wordsOf({ status, signal, stdout: '', stderr: '' }));
}
