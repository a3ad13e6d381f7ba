import { afterAll, describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../../src/primitives/limits.js';
import { type Client, runClient, streamClient } from '../../src/transports/engine/client.js';
import { localMachine } from '../../src/transports/machine/local.js';
import { program, removeTempFolders, tempFolder } from './fake-client.js';

const never = new AbortController().signal;
const local = (path: string): Client => ({ machine: localMachine, command: [path] });
afterAll(removeTempFolders);

/** Chunks without end; notes whether it was told to stop, and how many were taken. */
function endless(): {
  readonly bytes: AsyncGenerator<Uint8Array>;
  readonly state: { taken: number; stopped: boolean };
} {
  const state = { taken: 0, stopped: false };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        await sleep(0);
        state.taken++;
        yield Buffer.alloc(65_536);
      }
    } finally {
      state.stopped = true;
    }
  }
  return { bytes: chunks(), state };
}

/** Whether the process whose pid the script wrote is gone. */
function isGone(pidFile: string): boolean {
  try {
    process.kill(Number(readFileSync(pidFile, 'utf8')), 0);
    return false;
  } catch {
    return true;
  }
}

describe('runClient', () => {
  test('gives status, output and the arguments as they are', async () => {
    const file = program('printf "%s|" "$@"; echo oops >&2; exit 3');
    const result = await runClient({ client: local(file), args: ['a b', '$(id)', "'"], signal: never });
    expect(result).toMatchObject({ status: 3, stdout: "a b|$(id)|'|", stderr: 'oops\n' });
  });

  test('feeds its input, no faster than it is read', async () => {
    const { bytes, state } = endless();
    const running = runClient({
      client: local(program('sleep 0.5; head -c 1000 | wc -c; exit 0')),
      args: [],
      signal: never,
      input: bytes,
    });
    await sleep(300);
    expect(state.taken).toBeLessThan(20);
    expect((await running).stdout.trim()).toBe('1000');
  });

  test('a child that dies early tells why, and its input is closed', async () => {
    const { bytes, state } = endless();
    const result = await runClient({
      client: local(program('echo no space >&2; exit 1')),
      args: [],
      signal: never,
      input: bytes,
    });
    expect(result).toMatchObject({ status: 1, stderr: 'no space\n' });
    await sleep(50);
    expect(state.stopped).toBe(true);
  });

  test('does not wait for an input that hangs when the child is gone', async () => {
    const hung = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      await new Promise(() => undefined);
    })();
    const result = await runClient({ client: local(program('exit 4')), args: [], signal: never, input: hung });
    expect(result.status).toBe(4);
  });

  test("rejects with its input's own error, and ends the child", async () => {
    const broken = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      await sleep(50);
      throw new Error('the source broke');
    })();
    const pid = path.join(tempFolder(), 'pid');
    const running = runClient({
      client: local(program(`echo $$ >${pid}; cat >/dev/null`)),
      args: [],
      signal: never,
      input: broken,
    });
    await expect(running).rejects.toThrow('the source broke');
    expect(isGone(pid)).toBe(true);
  });

  test('keeps the end of megabytes of standard error', async () => {
    const file = program("head -c 5000000 /dev/zero | tr '\\0' x >&2; echo the end >&2; exit 1");
    const { stderr } = await runClient({ client: local(file), args: [], signal: never });
    expect(stderr.length).toBeLessThanOrEqual(limits.stderrBytes);
    expect(stderr.endsWith('the end\n')).toBe(true);
  });

  test('refuses more output than its budget', async () => {
    const running = runClient({
      client: local(program('exec yes')),
      args: ['image', 'ls'],
      signal: never,
      maxOutput: 1000,
    });
    await expect(running).rejects.toMatchObject({
      code: 'LIMIT',
      message: expect.stringContaining('image ls'),
      hint: expect.stringContaining('name fewer at a time'),
    });
  });

  test('kills the child, by its pid, when aborted', async () => {
    const pid = path.join(tempFolder(), 'pid');
    const stop = new AbortController();
    const running = runClient({
      client: local(program(`echo $$ >${pid}; exec sleep 60`)),
      args: [],
      signal: stop.signal,
    });
    while (!existsSync(pid) || readFileSync(pid).length === 0) await sleep(10);
    stop.abort(new Error('interrupted'));
    await expect(running).rejects.toThrow('interrupted');
    expect(isGone(pid)).toBe(true);
  });

  test('does not start anything when aborted already', async () => {
    const file = path.join(tempFolder(), 'started');
    const running = runClient({
      client: local(program(`touch ${file}`)),
      args: [],
      signal: AbortSignal.abort(new Error('no')),
    });
    await expect(running).rejects.toThrow('no');
    expect(existsSync(file)).toBe(false);
  });

  test('kills one that does not listen to SIGTERM', async () => {
    const file = program('trap "" TERM; while :; do sleep 0.1; done');
    const running = runClient({ client: local(file), args: ['info'], signal: never, timeoutMs: 200 });
    await expect(running).rejects.toMatchObject({ code: 'ENGINE_FAILED', message: expect.stringContaining('0.2 s') });
  });

  test('is not held by a grandchild that keeps the pipes', async () => {
    const result = await runClient({ client: local(program('sleep 20 & echo hello')), args: [], signal: never });
    expect(result).toMatchObject({ status: 0, stdout: 'hello\n' });
  });

  test.each([
    ['/nowhere/docker', 'no such program'],
    [tempFolder(), 'it may not be executed'],
  ])('says when %s cannot be started', async (file, reason) => {
    const input = endless().bytes;
    await expect(runClient({ client: local(file), args: [], signal: never, input })).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringContaining(reason),
    });
  });
});

describe('streamClient', () => {
  const read = async (script: string): Promise<{ readonly got: string; readonly error: unknown }> => {
    const parts: Uint8Array[] = [];
    try {
      const call = { client: local(program(script)), args: ['save'], signal: never };
      for await (const chunk of streamClient(call, 'docker 1', 'saving a:1')) parts.push(chunk);
    } catch (error) {
      return { got: Buffer.concat(parts).toString(), error };
    }
    return { got: Buffer.concat(parts).toString(), error: undefined };
  };

  test('gives the output', async () => {
    expect(await read('echo one; echo two')).toEqual({ got: 'one\ntwo\n', error: undefined });
  });

  test('a save that fails at its very end is no save: its last bytes are not given', async () => {
    const { got, error } = await read('printf all; echo "no space left on device" >&2; exit 1');
    expect(got).toBe('');
    expect(error).toMatchObject({
      code: 'ENGINE_FAILED',
      side: 'source',
      message: expect.stringContaining('no space'),
    });
  });

  test('ends the child when its reader stops', async () => {
    const pid = path.join(tempFolder(), 'pid');
    const call = { client: local(program(`echo $$ >${pid}; exec yes`)), args: [], signal: never };
    for await (const chunk of streamClient(call, 'docker', 'saving')) if (chunk.length > 0) break;
    await sleep(200);
    expect(isGone(pid)).toBe(true);
  });

  test('rejects with the reason when aborted', async () => {
    const stop = new AbortController();
    const call = { client: local(program('echo x; exec sleep 60')), args: [], signal: stop.signal };
    const reading = (async () => {
      for await (const chunk of streamClient(call, 'docker', 'saving')) if (chunk.length === 0) break;
    })();
    setTimeout(() => {
      stop.abort(new Error('interrupted'));
    }, 100);
    await expect(reading).rejects.toThrow('interrupted');
  });
});
