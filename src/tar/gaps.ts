import { type ByteStream } from '../primitives/bytes.js';
import { isTransferError } from '../primitives/errors.js';
import { limits } from '../primitives/limits.js';
import { type Gap } from '../primitives/spool.js';
import { type Overrides, parseGnuLong, parsePax } from './extensions.js';
import { BLOCK, decodeHeader, type TarHeader } from './header.js';
import { padded } from './index-tar.js';

/**
 * A tar with gaps in place of the contents of members that `drop` names: everything else stays where it was. What is
 * wrong with the tar is not said here, but by whoever reads what comes out.
 */
export async function* withGaps(tar: ByteStream, drop: (name: string) => boolean): AsyncGenerator<Uint8Array | Gap> {
  const walker = new Walker(drop);
  for await (const chunk of tar) {
    for (let at = 0; at < chunk.byteLength;) {
      const { length, dropped } = walker.take(chunk.subarray(at));
      if (dropped) yield { gap: length };
      else yield chunk.subarray(at, at + length);
      at += length;
    }
  }
}

/** Follows a tar from header to header. */
class Walker {
  readonly #drop: (name: string) => boolean;
  /** What is being collected: a header, or the contents of an extension header. */
  #held: Buffer[] = [];
  #wanted = BLOCK;
  #extension: TarHeader | undefined;
  #overrides: Overrides = {};
  /** Bytes of contents still to pass by. */
  #content = 0;
  #dropped = false;

  constructor(drop: (name: string) => boolean) {
    this.#drop = drop;
  }

  /** How many of the next bytes belong together, at least one, and whether they go. */
  take(bytes: Uint8Array): { readonly length: number; readonly dropped: boolean } {
    if (this.#content > 0) {
      const length = Math.min(this.#content, bytes.byteLength);
      this.#content -= length;
      return { length, dropped: this.#dropped };
    }
    const length = Math.min(this.#wanted, bytes.byteLength);
    this.#held.push(Buffer.from(bytes.subarray(0, length)));
    this.#wanted -= length;
    if (this.#wanted === 0) this.#collected(Buffer.concat(this.#held));
    return { length, dropped: false };
  }

  #collected(bytes: Buffer): void {
    this.#held = [];
    this.#wanted = BLOCK;
    try {
      if (this.#extension === undefined) this.#header(bytes);
      else this.#extended(this.#extension, bytes);
    } catch (error) {
      if (!isTransferError(error)) throw error;
      this.#pass(Infinity, false);
    }
  }

  #header(bytes: Buffer): void {
    const header = decodeHeader(bytes, 'a header');
    if (header === undefined) this.#pass(Infinity, false);
    else if (!'xgLK'.includes(header.flag)) this.#member(header);
    else if (header.size > limits.tarMetadataBytes) this.#pass(Infinity, false);
    else if (header.size > 0) {
      this.#extension = header;
      this.#wanted = padded(header.size);
    }
  }

  #extended({ flag, size }: TarHeader, padding: Buffer): void {
    this.#extension = undefined;
    const bytes = padding.subarray(0, size);
    if (flag === 'L') this.#overrides = { ...this.#overrides, name: parseGnuLong(bytes, 'a name') };
    if (flag === 'x') this.#overrides = { ...this.#overrides, ...parsePax(bytes, 'a PAX header') };
  }

  #member(header: TarHeader): void {
    const { name = header.name, size = header.size } = this.#overrides;
    this.#overrides = {};
    const hasContent = !'123456'.includes(header.flag);
    this.#pass(hasContent ? padded(size) : 0, header.flag === '0' && this.#drop(name));
  }

  #pass(bytes: number, dropped: boolean): void {
    this.#content = bytes;
    this.#dropped = dropped;
  }
}
