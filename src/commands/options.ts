import { type Emit } from '../ports.js';
import { type Unneeded } from '../transports/engine/source.js';
import { type Ask, type SshSettings } from '../transports/ssh/settings.js';

/** What every command is given besides its options. */
export interface Context {
  readonly emit: Emit;
  /** Asks the user; undefined: there is nobody to ask. */
  readonly ask?: Ask | undefined;
  /** Aborted when the user interrupts; every command then cleans up and rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/** For a command that has results before its end: `soFar` is what it has got done when it is interrupted. */
export interface Interruptible<Result> extends Context {
  readonly onInterrupted?: ((soFar: Result) => void) | undefined;
}

/** How sources are opened. */
export interface OpenOptions {
  /** The local engine, as `findEngine` takes it. */
  readonly engine?: string | undefined;
  readonly ssh?: SshSettings | undefined;
  readonly remoteEngine?: string | undefined;
  /** Layers of engines' images that need not be kept. */
  readonly unneeded?: Unneeded | undefined;
}

/** Which images of which sources: common to all commands that read. */
export interface SourceOptions {
  /** SOURCE words as the user wrote them: paths, `-`, names, `file:PATH`, `engine:NAME`. */
  readonly sources: readonly string[];
  /** `docker`, `podman`, or a path to such a program; undefined: whichever is found. */
  readonly engine?: string | undefined;
  /** Names or globs; empty: everything. */
  readonly only?: readonly string[] | undefined;
  /** `os/arch[/variant]`; empty: every platform. */
  readonly platforms?: readonly string[] | undefined;
  readonly onConflict?: 'error' | 'first' | 'last' | undefined;
  /** `OLD=NEW`, with `*` on both sides; applied in order, the first match wins. */
  readonly rename?: readonly string[] | undefined;
  /** Files that list one SOURCE a line, `#` starts a comment. */
  readonly sourceFiles?: readonly string[] | undefined;
  /** Compose files whose `image:` values are sources. */
  readonly composeFiles?: readonly string[] | undefined;
  /** `plain`: every layer as one uncompressed copy; image IDs survive, manifest digests do not. */
  readonly layers?: 'keep' | 'plain' | undefined;
  /** How hosts are reached: those of `ssh://` sources, and with `send` those that images go to. */
  readonly ssh?: SshSettings | undefined;
  /** The engine's client on the hosts, with what stands before it: `sudo docker`, `ctr -n k8s.io`. Default: found. */
  readonly remoteEngine?: string | undefined;
}

export interface PackOptions extends SourceOptions {
  /** Path of a file or folder, or `-` for standard output. */
  readonly output: string;
  /** Undefined: by the output's name (.tar, .tar.zst, .tar.gz; else an OCI layout folder; on `-`, tar). */
  readonly format?: 'tar' | 'tar.zst' | 'tar.gz' | 'oci' | undefined;
  /** zstd 1 to 19, gzip 1 to 9. */
  readonly level?: number | undefined;
  readonly dryRun?: boolean | undefined;
  /** Where the bytes go when `output` is `-`. */
  readonly standardOutput?: NodeJS.WritableStream | undefined;
}

export interface LoadOptions extends SourceOptions {
  readonly dryRun?: boolean | undefined;
  /** A file to write the receipt to, as JSON. */
  readonly receipt?: string | undefined;
}

export interface SendOptions extends SourceOptions {
  /** `[user@]host[:port]`, `ssh://[user@]host[:port]`, or a name of the SSH config file. */
  readonly to: readonly string[];
  /** Hosts at a time. Default 8. */
  readonly jobs?: number | undefined;
  /** How often a connection that broke is made anew, for each host. Default 5; 0: never. */
  readonly retries?: number | undefined;
  /** Bytes of layers after which what a host has got is made to last. Default 256 MiB. */
  readonly checkpointBytes?: number | undefined;
  /** Compression on the way: `auto` (the default) is what the host can take. */
  readonly compress?: WireCompression | undefined;
  /** Bytes a second, over all hosts. */
  readonly limitRate?: number | undefined;
  /** A tag, or a whole name, for the image that a name led to before. */
  readonly keepPrevious?: string | undefined;
  readonly dryRun?: boolean | undefined;
  /** Instead of sending: removes what broken transfers left on the hosts. */
  readonly clean?: boolean | undefined;
  /** A file to write the result to, as JSON. */
  readonly receipt?: string | undefined;
}

export interface WireCompression {
  readonly kind: 'auto' | 'none' | 'gzip' | 'zstd';
  /** zstd 1 to 19, gzip 1 to 9. */
  readonly level?: number | undefined;
}

export interface InspectOptions extends SourceOptions {
  /** One image of the source; undefined: all. */
  readonly name?: string | undefined;
}

export interface DiffOptions extends Omit<SourceOptions, 'sources'> {
  readonly a: string;
  readonly b: string;
}
