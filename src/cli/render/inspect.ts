import {
  type HistoryEntry,
  type InspectedImage,
  type InspectedPlatform,
  type InspectResult,
} from '../../commands/results.js';
import { isArray, isObject, type Json, type JsonObject } from '../../model/json.js';
import { faultLines } from './faults.js';
import { digestLine, relianceLines } from './images.js';
import { type Report } from './report.js';
import { clip, count } from './text.js';
import { formatBytes } from './units.js';
import { bold, dim, nameOf, safe, type View } from './view.js';

export function renderInspect(result: InspectResult, view: View): Report {
  const blocks = result.images.map((image) => imageLines(image, view));
  const relied = relianceLines(result.reliance);
  if (relied.length > 0) blocks.push(relied);
  const lines = blocks.flatMap((block, at) => (at === 0 ? block : ['', ...block]));
  return { lines, errors: faultLines(result.faults, view), wanted: true };
}

function imageLines(image: InspectedImage, view: View): string[] {
  const blocks = image.platforms.map((platform) => platformLines(image, platform, view));
  const lesser = [
    ...image.artifacts.map(({ type, bytes }) => field('artifact', `${safe(type)}, ${formatBytes(bytes)}`, view)),
    ...(image.notIncluded.length === 0 ? [] : [field('left out', image.notIncluded.map(safe).join(', '), view)]),
  ];
  const head = image.platforms.length === 0 ? [bold(nameOf(image.name), view), digestLine('digest', image.digest)] : [];
  return [...head, ...blocks.flatMap((block, at) => (at === 0 ? block : ['', ...block])), ...lesser];
}

function platformLines(image: InspectedImage, platform: InspectedPlatform, view: View): string[] {
  const shared = platform.sharedBytes === 0 ? '' : `, ${formatBytes(platform.sharedBytes)} shared`;
  const assumed = platform.reliedBytes === undefined ? '' : `, ${formatBytes(platform.reliedBytes)} assumed`;
  return [
    `${bold(nameOf(image.name), view)}  ${safe(platform.platform)}`,
    digestLine('image ID', platform.imageId),
    digestLine('manifest', platform.manifest),
    field('size', `${formatBytes(platform.bytes)} in ${count(platform.layers, 'layer')}${shared}${assumed}`, view),
    ...(platform.created === undefined ? [] : [field('created', safe(platform.created), view)]),
    ...configLines(platform.config, view),
    ...historyLines(platform.history, view),
  ];
}

const LABEL = 12;

function field(label: string, value: string, view: View): string {
  const line = label.padEnd(LABEL) + value;
  return view.cut ? clip(line, view.width) : line;
}

/** What decides how a container of it runs. */
function configLines(document: Json, view: View): string[] {
  const config = isObject(document) && isObject(document['config']) ? document['config'] : {};
  const rows: (readonly [string, readonly string[]])[] = [
    ['entrypoint', commandLine(config['Entrypoint'])],
    ['command', commandLine(config['Cmd'])],
    ['user', text(config['User'])],
    ['folder', text(config['WorkingDir'])],
    ['env', isArray(config['Env']) ? config['Env'].flatMap(text) : []],
    ['ports', keys(config['ExposedPorts'])],
    ['volumes', keys(config['Volumes'])],
    ['labels', pairs(config['Labels'])],
  ];
  return rows.flatMap(([label, values]) => values.map((value, at) => field(at === 0 ? label : '', safe(value), view)));
}

const text = (value: Json | undefined): string[] => (typeof value === 'string' && value !== '' ? [value] : []);
const commandLine = (value: Json | undefined): string[] =>
  isArray(value) && value.length > 0 ? [JSON.stringify(value)] : text(value);
const members = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
const keys = (value: Json | undefined): string[] => {
  const names = Object.keys(members(value));
  return names.length === 0 ? [] : [names.join(', ')];
};
const pairs = (value: Json | undefined): string[] =>
  Object.entries(members(value)).map(
    ([key, part]) => `${key}=${typeof part === 'string' ? part : JSON.stringify(part)}`,
  );

function historyLines(history: readonly HistoryEntry[], view: View): string[] {
  if (history.length === 0) return [];
  return [
    dim(`${'SIZE'.padStart(9)}  STEP, the lowest layer first`, view),
    ...history.flatMap((step) => stepLines(step, view)),
  ];
}

function stepLines({ createdBy, comment, layer }: HistoryEntry, view: View): string[] {
  const size = layer === undefined ? '' : formatBytes(layer.bytes);
  const step = tidy(createdBy) || tidy(comment ?? '') || '(no history)';
  const line = `${size.padStart(9)}  ${safe(step)}`;
  const users = layer?.alsoIn ?? [];
  const also = `${' '.repeat(11)}also in ${users.map(nameOf).join(', ')}`;
  const relied = layer?.relied === true ? [`${' '.repeat(11)}not in it, assumed to be there`] : [];
  const shown = [line, ...relied, ...(users.length === 0 ? [] : [also])].map((each) =>
    view.cut ? clip(each, view.width) : each,
  );
  return shown.map((each, at) => (at === 0 && layer !== undefined ? each : dim(each, view)));
}

/** The step as its Dockerfile said it, on one line. */
function tidy(createdBy: string): string {
  return createdBy
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^\/bin\/sh -c #\(nop\) ?/, '')
    .replace(/^(RUN )?\/bin\/sh -c /, 'RUN ')
    .replace(/ # buildkit$/, '');
}
