import { type ListResult } from '../../commands/results.js';
import { faultLines } from './faults.js';
import { imageTable, relianceLines, totalLines } from './images.js';
import { type Report } from './report.js';
import { safe, type View } from './view.js';

export function renderList(result: ListResult, view: View): Report {
  const errors = faultLines(result.faults, view);
  if (result.images.length === 0) {
    return { lines: [`no images in ${result.sources.map(safe).join(', ')}`], errors, wanted: true };
  }
  const lines = [
    ...imageTable(result.images, view),
    '',
    ...totalLines(result.totals, result.twins, result.reliance),
    ...relianceLines(result.reliance),
    ...result.fingerprints.map(({ fingerprint }) => `fingerprint ${fingerprint}`),
  ];
  return { lines, errors, wanted: true };
}
