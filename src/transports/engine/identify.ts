import { hostname } from 'node:os';
import { platformFrom } from '../../model/descriptor.js';
import { isArray, isObject, type Json } from '../../model/json.js';
import { type Platform } from '../../model/platform.js';
import { type Client } from './client.js';
import { type Engine } from './engine.js';
import { nerdctlFrom } from './nerdctl.js';

/** An engine from what `version` and `info` print as JSON; undefined when they do not tell of a server. */
export function engineFrom(client: Client, version: Json | undefined, info: Json | undefined): Engine | undefined {
  const host = at(info, 'host');
  if (isObject(host)) return podmanFrom(client, host, info);
  return nerdctlFrom(client, version, info) ?? dockerFrom(client, version, info);
}

/** Podman also when its client is called `docker` (the podman-docker package). */
function podmanFrom(client: Client, host: Json, info: Json | undefined): Engine | undefined {
  const version = textAt(info, 'version', 'Version') ?? textAt(info, 'version', 'APIVersion');
  if (version === undefined) return undefined;
  return {
    machine: client.machine,
    command: client.command,
    family: 'podman',
    version,
    apiVersion: textAt(info, 'version', 'APIVersion') ?? version,
    storageDriver: textAt(info, 'store', 'graphDriverName') ?? 'unknown',
    dataRoot: isThisMachine(textAt(host, 'hostname')) ? textAt(info, 'store', 'graphRoot') : undefined,
    platform: platformOf(textAt(host, 'os'), textAt(host, 'arch'), textAt(host, 'variant')),
  };
}

function dockerFrom(client: Client, version: Json | undefined, info: Json | undefined): Engine | undefined {
  const server = at(version, 'Server');
  const serverVersion = textAt(server, 'Version');
  const driver = textAt(info, 'Driver');
  if (serverVersion === undefined || driver === undefined) return undefined;
  return {
    machine: client.machine,
    command: client.command,
    family: hasContainerdStore(at(info, 'DriverStatus')) ? 'containerd' : 'graphdriver',
    version: serverVersion,
    apiVersion: lowerVersion(textAt(server, 'ApiVersion'), textAt(version, 'Client', 'ApiVersion')),
    storageDriver: driver,
    dataRoot: isThisMachine(textAt(info, 'Name')) ? textAt(info, 'DockerRootDir') : undefined,
    platform: platformOf(textAt(server, 'Os'), textAt(server, 'Arch'), undefined),
  };
}

/** A client may lead to another machine, or to a virtual one, by itself: by DOCKER_HOST or a context. */
const isThisMachine = (name: string | undefined): boolean => name === hostname();

/** Docker 24 to 29: `docker info` lists `driver-type: io.containerd.snapshotter.v1`, and says so nowhere else. */
function hasContainerdStore(status: Json | undefined): boolean {
  return isArray(status) && status.some((row) => isArray(row) && row[1] === 'io.containerd.snapshotter.v1');
}

/** The API that both ends speak. The client's is already the negotiated one, except where it cannot negotiate. */
function lowerVersion(a: string | undefined, b: string | undefined): string {
  if (a === undefined || b === undefined) return a ?? b ?? '0';
  const minor = (text: string): number => Number(text.split('.')[1] ?? 0);
  return minor(a) <= minor(b) ? a : b;
}

/** In Go's words, as image configs have them. */
function platformOf(os: string | undefined, arch: string | undefined, variant: string | undefined): Platform {
  return platformFrom(os ?? 'linux', arch ?? 'amd64', variant === '' ? undefined : variant, undefined);
}

function at(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((here, key) => (isObject(here) ? here[key] : undefined), value);
}

function textAt(value: Json | undefined, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === 'string' && found !== '' ? found : undefined;
}
