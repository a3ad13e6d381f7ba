import { type shells } from '../parser/commands.js';
import { bashScript } from './bash.js';
import { fishScript } from './fish.js';
import { zshScript } from './zsh.js';

/** A script that completes without starting ferry: Tab answers at once. */
export function completionScript(shell: (typeof shells)[number]): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell]();
}
