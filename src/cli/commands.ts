import {
  type DiffOptions,
  type InspectOptions,
  type Interruptible,
  type InventoryOptions,
  type LoadOptions,
  type PackOptions,
  type PruneOptions,
  type SendOptions,
  type SourceOptions,
  type VerifyOptions,
} from '../commands/options.js';
import {
  type DiffResult,
  type InspectResult,
  type InventoryResult,
  type ListResult,
  type LoadResult,
  type PackResult,
  type PruneResult,
  type SendResult,
  type VerifyResult,
} from '../commands/results.js';

interface Signatures {
  pack: [PackOptions, PackResult];
  load: [LoadOptions, LoadResult];
  send: [SendOptions, SendResult];
  list: [SourceOptions, ListResult];
  inspect: [InspectOptions, InspectResult];
  verify: [VerifyOptions, VerifyResult];
  diff: [DiffOptions, DiffResult];
  inventory: [InventoryOptions, InventoryResult];
  prune: [PruneOptions, PruneResult];
}

export type Verb = keyof Signatures;
export type OptionsOf<V extends Verb> = Signatures[V][0];
export type ResultOf<V extends Verb> = Signatures[V][1];
export type Command<V extends Verb> = (
  options: OptionsOf<V>,
  context: Interruptible<ResultOf<V>>,
) => Promise<ResultOf<V>>;
export type Commands = { readonly [V in Verb]: () => Promise<Command<V>> };

/** One verb with the options that were parsed for it. */
export type CallOf<V extends Verb> = { readonly [K in V]: { readonly verb: K; readonly options: OptionsOf<K> } }[V];
export type Call = CallOf<Verb>;

/** Each verb is loaded when it is called: nobody waits for code that does not run. */
export const commands: Commands = {
  pack: async () => (await import('../commands/pack.js')).pack,
  load: async () => (await import('../commands/load.js')).load,
  send: async () => (await import('../commands/send.js')).send,
  list: async () => (await import('../commands/list.js')).list,
  inspect: async () => (await import('../commands/inspect.js')).inspect,
  verify: async () => (await import('../commands/verify.js')).verify,
  diff: async () => (await import('../commands/diff.js')).diff,
  inventory: async () => (await import('../commands/inventory.js')).inventory,
  prune: async () => (await import('../commands/prune.js')).prune,
};
