import { StringDecoder } from 'node:string_decoder';
import { printable } from '../primitives/printable.js';
import { type Ask } from '../transports/ssh/settings.js';
import { Interrupted } from './interruption.js';
import { type Terminal, type Terminals } from './terminal.js';

/** What has to keep off the terminal while a question is open. */
export interface Holdable {
  readonly pause: () => void;
  readonly resume: () => void;
}

/** Questions on the terminal, one after the other, however many are asked at once. Undefined: there is no terminal. */
export function makeAsk(terminals: Terminals | undefined, others: Holdable): Ask | undefined {
  if (terminals?.available() !== true) return undefined;
  let last: Promise<unknown> = Promise.resolve();

  const put = async (question: string, hidden: boolean, signal: AbortSignal): Promise<string | undefined> => {
    signal.throwIfAborted();
    const terminal = terminals.open();
    if (terminal === undefined) return undefined;
    others.pause();
    try {
      terminal.write(shown(question));
      return await readAnswer(terminal, hidden, signal, terminals.interrupt);
    } finally {
      terminal.close();
      others.resume();
    }
  };

  const inTurn = async (question: string, hidden: boolean, signal: AbortSignal): Promise<string | undefined> => {
    const turn = last.then(async () => await put(question, hidden, signal));
    last = turn.catch(() => undefined);
    return await orAborted(turn, signal);
  };

  return {
    secret: async (question, signal) => await inTurn(question, true, signal),
    line: async (question, signal) => await inTurn(question, false, signal),
  };
}

/** Whose turn has not come need not wait for it to be told that all is over. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

const MAX_LINES = 20;

/** Line breaks stay: a question about a host key has several lines. Everything else may come from the remote. */
function shown(question: string): string {
  const lines = question.replace(/\r\n/g, '\n').trimEnd().split('\n').slice(0, MAX_LINES);
  return `${lines.map((line) => printable(line, 1000)).join('\n')} `;
}

/** What was typed up to Enter; undefined: the terminal was closed, or Ctrl-D. Leaves the terminal as it was. */
async function readAnswer(
  { input, write }: Terminal,
  hidden: boolean,
  signal: AbortSignal,
  interrupt: () => void,
): Promise<string | undefined> {
  const typed = new TypedLine();
  const decoder = new StringDecoder('utf8');
  const undo: (() => void)[] = [];
  let answer: string | undefined;
  const on = (event: 'data' | 'end' | 'error', listener: (chunk: Buffer) => void): void => {
    input.on(event, listener);
    undo.push(() => input.removeListener(event, listener));
  };
  try {
    if (hidden) {
      input.setRawMode(true);
      undo.push(() => input.setRawMode(false));
    }
    answer = await new Promise<string | undefined>((resolve, reject) => {
      const abort = (): void => {
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', abort);
      undo.push(() => {
        signal.removeEventListener('abort', abort);
      });
      on('data', (chunk) => {
        const key = typed.take(decoder.write(chunk));
        if (key === 'enter') resolve(typed.text);
        if (key === 'end') resolve(undefined);
        if (key !== 'interrupt') return;
        interrupt();
        // Has no effect where the interruption has aborted `signal`.
        reject(new Interrupted('SIGINT'));
      });
      on('end', () => {
        resolve(undefined);
      });
      on('error', () => {
        resolve(undefined);
      });
    });
    return answer;
  } finally {
    for (const step of undo.reverse()) step();
    // Closing it may still fail, and then nobody cares any more.
    input.on('error', () => undefined);
    // Enter has been echoed, and nothing else.
    if (hidden || answer === undefined) write('\n');
  }
}

/** Longer than any password or answer: more is not kept. */
const MAX_TYPED = 4096;

/** A line as it is typed, with the keys that a terminal would handle itself if it echoed. */
class TypedLine {
  #characters: string[] = [];

  get text(): string {
    return this.#characters.join('');
  }

  take(text: string): 'more' | 'enter' | 'end' | 'interrupt' {
    for (const character of text.replace(ESCAPES, '')) {
      switch (character) {
        case '\r':
        case '\n':
          return 'enter';
        case '\u0003':
          return 'interrupt';
        case '\u0004':
          return 'end';
        case '\u0008':
        case '\u007f':
          this.#characters.pop();
          break;
        case '\u0015':
          this.#characters = [];
          break;
        default:
          this.#add(character);
      }
    }
    return 'more';
  }

  #add(character: string): void {
    if (character >= ' ' && this.#characters.length < MAX_TYPED) this.#characters.push(character);
  }
}

/** What arrow keys and the like send. */
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|O[ -~]|[^\u001b])?/g;
