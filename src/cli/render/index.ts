import { type CallOf, type OptionsOf, type ResultOf, type Verb } from '../commands.js';
import { renderDiff } from './diff.js';
import { renderInspect } from './inspect.js';
import { renderInventory } from './inventory.js';
import { renderList } from './list.js';
import { renderLoad } from './load.js';
import { renderPack } from './pack.js';
import { renderPrune } from './prune.js';
import { renderSend } from './send.js';
import { type Report } from './report.js';
import { renderVerify } from './verify.js';
import { type View } from './view.js';

type Renderers = {
  readonly [V in Verb]: (result: ResultOf<V>, view: View, options: OptionsOf<V>) => Report;
};

const renderers: Renderers = {
  pack: renderPack,
  load: renderLoad,
  send: renderSend,
  list: renderList,
  inspect: renderInspect,
  verify: renderVerify,
  diff: renderDiff,
  inventory: renderInventory,
  prune: renderPrune,
};

export function render<V extends Verb>(call: CallOf<V>, result: ResultOf<V>, view: View): Report {
  return renderers[call.verb](result, view, call.options);
}
