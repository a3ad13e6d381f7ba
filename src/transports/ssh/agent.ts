import ssh2, {
  type BaseAgent,
  type IdentityCallback,
  type KnownPublicKeys,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
} from 'ssh2';
import { systemCodeOf } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { type IdentityFile } from './identity.js';

type Key = string | Buffer | ParsedKey;

/** An agent's keys in OpenSSH's order: first those of the identity files; with IdentitiesOnly no others. */
export class ChoosyAgent extends ssh2.BaseAgent {
  readonly #agent: BaseAgent;
  readonly #wanted: readonly Buffer[];
  readonly #only: boolean;

  constructor(socket: string, identities: readonly IdentityFile[], only: boolean) {
    super();
    this.#agent = ssh2.createAgent(socket);
    this.#wanted = identities.flatMap((identity) =>
      identity.kind === 'missing' || identity.publicKey === undefined ? [] : [identity.publicKey],
    );
    this.#only = only;
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
    if (typeof options === 'function') this.#agent.sign(key, data, options);
    else this.#agent.sign(key, data, options ?? {}, callback);
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
