import { Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import ssh2, {
  type BaseAgent,
  type GetStreamCallback,
  type IdentityCallback,
  type KnownPublicKeys,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
} from 'ssh2';
import { systemCodeOf } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { type IdentityFile } from './identity.js';
import { type During } from './memory.js';

type Key = string | Buffer | ParsedKey;

/** Milliseconds. `sign`: some ask the user, who may have to touch something; hosts wait two minutes in all. */
export const PATIENCE = { list: 10_000, sign: 60_000 } as const;

/** An agent's keys in OpenSSH's order: first those of the identity files; with IdentitiesOnly no others. */
export class ChoosyAgent extends ssh2.BaseAgent {
  readonly #agent: BaseAgent;
  readonly #wanted: readonly Buffer[];
  readonly #only: boolean;
  readonly #signal: AbortSignal;
  readonly #during: During;
  #limit: number = PATIENCE.list;
  readonly #patience: Record<keyof typeof PATIENCE, number>;

  /** `signal` ends all questions to it; `during`: the time in which it may be asking the user. */
  constructor(
    socket: string,
    identities: readonly IdentityFile[],
    only: boolean,
    signal: AbortSignal,
    during: During,
    patience: Record<keyof typeof PATIENCE, number> = PATIENCE,
  ) {
    super();
    this.#agent = this.#impatient(ssh2.createAgent(socket));
    this.#wanted = identities.flatMap((identity) =>
      identity.kind === 'missing' || identity.publicKey === undefined ? [] : [identity.publicKey],
    );
    this.#only = only;
    this.#signal = signal;
    this.#during = during;
    this.#patience = patience;
  }

  /** How many keys it offers, or why none. */
  count(): Promise<number | string> {
    return new Promise((resolve) => {
      this.getIdentities((error, keys) => {
        if (keys !== undefined) resolve(keys.length);
        else resolve(systemCodeOf(error) === 'ENOENT' ? 'none runs' : printable(error?.message ?? 'no answer'));
      });
    });
  }

  getIdentities(callback: IdentityCallback): void {
    this.#limit = this.#patience.list;
    this.#agent.getIdentities((error, keys) => {
      if (keys === undefined) {
        callback(error);
        return;
      }
      callback(undefined, this.#choose(keys as KnownPublicKeys<ParsedKey>));
    });
  }

  sign(
    key: Key,
    data: Buffer,
    options: SigningRequestOptions | SignCallback | undefined,
    callback?: SignCallback,
  ): void {
    const told = typeof options === 'function' ? options : callback;
    let over: () => void = () => undefined;
    void this.#during(
      new Promise<void>((resolve) => {
        over = resolve;
      }),
    );
    this.#limit = this.#patience.sign;
    this.#agent.sign(key, data, typeof options === 'object' ? options : {}, (error, signature) => {
      over();
      told?.(error, signature);
    });
  }

  /** An agent may hang: its socket is given up after a time without an answer. */
  #impatient(agent: BaseAgent): BaseAgent {
    const open = agent.getStream?.bind(agent);
    if (open === undefined) return agent;
    return Object.assign(agent, {
      getStream: (callback: GetStreamCallback) => {
        open((error, stream) => {
          if (stream instanceof Socket) {
            addAbortSignal(this.#signal, stream);
            stream.setTimeout(this.#limit, () => stream.destroy(new Error('does not answer')));
          }
          callback(error, stream);
        });
      },
    });
  }

  #choose(keys: KnownPublicKeys<ParsedKey>): ParsedKey[] {
    const parsed = keys.flatMap((key) => {
      const result = ssh2.utils.parseKey(key as ParsedKey);
      return result instanceof Error ? [] : [result];
    });
    const rank = (key: ParsedKey): number => this.#wanted.findIndex((wanted) => wanted.equals(key.getPublicSSH()));
    const wanted = parsed.filter((key) => rank(key) >= 0).sort((a, b) => rank(a) - rank(b));
    return this.#only ? wanted : [...wanted, ...parsed.filter((key) => rank(key) < 0)];
  }
}
