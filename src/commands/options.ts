import { type StoreKind } from '../model/inventory.js';
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
  /** Further SOURCE words: what the sources leave out may be taken from there. Their images are not read. */
  readonly with?: readonly string[] | undefined;
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
  /** What the receiver has: it is left out. Inventories, archives, folders, engines (`engine:`, `ssh://HOST`). */
  readonly base?: readonly string[] | undefined;
  /** The stores of the receivers, which decide what may be left out; empty: those of `base`, else all. */
  readonly for?: readonly StoreKind[] | undefined;
  /** Cuts the bundle into files of this many bytes. */
  readonly volumeBytes?: number | undefined;
  /** Asks for another medium after each volume. */
  readonly pause?: boolean | undefined;
  /** Goes on with volumes that a run before has left. */
  readonly resume?: boolean | undefined;
  /** Writes a folder for a site without ferry: the bundle, with a script that loads it. */
  readonly kit?: boolean | undefined;
  /** An SSH key that signs what is written: a private key file, or a public one whose other half an agent has. */
  readonly sign?: string | undefined;
  /** Reads what was written back from the device. */
  readonly verify?: boolean | undefined;
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

export interface InventoryOptions extends Pick<SourceOptions, 'engine' | 'ssh' | 'remoteEngine'> {
  /** One word at most, as `inventoryOf` takes it; none: the local engine. */
  readonly sources: readonly string[];
  /** The short form, for paper. */
  readonly compact?: boolean | undefined;
  /** Path of a file; undefined: the document is in the result. */
  readonly output?: string | undefined;
}

/** What stays in an archive of releases: what any of the rules keeps. At least one must be given. */
export interface PruneOptions {
  /** Path of an OCI layout folder. */
  readonly archive: string;
  /** The newest so many images of each repository. */
  readonly keepLast?: number | undefined;
  /** Names or globs. */
  readonly keep?: readonly string[] | undefined;
  /** What is younger than this many hours. */
  readonly keepWithinHours?: number | undefined;
  /** Shows what would go, and changes nothing. */
  readonly dryRun?: boolean | undefined;
}

export interface VerifyOptions extends SourceOptions {
  /** An allowed_signers file (ssh-keygen(1)): every source must be signed by somebody in it. */
  readonly allowedSigners?: string | undefined;
  /** Of OCI layout folders: this many percent of the layers, each day the next ones. */
  readonly sample?: number | undefined;
  /** Of OCI layout folders: layers written since then; with `sample`, these too. */
  readonly since?: Date | undefined;
}

export interface InspectOptions extends SourceOptions {
  /** One image of the source; undefined: all. */
  readonly name?: string | undefined;
}

export interface DiffOptions extends Omit<SourceOptions, 'sources'> {
  readonly a: string;
  readonly b: string;
}
