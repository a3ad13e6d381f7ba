import { type Inventory } from '../../model/inventory.js';
import { inventoryFrom } from '../../model/inventory-reader.js';
import { parseJson } from '../../model/json.js';
import { TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { compactJson, isCompact } from './compact.js';

export { compactInventory } from './compact.js';

/** Bytes from the beginning of a file by which an inventory is recognised. */
export const HEAD_BYTES = 256;

/** Whether a file that begins so is an inventory, or some other JSON, which no archive is. */
export function looksLikeInventory(head: Uint8Array): boolean {
  const text = startOf(head);
  return isCompact(text) || /^\{\s*"/.test(text);
}

/**
 * An inventory out of its JSON or its compact form.
 * @throws TransferError BAD_ARCHIVE when it is none, or was changed, and LIMIT; `where` names the file
 */
export function parseInventory(bytes: Uint8Array, where: string): Inventory {
  if (bytes.byteLength > limits.listBytes) {
    throw new TransferError(
      'LIMIT',
      `${where}: larger than the ${String(limits.listBytes)} bytes that are read of an inventory`,
      {
        side: 'source',
        hint: 'No place has so much; check where the file comes from.',
      },
    );
  }
  const text = startOf(bytes);
  return inventoryFrom(parseJson(isCompact(text) ? compactJson(text, where) : Buffer.from(text), where), where);
}

/** Editors and mail put marks and blank lines before a text; PowerShell's `>` writes UTF-16. */
function startOf(bytes: Uint8Array): string {
  const isWide = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(isWide ? 'utf-16le' : 'utf-8').decode(bytes).trimStart();
}
