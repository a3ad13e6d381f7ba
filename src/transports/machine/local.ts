import { spawn } from 'node:child_process';
import { systemCodeOf, TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { type Child, type Exit, type Machine } from './machine.js';

/** Milliseconds. A client that is told to end may first tell its engine to tidy up. */
const PATIENCE = { afterClosingInput: 2_000, afterTerm: 5_000, afterKill: 5_000, afterExit: 2_000 } as const;

/** This machine. No shell is involved. */
export const localMachine: Machine = { host: undefined, start: startChild };

function startChild([program = '', ...args]: readonly string[], withInput: boolean): Child {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: process.env, windowsHide: true });
  if (!withInput) child.stdin.end();
  const timers = new Set<NodeJS.Timeout>();
  let gone = false;
  const later = (ms: number, act: () => void): void => {
    timers.add(setTimeout(act, ms));
  };
  let settle: (exit: Exit) => void = () => undefined;
  const exited = new Promise<Exit>((resolve, reject) => {
    settle = (exit) => {
      gone = true;
      for (const timer of timers) clearTimeout(timer);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      resolve(exit);
    };
    child.once('error', (error) => {
      if (child.pid !== undefined) return; // a signal that could not be sent; the exit still comes
      gone = true;
      reject(notStarted(program, error));
    });
    // `close` waits for the pipes as well: a grandchild that holds them open must not hold us.
    child.once('exit', (status, signal) => {
      later(PATIENCE.afterExit, () => {
        settle({ status, signal });
      });
    });
    child.once('close', (status, signal) => {
      settle({ status, signal });
    });
  });
  exited.catch(() => undefined); // whoever awaits it sees the rejection; until then it is no unhandled one
  child.stdin.on('error', () => undefined); // EPIPE: the child's own exit says why
  const stop = (gently = false): void => {
    if (gone) return;
    child.stdin.destroy();
    const term = gently ? PATIENCE.afterClosingInput : 0;
    later(term, () => child.kill('SIGTERM'));
    later(term + PATIENCE.afterTerm, () => child.kill('SIGKILL'));
    later(term + PATIENCE.afterTerm + PATIENCE.afterKill, () => {
      child.unref();
      settle({ status: null, signal: 'SIGKILL' });
    });
  };
  return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exited, stop };
}

function notStarted(program: string, error: unknown): TransferError {
  const code = systemCodeOf(error);
  const reason =
    code === 'ENOENT' ? 'no such program' : code === 'EACCES' ? 'it may not be executed' : String(code ?? error);
  return new TransferError('ENGINE_UNREACHABLE', `${printable(program)}: ${reason}`, {
    hint: 'Install Docker or Podman, or name the client with --engine.',
    cause: error,
  });
}
