import {
  goBool,
  goCommand,
  type GoField,
  goInstant,
  goInt,
  goText,
  goTexts,
  mapOf,
  pointerTo,
  readStruct,
  structOf,
} from './go-types.js';
import { type RawJson } from './raw-json.js';

const omitEmpty = true;
const nothing = structOf([]);

/** moby api/types/container/config.go, HealthConfig (20.10). */
const health = structOf([
  { name: 'Test', type: goTexts, omitEmpty },
  { name: 'Interval', type: goInt, omitEmpty },
  { name: 'Timeout', type: goInt, omitEmpty },
  { name: 'StartPeriod', type: goInt, omitEmpty },
  { name: 'Retries', type: goInt, omitEmpty },
]);

/** moby api/types/container/config.go, Config (20.10). */
const containerConfig = structOf([
  { name: 'Hostname', type: goText },
  { name: 'Domainname', type: goText },
  { name: 'User', type: goText },
  { name: 'AttachStdin', type: goBool },
  { name: 'AttachStdout', type: goBool },
  { name: 'AttachStderr', type: goBool },
  { name: 'ExposedPorts', type: mapOf(nothing), omitEmpty },
  { name: 'Tty', type: goBool },
  { name: 'OpenStdin', type: goBool },
  { name: 'StdinOnce', type: goBool },
  { name: 'Env', type: goTexts },
  { name: 'Cmd', type: goCommand },
  { name: 'Healthcheck', type: pointerTo(health), omitEmpty },
  { name: 'ArgsEscaped', type: goBool, omitEmpty },
  { name: 'Image', type: goText },
  { name: 'Volumes', type: mapOf(nothing) },
  { name: 'WorkingDir', type: goText },
  { name: 'Entrypoint', type: goCommand },
  { name: 'NetworkDisabled', type: goBool, omitEmpty },
  { name: 'MacAddress', type: goText, omitEmpty },
  { name: 'OnBuild', type: goTexts },
  { name: 'Labels', type: mapOf(goText) },
  { name: 'StopSignal', type: goText, omitEmpty },
  { name: 'StopTimeout', type: pointerTo(goInt), omitEmpty },
  { name: 'Shell', type: goCommand, omitEmpty },
]);

/** moby image/image.go, V1Image (20.10). */
const v1Image: readonly GoField[] = [
  { name: 'id', type: goText, omitEmpty },
  { name: 'parent', type: goText, omitEmpty },
  { name: 'comment', type: goText, omitEmpty },
  { name: 'created', type: goInstant },
  { name: 'container', type: goText, omitEmpty },
  { name: 'container_config', type: containerConfig },
  { name: 'docker_version', type: goText, omitEmpty },
  { name: 'author', type: goText, omitEmpty },
  { name: 'config', type: pointerTo(containerConfig), omitEmpty },
  { name: 'architecture', type: goText, omitEmpty },
  { name: 'variant', type: goText, omitEmpty },
  { name: 'os', type: goText, omitEmpty },
  { name: 'Size', type: goInt, omitEmpty },
];

/**
 * A v1 image's JSON as Docker 20.10 reads and writes it again: fields that it does not know are gone, those that it
 * does know have Go's form.
 * @throws TransferError BAD_ARCHIVE when Docker would refuse it; `where` names the member.
 */
export function readV1Image(raw: RawJson, where: string): ReadonlyMap<string, RawJson> {
  return new Map(readStruct(v1Image, raw, where));
}
