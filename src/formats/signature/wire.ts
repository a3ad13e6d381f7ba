import { createHash } from 'node:crypto';
import { TransferError } from '../../primitives/errors.js';

/** Bytes with their length before them, as SSH writes them (RFC 4251, section 5, "string"). */
export function sized(bytes: Uint8Array | string): Buffer {
  const data = Buffer.from(bytes);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(data.length);
  return Buffer.concat([size, data]);
}

/** Reads what SSH writes, from its first byte. `where` is what errors name. */
export class WireReader {
  readonly #bytes: Buffer;
  readonly #where: string;
  #at = 0;

  constructor(bytes: Buffer, where: string) {
    this.#bytes = bytes;
    this.#where = where;
  }

  /** @throws TransferError BAD_ARCHIVE, as all of these, when less is there */
  take(count: number): Buffer {
    if (count > this.#bytes.length - this.#at) throw malformed(this.#where, 'it ends in the middle');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  string(): Buffer {
    return this.take(this.uint32());
  }

  text(): string {
    return this.string().toString('latin1');
  }

  /** A whole number that is not negative, without the zeros before it (RFC 4251, "mpint"). */
  number(): Buffer {
    const bytes = this.string();
    if (((bytes[0] ?? 0) & 0x80) !== 0) throw malformed(this.#where, 'a number in it is negative');
    const first = bytes.findIndex((byte) => byte !== 0);
    return first < 0 ? Buffer.alloc(0) : bytes.subarray(first);
  }

  rest(): Buffer {
    return this.take(this.#bytes.length - this.#at);
  }

  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw malformed(this.#where, `${String(left)} bytes after its end`);
  }
}

/** The error of all of these parsers. */
export function malformed(where: string, why: string, cause?: unknown): TransferError {
  return new TransferError('BAD_ARCHIVE', `${where}: ${why}`, {
    hint: 'The file was damaged, or is no such file; get it again from whoever made it.',
    cause,
  });
}

/** Of a public key in its wire form, as `ssh-keygen -l` shows it. */
export function keyFingerprint(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** Bytes of base64; undefined: it is none. White space is for the caller to remove. */
export function fromBase64(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  return Buffer.from(text, 'base64');
}
