/**
 * image-ferry as a library: what the commands are made of.
 *
 * - The commands, as functions from options to results: `pack`, `load`, `send`, `list`, `inspect`, `verify`, `diff`,
 *   `takeInventory`, `prune`. Each takes a `Context`: `emit` is told what happens (`TransferEvent`, of several hosts with their
 *   names), `signal` stops it, `ask` is asked for passphrases and about unknown hosts.
 * - The two ports, `ImageSource` and `ImageSink`, and what opens them: `openPath`, `bundleSink`, `ociLayoutSink`,
 *   `findEngine` (here) or `connect` and `findRemoteEngine` (on a host over SSH) with `engineSource` and `engineSink`.
 * - The engine between them, which knows ports only: `readGraph`, `planTransfer`, `transfer`, `checkImages`; of thin
 *   bundles `leaveOut` and `requireBase`.
 * - Volumes: `writeVolumes`, `findVolumes`, `openVolumes`. Who signed: `checkOrigin`.
 * - Errors: everything that is wrong with input, an engine or this machine is a `TransferError` with a code.
 *
 * @packageDocumentation
 */
export { diff } from './commands/diff.js';
export { inspect } from './commands/inspect.js';
export { inventory as takeInventory, inventoryOf } from './commands/inventory.js';
export { list } from './commands/list.js';
export { load } from './commands/load.js';
export { engineDeps, openPath, openSources } from './commands/open.js';
export type * from './commands/options.js';
export { pack } from './commands/pack.js';
export { prune } from './commands/prune.js';
export type * from './commands/results.js';
export { send } from './commands/send.js';
export { checkOrigin, readAllowedSigners } from './commands/signing.js';
export { verify } from './commands/verify.js';

export { type Check, type CheckFault, checkImages, type CheckReport } from './engine/check.js';
export { type Graph, type GraphFault, type GraphImage, readGraph } from './engine/graph.js';
export { mergeImages, type MergeOptions, type Merged, type Offer } from './engine/merge.js';
export { planTransfer } from './engine/plan.js';
export { lackOf, requireBase } from './engine/reliance.js';
export { selectImages, type Selection } from './engine/select.js';
export { leaveOut, type ThinBase } from './engine/thin.js';
export { openVerified, type Transfer, transfer } from './engine/transfer.js';
export { unionSource } from './engine/union.js';

export { openArchive, openTree } from './formats/archive/open.js';
export { type BundleFormat, bundleSink, type BundleSinkOptions } from './formats/bundle/sink.js';
export * from './formats/docker-archive/index.js';
export { compactInventory, parseInventory } from './formats/inventory/index.js';
export { ociLayoutSink } from './formats/oci-layout/sink.js';
export { type PlainLayers, plainLayers } from './formats/plain-layers.js';
export type { FileTree } from './formats/tree/file-tree.js';
export { folderTree } from './formats/tree/folder-tree.js';
export { tarTree } from './formats/tree/tar-tree.js';
export { findVolumes } from './formats/volumes/find.js';
export { openVolumes } from './formats/volumes/open.js';
export { type VolumeOptions, type WrittenFile, writeVolumes } from './formats/volumes/write.js';

export * from './transports/engine/index.js';
export { type Child, type Exit, type Machine } from './transports/machine/machine.js';
export * from './transports/ssh/index.js';

export type { Descriptor } from './model/descriptor.js';
export { fingerprintOf } from './model/fingerprint.js';
export * from './model/graph.js';
export * from './model/inventory.js';
export { formatPlatform, parsePlatform, type Platform } from './model/platform.js';
export type { LayerTwins, Plan, PlannedBlob, PlanTotals } from './model/plan.js';
export type { Receipt, ReceiptItem, ReceiptState } from './model/receipt.js';
export { familiarReference, normalizeReference } from './model/reference.js';
export type { Base, Reliance, ReliedLayer } from './model/reliance.js';
export type * from './ports.js';

export type { ByteStream } from './primitives/bytes.js';
export { type Digest, isDigest, parseDigest } from './primitives/digest.js';
export {
  type ErrorCode,
  exitStatusOf,
  isTransferError,
  TransferError,
  type TransferErrorDetails,
} from './primitives/errors.js';
export { limits } from './primitives/limits.js';
export { fileAccess, memoryAccess, type RandomAccess } from './primitives/random-access.js';
export { verified } from './primitives/verified.js';
