import { type ServerHostKeyAlgorithm } from 'ssh2';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { type HostConfig } from './host-config.js';
import {
  appendKey,
  findKeys,
  fingerprint,
  hashedName,
  isRevoked,
  judge,
  type KnownKey,
  keyTypeOf,
  type KnownName,
  knownName,
  type Verdict,
} from './known-hosts.js';
import { remembered } from './memory.js';
import { type Ask, type Company } from './settings.js';

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
  readonly #options: Company;
  readonly #name: KnownName;
  readonly #known: readonly KnownKey[];
  /** The key that was found good: it stays, also when keys are exchanged anew in the middle of a transfer. */
  #good: Buffer | undefined;

  /** @throws TransferError IO when a known_hosts file is there and cannot be read */
  constructor(config: HostConfig, options: Company) {
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
    if (this.#good?.equals(key) === true) return;
    if (this.#good !== undefined) throw this.#swapped(this.#good, key);
    await this.#checkFirst(key);
    this.#good = Buffer.from(key);
  }

  async #checkFirst(key: Buffer): Promise<void> {
    const { revokedHostKeys } = this.#config;
    if (revokedHostKeys !== undefined && isRevoked(revokedHostKeys, key))
      throw this.#revoked(`revoked in ${revokedHostKeys}`, key);
    const verdict = this.#judge(key);
    switch (verdict.kind) {
      case 'known':
        return;
      case 'revoked':
        throw this.#revoked(`marked @revoked in ${verdict.entry.file}, line ${String(verdict.entry.line)}`, key);
      case 'changed':
        throw this.#changed(verdict.entry, key);
      case 'unknown':
        await this.#meet(key);
    }
  }

  #judge(key: Buffer): Verdict {
    // Read anew: another host of this run, or another program, may have met it meanwhile.
    const verdict = judge(findKeys(this.#files(), this.#name.name), key);
    if (this.#name.plain === undefined) return verdict;
    // As OpenSSH: the same key under the name without a port will do, another one there says nothing.
    const plain = judge(findKeys(this.#files(), this.#name.plain), key);
    if (plain.kind === 'revoked') return plain;
    return verdict.kind === 'unknown' && plain.kind === 'known' ? plain : verdict;
  }

  async #meet(key: Buffer): Promise<void> {
    const { strictHostKeyChecking: strict } = this.#config;
    const { ask } = this.#options;
    if (strict !== 'no' && strict !== 'accept-new') {
      if (strict === 'yes' || ask === undefined || this.#config.batch) throw this.#unknown(key, strict === 'yes');
      const name = `host key ${this.#name.name} ${fingerprint(key)}`;
      const answer = await remembered(ask, name, undefined, () => this.#confirm(key, ask));
      if (answer !== 'yes') throw this.#declined(key);
    }
    if (this.#judge(key).kind === 'unknown') this.#note(key);
  }

  async #confirm(key: Buffer, ask: Ask): Promise<'yes' | 'no'> {
    const { signal } = this.#options;
    const found = fingerprint(key);
    let question = [
      `${this.#who()}: a host that was never met.`,
      `Its ${kindOf(key)} key is ${found}.`,
      'Go on, and note it (yes/no/fingerprint)? ',
    ].join('\n');
    for (;;) {
      const answer = (await ask.line(question, signal))?.trim() ?? 'no';
      if (answer.toLowerCase() === 'yes' || answer === found) return 'yes';
      if (answer.toLowerCase() === 'no' || answer.startsWith('SHA256:')) return 'no';
      question = "Type 'yes', 'no' or the fingerprint: ";
    }
  }

  #note(key: Buffer): void {
    const { userKnownHostsFiles, hashKnownHosts } = this.#config;
    const [file] = userKnownHostsFiles;
    if (file === undefined) return;
    const { emitNote } = this.#options;
    try {
      appendKey(file, hashKnownHosts ? hashedName(this.#name.name) : this.#name.name, key);
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

  #revoked(how: string, key: Buffer): TransferError {
    return new TransferError('HOST_REFUSED', `${this.#who()}: its ${kindOf(key)} key ${fingerprint(key)} is ${how}`, {
      hint: 'Do not connect before whoever runs that host has said why.',
    });
  }

  #swapped(good: Buffer, key: Buffer): TransferError {
    return new TransferError(
      'HOST_REFUSED',
      `${this.#who()}: it showed another key in the middle: first ${fingerprint(good)}, then ${fingerprint(key)}`,
      { hint: 'Somebody may be listening in.' },
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
    const { host, port, userKnownHostsFiles } = this.#config;
    const [file = 'none'] = userKnownHostsFiles;
    const scan = `ssh-keyscan -p ${String(port)} ${host}`;
    return new TransferError(
      'HOST_REFUSED',
      `${this.#who()}: unknown host: its ${kindOf(key)} key ${fingerprint(key)} is not in ${printable(file)}` +
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
