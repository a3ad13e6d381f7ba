import { type InventoryOptions } from '../../commands/options.js';
import { type InventoryResult } from '../../commands/results.js';
import { digestLine } from './images.js';
import { type Report } from './report.js';
import { count } from './text.js';
import { formatBytes } from './units.js';
import { bold, green, safe, type View } from './view.js';

/** Without a file the document is the result, and nothing else may be printed. */
export function renderInventory(result: InventoryResult, view: View, options: InventoryOptions): Report {
  const { document, output, place } = result;
  if (document !== undefined) return { lines: document.trimEnd().split('\n'), errors: [], wanted: true };
  const what = place.kind === 'engine' ? `${safe(place.engine)}, ${safe(place.platform)}` : 'archive';
  const size = options.compact === true ? [] : [`${String(result.compactCharacters)} characters with --compact`];
  const written = [bold(safe(output ?? ''), view), formatBytes(result.bytes), ...size];
  const lines = [
    `${what}: ${[count(result.images, 'image'), count(result.layers, 'layer'), ...blobs(result)].join(', ')}`,
    `${green('written', view)}: ${written.join(', ')}`,
    digestLine('inventory', result.digest),
  ];
  return { lines, errors: [], wanted: false };
}

/** What is not known cannot be left out. A graph driver keeps no blobs, and needs none. */
function blobs({ place, blobs: known }: InventoryResult): string[] {
  if (place.kind === 'engine' && place.store === 'graphdriver') return [];
  return [known === 0 ? 'blobs not known' : `${count(known, 'blob')} known`];
}
