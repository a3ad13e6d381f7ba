import { type PackResult } from '../../commands/results.js';
import { fingerprintOf } from '../../model/fingerprint.js';
import { digestLine, imageTable, totalLines } from './images.js';
import { type Report } from './report.js';
import { count } from './text.js';
import { formatBytes } from './units.js';
import { bold, green, safe, type View, yellow } from './view.js';

/** More rows than this hide the summary below them; `ferry list` shows the rest. */
const MAX_IMAGES = 40;

export function renderPack(result: PackResult, view: View): Report {
  const lines = [
    // What was packed is what was asked for; a plan is looked at.
    ...(result.dryRun ? [...plannedImages(result, view), ''] : []),
    ...totalLines(result.totals, result.twins, result.reliance),
    ...noteLines(result.notes, view),
    '',
    ...outcome(result, view),
  ];
  return { lines, errors: [], wanted: result.dryRun };
}

function plannedImages({ images }: PackResult, view: View): string[] {
  const hidden = images.length - MAX_IMAGES;
  const table = imageTable(images.slice(0, MAX_IMAGES), view);
  return hidden > 0 ? [...table, `... and ${count(hidden, 'more image')}`] : table;
}

export const noteLines = (notes: readonly string[], view: View): string[] =>
  notes.map((note) => `${yellow('note', view)}: ${safe(note)}`);

function outcome(result: PackResult, view: View): string[] {
  const target = bold(result.output === '-' ? 'standard output' : safe(result.output), view);
  if (result.dryRun) return [dryRunLine(result, target)];
  const { fileSize, bytesMoved, tarDigest, lists } = result.receipt ?? {};
  // A folder has no size of its own: what counts is what was added to it.
  const added = bytesMoved === undefined ? '' : `, an OCI layout folder, ${formatBytes(bytesMoved)} written`;
  return [
    `${green('packed', view)}: ${target}${shapeOf(result)}${fileSize === undefined ? added : `, ${formatBytes(fileSize)}`}`,
    ...(tarDigest === undefined ? [] : [digestLine('tar', tarDigest)]),
    ...(lists === undefined ? [] : [`fingerprint ${fingerprintOf(lists)}`]),
    ...(result.signer === undefined ? [] : [`signed by ${safe(result.signer)}`]),
    ...readBackLines(result.readBack, view),
  ];
}

/** What there is to be found of it: not always a file of that name. */
function shapeOf({ files = [] }: PackResult): string {
  const volumes = files.flatMap(({ name }) => /\.\d{3}$/.exec(name)?.[0] ?? []);
  const [first = ''] = volumes;
  const range = volumes.length > 1 ? `${first} to ${volumes.at(-1) ?? ''}` : first;
  const cut = volumes.length === 0 ? '' : `, ${count(volumes.length, 'volume')} (${range})`;
  const kit = files.some(({ name }) => name === 'load.sh') ? ', a kit: at the site, sh load.sh' : '';
  return `${kit}${cut}`;
}

function readBackLines(readBack: PackResult['readBack'], view: View): string[] {
  if (readBack === undefined) return [];
  if (!readBack.cacheMayHaveAnswered) return ['read back from the device: every byte is what was written'];
  const doubt = `${readBack.fileSystem} may have answered from memory; take the drive out, put it in again, and run ferry verify`;
  return ['read back: every byte is what was written', ...noteLines([doubt], view)];
}

function dryRunLine({ totals: { bytesToCopy, bytesUnique }, bytesAtMost }: PackResult, target: string): string {
  if (bytesAtMost !== undefined) return `dry run: up to ${formatBytes(bytesAtMost)} would be written to ${target}`;
  const present = bytesUnique - bytesToCopy;
  const there = present === 0 ? '' : ` (${formatBytes(present)} are there already)`;
  return `dry run: ${formatBytes(bytesToCopy)} would be written to ${target}${there}`;
}
