export interface RawHeader {
  readonly name: string;
  readonly size?: number;
  /** The twelve bytes of the size field, instead of `size`. */
  readonly sizeField?: Buffer | string;
  readonly flag?: string;
  readonly link?: string;
  readonly prefix?: string;
  /** `ustar\0` 00 by default; empty: v7. */
  readonly magic?: string;
  /** As old programs with signed characters summed it. */
  readonly signedChecksum?: boolean;
}

/** One tar header block, with whatever in it, and a right checksum. */
export function rawHeader({ name, size = 0, ...rest }: RawHeader): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100);
  block.write('0000644\0', 100);
  if (typeof rest.sizeField === 'object') rest.sizeField.copy(block, 124);
  else block.write(rest.sizeField ?? `${size.toString(8).padStart(11, '0')}\0`, 124, 12, 'latin1');
  block.write('00000000000\0', 136);
  block.write(rest.flag ?? '0', 156, 1, 'latin1');
  block.write(rest.link ?? '', 157, 100);
  block.write(rest.magic ?? 'ustar\x0000', 257, 8, 'latin1');
  block.write(rest.prefix ?? '', 345, 155);
  block.fill(0x20, 148, 156);
  const sum = block.reduce(
    (total, byte) => total + (rest.signedChecksum === true && byte > 127 ? byte - 256 : byte),
    0,
  );
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** Contents, padded to whole blocks. */
export function blocks(contents: Buffer | string): Buffer {
  const bytes = Buffer.from(contents);
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

export const rawFile = (name: string, contents: Buffer | string, header: Partial<RawHeader> = {}): Buffer =>
  Buffer.concat([rawHeader({ name, size: Buffer.byteLength(contents), ...header }), blocks(contents)]);

/** A PAX extended header (type `x`, or `g`). */
export function pax(values: Readonly<Record<string, string>>, flag = 'x'): Buffer {
  const records = Object.entries(values).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest + String(rest).length;
    if (rest + String(length).length !== length) length = rest + String(length).length;
    return `${String(length)} ${key}=${value}\n`;
  });
  return rawFile('PaxHeaders/x', records.join(''), { flag });
}

export const endOfTar = Buffer.alloc(1024);
