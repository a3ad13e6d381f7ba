import { type ServerHostKeyAlgorithm } from 'ssh2';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { type HostConfig } from './host-config.js';
import {
  appendKey,
  findKeys,
  fingerprint,
  judge,
  type KnownKey,
  keyTypeOf,
  type KnownName,
  knownName,
  type Verdict,
} from './known-hosts.js';
import { type Ask } from './settings.js';

export interface HostKeyOptions {
  readonly acceptNew: boolean;
  readonly ask: Ask | undefined;
  readonly signal: AbortSignal;
  readonly emitNote: (message: string) => void;
}

/** In our order of preference. */
const algorithms: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
  'ssh-rsa',
];

/** Proves that the host is the one that it was before. */
export class HostKeyCheck {
  readonly #config: HostConfig;
  readonly #options: HostKeyOptions;
  readonly #name: KnownName;
  readonly #known: readonly KnownKey[];

  /** @throws TransferError IO when a known_hosts file is there and cannot be read */
  constructor(config: HostConfig, options: HostKeyOptions) {
    this.#config = config;
    this.#options = options;
    this.#name = knownName(config.host, config.port, config.hostKeyAlias);
    this.#known = findKeys(this.#files(), this.#name.name);
  }

  /** What to ask the host for: first the kinds of key that it is known by. */
  algorithms(): ServerHostKeyAlgorithm[] {
    const types = new Set(this.#known.filter(({ revoked }) => !revoked).map(({ type }) => type));
    const isKnown = (algorithm: string): boolean => types.has(algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm);
    return [...algorithms.filter(isKnown), ...algorithms.filter((algorithm) => !isKnown(algorithm))];
  }

  /** Returns when the key is good, or taken. @throws TransferError HOST_REFUSED; the signal's reason */
  async check(key: Buffer): Promise<void> {
    const verdict = this.#judge(key);
    switch (verdict.kind) {
      case 'known':
        return;
      case 'revoked':
        throw this.#revoked(verdict.entry, key);
      case 'changed':
        throw this.#changed(verdict.entry, key);
      case 'unknown':
        await this.#meet(key);
    }
  }

  #judge(key: Buffer): Verdict {
    const verdict = judge(this.#known, key);
    if (verdict.kind !== 'unknown' || this.#name.plain === undefined) return verdict;
    // As OpenSSH: the same key under the name without a port will do, another one there says nothing.
    const plain = judge(findKeys(this.#files(), this.#name.plain), key);
    return plain.kind === 'changed' ? verdict : plain;
  }

  async #meet(key: Buffer): Promise<void> {
    const { strictHostKeyChecking: strict } = this.#config;
    const { ask, acceptNew } = this.#options;
    if (strict !== 'no' && strict !== 'accept-new' && !acceptNew) {
      if (strict === 'yes' || ask === undefined || this.#config.batch) throw this.#unknown(key, strict === 'yes');
      await this.#confirm(key, ask);
    }
    this.#note(key);
  }

  async #confirm(key: Buffer, ask: Ask): Promise<void> {
    const { signal } = this.#options;
    const found = fingerprint(key);
    let question = `${this.#who()} was never met. Its ${kindOf(key)} key is ${found}. Go on, and note it (yes/no)? `;
    for (;;) {
      const answer = (await ask.line(question, signal))?.trim() ?? 'no';
      if (answer.toLowerCase() === 'yes' || answer === found) return;
      if (answer.toLowerCase() === 'no' || answer.startsWith('SHA256:')) throw this.#declined(key);
      question = "Type 'yes', 'no' or the fingerprint: ";
    }
  }

  #note(key: Buffer): void {
    const [file] = this.#config.userKnownHostsFiles;
    if (file === undefined) return;
    const { emitNote } = this.#options;
    try {
      appendKey(file, this.#name.name, key);
      emitNote(`${this.#config.label}: new host; its ${kindOf(key)} key ${fingerprint(key)} was added to ${file}`);
    } catch (error) {
      if (!isTransferError(error)) throw error;
      emitNote(`${this.#config.label}: new host; its key could not be noted: ${error.message}`);
    }
  }

  #files(): readonly string[] {
    return [...this.#config.userKnownHostsFiles, ...this.#config.globalKnownHostsFiles];
  }

  #who(): string {
    const { label } = this.#config;
    return label.includes(this.#config.host) ? label : `${label} (${this.#name.name})`;
  }

  #revoked({ file, line }: KnownKey, key: Buffer): TransferError {
    return new TransferError(
      'HOST_REFUSED',
      `${this.#who()}: its ${kindOf(key)} key ${fingerprint(key)} is marked @revoked in ${file}, line ${String(line)}`,
      { hint: 'Do not connect before whoever runs that host has said why.' },
    );
  }

  #changed(entry: KnownKey, key: Buffer): TransferError {
    const where = `${entry.file}, line ${String(entry.line)}`;
    return new TransferError(
      'HOST_REFUSED',
      `${this.#who()}: the host key has changed: expected ${kindOf(entry.key)} ${fingerprint(entry.key)} ` +
        `(${where}), found ${kindOf(key)} ${fingerprint(key)}`,
      {
        hint:
          'Somebody may be listening in. Only if you know why it changed: ' +
          `ssh-keygen -R '${this.#name.name}' -f '${entry.file}'`,
      },
    );
  }

  #unknown(key: Buffer, strict: boolean): TransferError {
    const { host, port } = this.#config;
    const scan = `ssh-keyscan -p ${String(port)} ${host}`;
    return new TransferError(
      'HOST_REFUSED',
      `${this.#who()}: unknown host: its ${kindOf(key)} key ${fingerprint(key)} is in none of ` +
        this.#files()
          .map((file) => printable(file))
          .join(', ') +
        (strict ? ', and StrictHostKeyChecking is yes' : ', and there is no terminal to ask on'),
      {
        hint: strict
          ? `Compare the fingerprint, then add the key (${scan}).`
          : `Compare the fingerprint, then use --accept-new-host-key, or connect once with ssh, or add the key (${scan}).`,
      },
    );
  }

  #declined(key: Buffer): TransferError {
    return new TransferError('HOST_REFUSED', `${this.#who()}: its key ${fingerprint(key)} was not accepted`, {
      hint: 'Ask whoever runs that host for its fingerprint.',
    });
  }
}

const kindNames: Readonly<Record<string, string>> = { 'ssh-ed25519': 'ED25519', 'ssh-rsa': 'RSA', 'ssh-dss': 'DSA' };

function kindOf(key: Buffer): string {
  const type = keyTypeOf(key);
  return kindNames[type] ?? (type.startsWith('ecdsa-') ? 'ECDSA' : printable(type));
}
