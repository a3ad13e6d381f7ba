import { type OpenBlob } from '../../ports.js';
import { type Digest } from '../../primitives/digest.js';
import { type EngineDeps } from './deps.js';
import { type Engine } from './engine.js';
import { type LoadGroup } from './groups.js';
import { type Holdings } from './holdings.js';
import { type Pipeline } from './pipeline.js';
import { type Traces } from './traces.js';

/** The state of one `receive`. */
export interface Run {
  readonly engine: Engine;
  readonly deps: EngineDeps;
  readonly open: OpenBlob;
  readonly signal: AbortSignal;
  readonly have: Holdings;
  /** Temporary names go at the end, however it ends; checkpoints and files when it succeeds. */
  readonly traces: Traces;
  /** What this run has loaded, or is loading: what comes after it builds on it, and fails with it. */
  readonly brought: LoadGroup[];
  readonly pipeline: Pipeline;
  /** IDs of images without a name that were not there before. They go when the run fails. */
  readonly unnamed: Set<Digest>;
}
