import { type OptionSpec } from './table.js';

/** Rules that say which names of an archive stay. */
export const pruning: readonly OptionSpec[] = [
  {
    name: 'keep-last',
    type: 'value',
    value: 'N',
    group: 'Rules',
    text: 'Keep the newest N images of each repository, by the date in their config; where one has none, by tag (1.9 before 1.10). Several names of one image count once.',
  },
  {
    name: 'keep',
    type: 'list',
    value: 'NAME',
    group: 'Rules',
    text: 'Keep images of this name; * and ? match. Repeatable.',
  },
  {
    name: 'keep-within',
    type: 'value',
    value: 'TIME',
    group: 'Rules',
    text: 'Keep images made within this time, such as 48h, 30d, 2w, 6m (of 30 days) or 1y (of 365).',
  },
];

/** A part of an archive, for a check each night. */
export const sampling: readonly OptionSpec[] = [
  {
    name: 'sample',
    type: 'value',
    value: 'PERCENT',
    group: 'Which images',
    text: 'Of an OCI layout folder: read this part of the layers, such as 10%; each day the next part. All else is checked in full.',
  },
  {
    name: 'since',
    type: 'value',
    value: 'WHEN',
    group: 'Which images',
    text: 'Of an OCI layout folder: read only layers written since then, such as 7d or 2026-11-01. With --sample: these too.',
  },
];
