import { Writable } from 'node:stream';
import { type Commands, type Verb } from '../../src/cli/commands.js';
import { type Io } from '../../src/cli/io.js';
import { type View } from '../../src/cli/render/view.js';
import { run } from '../../src/cli/run.js';
import { type Terminals } from '../../src/cli/terminal.js';
import { type Context } from '../../src/commands/options.js';

/** A standard output or error that keeps what it is told. */
export class Captured extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  readonly #failure: Error | undefined;

  constructor(terminal?: { columns: number; rows?: number }, failure?: Error) {
    super({ decodeStrings: false });
    this.isTTY = terminal !== undefined;
    this.columns = terminal?.columns;
    this.rows = terminal?.rows;
    this.#failure = failure;
    this.on('error', () => undefined);
  }

  override _write(chunk: unknown, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#failure === undefined) this.text += String(chunk);
    done(this.#failure ?? null);
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

export const systemError = (code: string): Error => Object.assign(new Error(code), { code, syscall: 'write' });

export const pipe: View = { width: 80, cut: false, colour: false };
export const terminal: View = { width: 80, cut: true, colour: false };

export interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
  /** What the command was called with, if one was. */
  calls: { verb: Verb; options: unknown }[];
}

export interface Setting {
  result?: unknown;
  /** Instead of a result. */
  act?: (options: never, context: Context) => Promise<unknown>;
  stdout?: Captured;
  stderr?: Captured;
  stdinIsTerminal?: boolean;
  env?: Record<string, string>;
  signal?: AbortSignal;
  program?: string;
  engine?: string;
  terminals?: Terminals;
}

/** One run of the command line with every command replaced. */
export async function ferry(argv: string[], setting: Setting = {}): Promise<Outcome> {
  const { stdout = new Captured(), stderr = new Captured() } = setting;
  const calls: Outcome['calls'] = [];
  const stub = (verb: Verb) => () =>
    Promise.resolve(async (options: never, context: Context) => {
      calls.push({ verb, options });
      return setting.act === undefined ? setting.result : await setting.act(options, context);
    });
  const verbs: Verb[] = ['pack', 'load', 'send', 'list', 'inspect', 'verify', 'diff', 'inventory', 'prune'];
  const io: Io = {
    stdout,
    stderr,
    stdinIsTerminal: setting.stdinIsTerminal ?? false,
    terminals: setting.terminals,
    env: setting.env ?? {},
  };
  const status = await run({
    program: setting.program ?? 'ferry',
    argv,
    io,
    commands: Object.fromEntries(verbs.map((verb) => [verb, stub(verb)])) as unknown as Commands,
    signal: setting.signal ?? new AbortController().signal,
    engine: setting.engine,
  });
  return { status, stdout: stdout.text, stderr: stderr.text, calls };
}

/** A command that fails. */
export const fails = (error: unknown) => async (): Promise<never> => {
  await Promise.resolve();
  throw error;
};
