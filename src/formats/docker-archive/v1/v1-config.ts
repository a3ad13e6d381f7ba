import { parseJson } from '../../../model/json.js';
import { type Digest } from '../../../primitives/digest.js';
import { badArchive } from '../member-name.js';
import { compact, goMap, goString, rawElements, type RawJson, rawMembers } from './raw-json.js';
import { readV1Image } from './v1-image.js';

/** A v1 image's `json` member. */
export interface V1Document {
  readonly raw: RawJson;
  /** As Docker's V1Image struct has it. */
  readonly fields: ReadonlyMap<string, RawJson>;
  /** v1 ID of the image below; undefined for the lowest one. */
  readonly parent: string | undefined;
}

/** @throws TransferError BAD_ARCHIVE when Docker would refuse it; `where` names the member. */
export function parseV1Document(bytes: Uint8Array, where: string): V1Document {
  parseJson(bytes, where);
  const raw = new TextDecoder().decode(bytes).trim();
  const fields = readV1Image(raw, where);
  const parent = fields.get('parent');
  return { raw, fields, parent: parent === undefined ? undefined : (JSON.parse(parent) as string) };
}

/**
 * One entry of `history` (moby image/v1/imagev1.go, HistoryFromConfig). Every v1 image counts as a layer. Docker 25 and
 * later put `author` behind `created_by` (measured on 26.1.5 and 28.5.2): there, images with an author get another ID.
 */
export function historyEntry({ fields }: V1Document, where: string): RawJson {
  const created = fields.get('created');
  if (created === undefined) throw badArchive(`${where}: expected a time, found nothing`);
  const text = (key: string, value: RawJson | undefined): string[] =>
    value === undefined || value === '""' ? [] : [`${goString(key)}:${value}`];
  const parts = [
    `"created":${created}`,
    ...text('author', fields.get('author')),
    ...text('created_by', createdBy(fields)),
    ...text('comment', fields.get('comment')),
  ];
  return `{${parts.join(',')}}`;
}

/** The command of the container that became the layer, joined by spaces. */
function createdBy(fields: ReadonlyMap<string, RawJson>): RawJson {
  const config = rawMembers(fields.get('container_config') ?? '{}') ?? [];
  const command = rawElements(config.find(([key]) => key === 'Cmd')?.[1] ?? '[]') ?? [];
  return goString(command.map((element) => JSON.parse(element) as string).join(' '));
}

/** What belonged to the v1 form only. */
const dropped = new Set(['id', 'parent', 'Size', 'parent_id', 'layer_id', 'throwaway', 'rootfs', 'history']);

/**
 * The config of an image that is known by its v1 `json` members, with the bytes (hence the image ID) that Docker 20.10
 * gives it when it loads them (moby image/v1/imagev1.go, MakeConfigFromV1Config).
 * `history` and `diffIds` are those of the whole chain, bottom first.
 */
export function makeV1Config(image: V1Document, history: readonly RawJson[], diffIds: readonly Digest[]): Buffer {
  const kept = isBefore183(image.fields.get('docker_version'))
    ? [...image.fields]
    : (rawMembers(image.raw) ?? []).map(([key, value]) => [key, compact(value)] as const);
  const entries = kept.filter(([key]) => !dropped.has(key));
  const rootfs = `{"type":"layers","diff_ids":[${diffIds.map((id) => `"${id}"`).join(',')}]}`;
  const document = goMap([...entries, ['rootfs', rootfs], ['history', `[${history.join(',')}]`]]);
  return Buffer.from(document, 'utf8');
}

/**
 * Whether the image was written by Docker before 1.8.3, or by something that does not say: then Docker passes it
 * through its struct (moby api/types/versions: the parts are compared as numbers, what is none counts as 0).
 */
function isBefore183(dockerVersion: RawJson | undefined): boolean {
  const text = dockerVersion === undefined ? '' : (JSON.parse(dockerVersion) as string);
  const parts = text.split('.').map((part) => (/^[+-]?\d+$/.test(part) ? Number(part) : 0));
  const limit = [1, 8, 3];
  for (let i = 0; i < Math.max(parts.length, limit.length); i++) {
    const [have, want] = [parts[i] ?? 0, limit[i] ?? 0];
    if (have !== want) return have < want;
  }
  return false;
}
