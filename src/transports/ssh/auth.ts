import {
  type AnyAuthMethod,
  type AuthenticationType,
  type AuthHandlerMiddleware,
  type NextAuthHandler,
  type Prompt,
} from 'ssh2';
import { TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { ChoosyAgent } from './agent.js';
import { type HostConfig } from './host-config.js';
import { type IdentityFile, NO_FILE, readIdentity, unlock } from './identity.js';
import { type During, remembered } from './memory.js';
import { type Ask } from './settings.js';

/** As OpenSSH (NumberOfPasswordPrompts). */
const TRIES = 3;

/** Shows who we are, by all ways that the host takes, in OpenSSH's order. */
export class Authentication {
  readonly #config: HostConfig;
  readonly #ask: Ask | undefined;
  readonly #signal: AbortSignal;
  readonly #during: During;
  readonly #tried = new Set<string>();
  readonly #skipped = new Set<string>();
  /** Ways that the host took, as one of several that it wants. */
  readonly #accepted = new Set<string>();
  #attempts: AsyncGenerator<AnyAuthMethod, undefined>;
  #left: readonly string[] = [];
  #current = '';
  #onError: (error: unknown) => void = () => undefined;

  /** `during`: what waits for the user, not for the host. */
  constructor(config: HostConfig, ask: Ask | undefined, signal: AbortSignal, during: During) {
    this.#config = config;
    this.#ask = config.batch ? undefined : ask;
    this.#signal = signal;
    this.#during = during;
    this.#attempts = this.#plan();
  }

  /** `onError` gets what a question was answered with instead: the signal's reason. */
  handler(onError: (error: unknown) => void): AuthHandlerMiddleware {
    this.#onError = onError;
    return (left: readonly AuthenticationType[] | null, partial: boolean | null, next: NextAuthHandler) => {
      if (left !== null) this.#left = left;
      if (partial === true && !this.#accepted.has(this.#current)) {
        this.#accepted.add(this.#current);
        this.#attempts = this.#plan();
      }
      this.#attempts
        .next()
        .then(({ value }) => {
          // `false` ends it; the types do not know that.
          if (!this.#signal.aborted) next((value ?? false) as AnyAuthMethod);
        })
        .catch(onError);
    };
  }

  /** Names the user, the host and everything that was tried. */
  refusal(cause?: unknown): TransferError {
    const { user, host, port, label } = this.#config;
    const tried = this.#tried.size > 0 ? `tried ${[...this.#tried].join(', ')}` : 'nothing to try';
    const skipped = this.#skipped.size > 0 ? `; not tried: ${[...this.#skipped].join(', ')}` : '';
    const takes = this.#left.length > 0 ? `; it takes ${this.#left.map((way) => printable(way)).join(', ')}` : '';
    const copy = `ssh-copy-id ${port === 22 ? '' : `-p ${String(port)} `}${user}@${host}`;
    return new TransferError(
      'HOST_REFUSED',
      `${label}: ${printable(user)}@${host} does not let us in: ${tried}${skipped}${takes}`,
      { hint: `Check the user and the key: -i FILE, ssh-add, or ${copy}.`, cause },
    );
  }

  async *#plan(): AsyncGenerator<AnyAuthMethod, undefined> {
    const { user: username } = this.#config;
    if (this.#accepted.size === 0) yield this.#note('', { type: 'none', username });
    const identities = this.#allows('publickey') ? this.#config.identityFiles.map(readIdentity) : [];
    yield* this.#withAgent(identities);
    yield* this.#withKeys(identities);
    yield* this.#withQuestions();
    yield* this.#withPassword();
    return undefined;
  }

  async *#withAgent(identities: readonly IdentityFile[]): AsyncGenerator<AnyAuthMethod> {
    const { agent: socket, user: username, identitiesOnly } = this.#config;
    if (!this.#allows('publickey') || this.#accepted.has('agent')) return;
    if (socket === undefined) {
      if (!identitiesOnly) this.#skipped.add('agent (none runs)');
      return;
    }
    const agent = new ChoosyAgent(socket, identities, identitiesOnly, this.#signal, this.#during);
    const keys = await agent.count();
    if (typeof keys === 'string') this.#skipped.add(`agent (${keys})`);
    else if (keys > 0) {
      const name = `agent (${String(keys)} ${keys === 1 ? 'key' : 'keys'})`;
      yield this.#note(name, { type: 'agent', username, agent }, 'agent');
    } else this.#skipped.add(identitiesOnly ? 'agent (has none of these keys)' : 'agent (no keys)');
  }

  async *#withKeys(identities: readonly IdentityFile[]): AsyncGenerator<AnyAuthMethod> {
    const { user: username, identitiesNamed } = this.#config;
    for (const identity of identities) {
      if (!this.#allows('publickey')) return;
      const { file } = identity;
      if (this.#accepted.has(file)) continue;
      if (identity.kind === 'missing') {
        if (identitiesNamed || identity.why !== NO_FILE) this.#skipped.add(`${file} (${identity.why})`);
        continue;
      }
      if (identity.kind === 'public') continue; // it chooses among the agent's keys
      const key = await unlock(identity, this.#ask, this.#signal);
      if (typeof key === 'string') this.#skipped.add(`${file} (${key})`);
      else yield this.#note(file, { type: 'publickey', username, key }, file);
    }
  }

  *#withQuestions(): Generator<AnyAuthMethod> {
    const { user: username } = this.#config;
    let last: string | undefined;
    for (let turn = 0; turn < TRIES && this.#allows('keyboard-interactive'); turn++) {
      const ask = this.#ask;
      if (ask === undefined) {
        this.#skipped.add('keyboard-interactive (nobody to ask)');
        return;
      }
      const answered = { all: true, any: false };
      const name = turn === 0 ? 'keyboard-interactive' : '';
      yield this.#note(name, {
        type: 'keyboard-interactive',
        username,
        prompt: (_name, instructions, _lang, prompts, finish) => {
          this.#answer(ask, instructions, prompts, last).then((answers) => {
            answered.any = true;
            [last] = answers;
            answered.all = !answers.includes(undefined);
            finish(answers.map((answer) => answer ?? ''));
          }, this.#onError);
        },
      });
      if (!answered.all || !answered.any) return;
    }
  }

  /** The first question that hides its answer is asked for once in a run, like a password. */
  async #answer(
    ask: Ask,
    instructions: string,
    prompts: readonly Prompt[],
    last: string | undefined,
  ): Promise<(string | undefined)[]> {
    const { label } = this.#config;
    const intro = instructions.trim() === '' ? '' : `${printable(instructions.trim(), 500)} `;
    const answers: (string | undefined)[] = [];
    for (const { prompt, echo } of prompts) {
      const question = `${label}: ${intro}${printable(prompt)}`;
      const put = (): Promise<string | undefined> =>
        echo === true ? ask.line(question, this.#signal) : ask.secret(question, this.#signal);
      const isPassword = echo !== true && prompts.length === 1 && /^\s*(\S+'s )?password/i.test(prompt);
      const answer = isPassword ? await remembered(ask, this.#passwordName(), last, put) : await put();
      answers.push(answer);
      if (answer === undefined) break;
    }
    return answers;
  }

  async *#withPassword(): AsyncGenerator<AnyAuthMethod> {
    const { user: username, host } = this.#config;
    let password: string | undefined;
    for (let turn = 0; turn < TRIES && this.#allows('password'); turn++) {
      const ask = this.#ask;
      if (ask === undefined) {
        this.#skipped.add('password (nobody to ask)');
        return;
      }
      const question = `${printable(username)}@${host}'s password: `;
      password = await remembered(ask, this.#passwordName(), password, () => ask.secret(question, this.#signal));
      if (password === undefined) return;
      yield this.#note(turn === 0 ? 'password' : '', { type: 'password', username, password });
    }
  }

  #passwordName(): string {
    const { user, host, port } = this.#config;
    return `password ${user}@${host}:${String(port)}`;
  }

  #allows(method: 'publickey' | 'keyboard-interactive' | 'password'): boolean {
    return this.#left.includes(method) && this.#config.methods.has(method);
  }

  #note(name: string, attempt: AnyAuthMethod, current: string = attempt.type): AnyAuthMethod {
    if (name !== '') this.#tried.add(name);
    this.#current = current;
    return attempt;
  }
}
