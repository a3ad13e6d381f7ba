import { type Digest, isDigest } from '../../primitives/digest.js';
import { platformFrom } from '../../model/descriptor.js';
import { type Platform } from '../../model/platform.js';
import { type Client } from './client.js';
import { type Engine } from './engine.js';
import { answer } from './query.js';

/** A name in containerd and what it leads to. */
export interface CtrImage {
  /** As it is: containerd does not fill in hosts or tags. */
  readonly name: string;
  readonly target: Digest;
  /** Bytes of its blobs that are there, for the host's platform; 0 where containerd cannot tell. */
  readonly size: number;
}

/** The state of an image for the host's platform, as `ctr images check` tells it. */
export interface CtrCheck {
  readonly target: Digest;
  /** Every blob is there. */
  readonly complete: boolean;
  /** A container can start from it. False also when a layer was not what the config says. */
  readonly unpacked: boolean;
}

/**
 * containerd from what `ctr version` and `ctr plugins ls` print (1.6 to 2.1, also `k3s ctr`); undefined when they do
 * not tell of a server.
 */
export function ctrEngineFrom(client: Client, version: string, plugins: string): Engine | undefined {
  const [own, server] = ['Client', 'Server'].map((part) =>
    new RegExp(`^${part}:\\n(?: .*\\n)*? +Version: +v?(\\S+)`, 'm').exec(version)?.[1]?.replace(/\+unknown$/, ''),
  );
  if (own === undefined || server === undefined) return undefined;
  const rows = plugins.split('\n').map((line) => line.trim().split(/\s+/));
  const snapshotters = rows.filter(([type, , , status]) => /\.snapshotter\.v1$/.test(type ?? '') && status === 'ok');
  const runtime = rows.find(([type, , platform]) => /\.(?:differ|runtime)\./.test(type ?? '') && platform !== '-');
  return {
    machine: client.machine,
    command: client.command,
    family: 'ctr',
    version: server,
    apiVersion: own,
    storageDriver: (snapshotters.find(([, id]) => id === 'overlayfs') ?? snapshotters[0])?.[1] ?? 'unknown',
    platform: platformOf(runtime?.[2]),
  };
}

/** `linux/amd64`, `linux/arm64/v8`; of several, the first. */
function platformOf(text: string | undefined): Platform {
  const [os = 'linux', architecture = 'amd64', variant] = (text ?? '').split(',')[0]?.split('/').filter(Boolean) ?? [];
  return platformFrom(os, architecture, variant, undefined);
}

/**
 * Names with what they lead to: all, or those of `names` that are there.
 * @throws TransferError ENGINE_FAILED
 */
export async function ctrImages(
  engine: Engine,
  signal: AbortSignal,
  names: readonly string[] = [],
): Promise<readonly CtrImage[]> {
  const text = await answer(engine, ['images', 'ls', ...names.map(byName)], 'listing its images', signal);
  return rowsOf(text).map(({ name, target, rest }) => ({ name, target, size: bytesIn(rest) }));
}

/** @throws TransferError ENGINE_FAILED */
export async function ctrCheck(engine: Engine, name: string, signal: AbortSignal): Promise<CtrCheck | undefined> {
  const text = await answer(engine, ['images', 'check', byName(name)], `checking ${name}`, signal);
  const row = rowsOf(text).find((candidate) => candidate.name === name);
  if (row === undefined) return undefined;
  return {
    target: row.target,
    complete: /^complete\b/.test(row.rest),
    unpacked: /\btrue$/.test(row.rest),
  };
}

/** A containerd filter. A name from outside cannot leave its quotes. */
const byName = (name: string): string => `name==${JSON.stringify(name)}`;

interface Row {
  readonly name: string;
  readonly target: Digest;
  /** What stands after the digest. */
  readonly rest: string;
}

/** Rows of `REF TYPE DIGEST ...`. */
function* matchRows(text: string): Generator<Row> {
  for (const line of text.split('\n')) {
    const [, name, target, rest] = /^(\S+) +\S+ +(\S+) +(.*)$/.exec(line) ?? [];
    if (name !== undefined && isDigest(target)) yield { name, target, rest: (rest ?? '').trim() };
  }
}

const rowsOf = (text: string): readonly Row[] => [...matchRows(text)];

/** `73.5 MiB` at the start; 0 for `-`. */
export function bytesIn(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([KMGT]?)i?B/.exec(text) ?? [];
  return number === undefined
    ? 0
    : Math.round(Number(number) * 1024 ** ' KMGT'.indexOf(unit === '' ? ' ' : (unit ?? ' ')));
}
