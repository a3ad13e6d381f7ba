import { type SampledPart, type VerifyResult } from '../../commands/results.js';
import { faultLines } from './faults.js';
import { relianceLines } from './images.js';
import { type Report } from './report.js';
import { count } from './text.js';
import { formatBytes } from './units.js';
import { green, red, safe, type View } from './view.js';

/** What was not read must not be taken for whole. */
function sampleLine(sample: SampledPart | undefined): string[] {
  if (sample === undefined) return [];
  const { percent, day, since, blobs, bytes, of } = sample;
  const rules = [
    ...(percent === undefined ? [] : [`${String(percent)} % of ${day ?? ''}`]),
    ...(since === undefined ? [] : [`written since ${since.slice(0, 16).replace('T', ' ')} UTC`]),
  ];
  const part = `${String(blobs)} of ${count(of.blobs, 'layer')}, ${formatBytes(bytes)} of ${formatBytes(of.bytes)}`;
  return [`layers in part: ${part} (${rules.join(', and ')}); of the others, that they are there with their sizes`];
}

export function renderVerify(result: VerifyResult, view: View): Report {
  const read = `${count(result.images, 'image')}, ${count(result.blobs, 'blob')}, ${formatBytes(result.bytes)}`;
  const several = result.fingerprints.length > 1;
  const fingerprints = result.fingerprints.map(
    ({ source, fingerprint }) => `fingerprint ${fingerprint}${several ? `  ${safe(source)}` : ''}`,
  );
  if (result.faults.length === 0) {
    const lines = [
      `${green(result.sample === undefined ? 'verified' : 'verified in part', view)}: ${read}: every digest and diffID holds`,
      ...relianceLines(result.reliance),
      ...sampleLine(result.sample),
      ...fingerprints,
      ...(result.signed ?? []).map(
        ({ source, principals, keyFingerprint }) =>
          `signed by ${safe(principals)}, key ${keyFingerprint}${several ? `  ${safe(source)}` : ''}`,
      ),
    ];
    return { lines, errors: [], wanted: false };
  }
  const broken = new Set(result.faults.flatMap((fault) => fault.images)).size;
  const sum = `${count(result.faults.length, 'fault')}, ${String(broken)} of ${count(result.images, 'image')} broken`;
  const errors = [`${red('not verified', view)}: ${result.sources.map(safe).join(', ')}: ${sum}`];
  return { lines: faultLines(result.faults, view), errors, wanted: true };
}
