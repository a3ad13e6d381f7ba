import { type Fault } from '../../commands/results.js';
import { nameOf, red, safe, type View } from './view.js';
import { wrap } from './text.js';

/** Every fault with its hint and every image that it breaks. */
export function faultLines(faults: readonly Fault[], view: View): string[] {
  return faults.flatMap(({ code, message, hint, images }) => [
    `${red('fault', view)}: ${safe(message)}`,
    ...(hint === undefined ? [] : [`  hint: ${safe(hint)}`]),
    // Who made them is another question than whether they are whole.
    ...(code === 'SIGNATURE' ? [] : brokenImages(images, view)),
  ]);
}

function brokenImages(images: readonly string[], view: View): string[] {
  if (images.length === 0) return ['  breaks no image'];
  const text = `breaks ${images.map(nameOf).join(', ')}`;
  const lines = view.cut ? wrap(text, view.width - 4) : [text];
  return lines.map((line, at) => `${at === 0 ? '  ' : '    '}${line}`);
}
