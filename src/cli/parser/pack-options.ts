import { storeKinds } from '../../model/inventory.js';
import { type OptionSpec } from './table.js';

/** What a source leaves out may come from elsewhere: of every command that reads. */
export const withOption: OptionSpec = {
  name: 'with',
  type: 'list',
  value: 'SOURCE',
  file: true,
  group: 'Sources',
  text: 'What a thin bundle leaves out may be taken from this SOURCE. Repeatable.',
};

export const allowedSigners: OptionSpec = {
  name: 'allowed-signers',
  type: 'value',
  value: 'FILE',
  file: true,
  group: 'Sources',
  text: 'Every SOURCE must be signed by somebody in this file, which ssh-keygen reads too.',
};

export const thin: readonly OptionSpec[] = [
  {
    name: 'base',
    type: 'list',
    value: 'PLACE',
    file: true,
    group: 'Thin bundles',
    text: 'The receiver has everything in PLACE: leave it out. An inventory, a bundle, an archive, a folder, ssh://HOST, or engine: for the local one. Repeatable.',
  },
  {
    name: 'for',
    type: 'list',
    value: 'STORE',
    choices: storeKinds,
    group: 'Thin bundles',
    text: 'Leave out what a receiver of this kind need not be given. Repeatable. Default: what the inventories say, else what suits all.',
  },
];

export const media: readonly OptionSpec[] = [
  {
    name: 'volume-size',
    type: 'value',
    value: 'SIZE',
    group: 'Media',
    text: 'Cut the bundle into volumes (OUT.001, OUT.002 and so on) of this size: 4GiB, 3.9G, or fat32, cd, dvd, bd25.',
  },
  {
    name: 'pause',
    type: 'flag',
    group: 'Media',
    text: 'After each volume, ask for the next medium.',
  },
  {
    name: 'resume',
    type: 'flag',
    group: 'Media',
    text: 'Go on with the volumes of a run that was interrupted: those that are whole stay.',
  },
  {
    name: 'verify',
    type: 'flag',
    group: 'Media',
    text: 'Read back from the device what was written, and compare.',
  },
  {
    name: 'kit',
    type: 'flag',
    group: 'Media',
    text: 'Make OUT a folder for a site without ferry: the bundle, a script that loads it, checksums, a page to read.',
  },
  {
    name: 'sign',
    type: 'value',
    value: 'KEY',
    file: true,
    group: 'Media',
    text: 'Sign what is written with an SSH key: its file, or the .pub file of one that the agent has.',
  },
];
