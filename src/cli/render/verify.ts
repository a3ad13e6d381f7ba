import { type VerifyResult } from '../../commands/results.js';
import { faultLines } from './faults.js';
import { type Report } from './report.js';
import { count } from './text.js';
import { formatBytes } from './units.js';
import { green, red, safe, type View } from './view.js';

export function renderVerify(result: VerifyResult, view: View): Report {
  const read = `${count(result.images, 'image')}, ${count(result.blobs, 'blob')}, ${formatBytes(result.bytes)}`;
  if (result.faults.length === 0) {
    const lines = [`${green('verified', view)}: ${read}: every digest and diffID holds`];
    return { lines, errors: [], wanted: false };
  }
  const broken = new Set(result.faults.flatMap((fault) => fault.images)).size;
  const sum = `${count(result.faults.length, 'fault')}, ${String(broken)} of ${count(result.images, 'image')} broken`;
  const errors = [`${red('not verified', view)}: ${result.sources.map(safe).join(', ')}: ${sum}`];
  return { lines: faultLines(result.faults, view), errors, wanted: true };
}
