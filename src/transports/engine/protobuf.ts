// As much of the wire format of Protocol Buffers (encoding.md) as reading texts and messages needs.

const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];

/**
 * The values of field `wanted` that have bytes (texts, messages), in order.
 * @throws RangeError when `message` is none
 */
export function* fieldsOf(message: Buffer, wanted: number): Generator<Buffer> {
  for (let at = 0; at < message.byteLength;) {
    const [tag, start] = varint(message, at);
    const [kind, field] = [tag & 7, tag >>> 3];
    const [value, next] = kind === BYTES ? varint(message, start) : [0, start];
    at = kind === VARINT ? varint(message, start)[1] : next + (kind === BYTES ? value : fixedSize(kind));
    if (at > message.byteLength) throw new RangeError('a field is cut');
    if (kind === BYTES && field === wanted) yield message.subarray(next, at);
  }
}

/** The last value of a text field; empty when there is none, as the format has it. */
export function textOf(message: Buffer, wanted: number): string {
  let text = '';
  for (const bytes of fieldsOf(message, wanted)) text = bytes.toString('utf8');
  return text;
}

function fixedSize(kind: number): number {
  if (kind === FIXED64) return 8;
  if (kind === FIXED32) return 4;
  throw new RangeError(`no such kind of field: ${String(kind)}`);
}

/** A number, and where it ends. Of those above 2^31, which are sizes of what we do not read, only the end counts. */
function varint(bytes: Buffer, start: number): readonly [number, number] {
  let value = 0;
  for (let at = start; at < start + 10; at++) {
    const byte = bytes[at];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * (at - start));
    if (byte < 0x80) return [value, at + 1];
  }
  throw new RangeError('a number is cut');
}
