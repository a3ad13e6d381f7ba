import { fractionOf, type Snapshot } from './progress-state.js';
import { clip, lengthOf, shorten } from './render/text.js';
import { formatBytes, formatDuration } from './render/units.js';

const WIDE_BAR = 20;
const NARROW_BAR = 10;
/** What a wide bar has to leave for the name of the image. */
const IMAGE_ROOM = 20;

/** One line that fits: the less important parts go first. */
export function barLine(snapshot: Snapshot, columns: number): string {
  const { what, bytes, total, rate, left, image } = snapshot;
  const width = columns - 1;
  const share = fractionOf(snapshot);
  const percent = share === undefined ? [] : [`${String(Math.floor(share * 100))} %`.padStart(5)];
  const amount = [total === undefined ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(total)}`];
  const pace = rate > 0 ? [`${formatBytes(rate)}/s`] : [];
  const time = left === undefined ? [] : [`${formatDuration(left)} left`];
  const numbers = [...percent, ...amount, ...pace, ...time];
  const tries = [
    { parts: [what, ...drawn(share, WIDE_BAR), ...numbers], spare: IMAGE_ROOM },
    { parts: [what, ...drawn(share, NARROW_BAR), ...numbers], spare: 0 },
    { parts: [what, ...numbers], spare: 0 },
    { parts: [what, ...percent, ...amount, ...time], spare: 0 },
    { parts: [what, ...percent, ...amount], spare: 0 },
  ];
  const fitting = tries.find(({ parts, spare }) => lengthOf(parts.join(' ')) + spare <= width);
  const line = (fitting?.parts ?? [what, ...percent]).join(' ');
  const room = width - lengthOf(line) - 2;
  return image === '' || room < 8 ? clip(line, Math.max(1, width)) : `${line}  ${shorten(image, room)}`;
}

/** A bar as text; nothing without a share. */
export const drawn = (share: number | undefined, width: number): string[] =>
  share === undefined ? [] : [`[${'#'.repeat(Math.round(share * width)).padEnd(width, '.')}]`];
