export type { EngineDeps, PlainImage } from './deps.js';
export { describeEngine, type Engine, type EngineFamily } from './engine.js';
export { findEngine, findRemoteEngine, type Found } from './find.js';
export { type EngineImage, inventory } from './inventory.js';
export { engineSink } from './sink.js';
export { engineSource } from './source.js';
