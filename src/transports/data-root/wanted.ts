import { type EngineImage } from '../engine/query.js';

/** An image that is asked for, with the name that a save of it would have; undefined: none. */
export interface WantedImage {
  readonly image: EngineImage;
  readonly name: string | undefined;
}
