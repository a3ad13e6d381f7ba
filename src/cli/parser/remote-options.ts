import { type OptionSpec } from './table.js';

/** How hosts are reached: of every command that reads sources, because `ssh://` is one. */
export const ssh: readonly OptionSpec[] = [
  {
    name: 'identity',
    short: 'i',
    type: 'list',
    value: 'FILE',
    file: true,
    group: 'SSH',
    text: 'A private key to try before the others. Repeatable.',
  },
  {
    name: 'port',
    short: 'p',
    type: 'value',
    value: 'N',
    group: 'SSH',
    text: 'The port, for hosts whose own word has none; it comes before that of the config file.',
  },
  {
    name: 'jump',
    short: 'J',
    type: 'value',
    value: 'HOST',
    host: true,
    group: 'SSH',
    text: 'Go through HOST, or several with commas between them.',
  },
  {
    name: 'ssh-config',
    short: 'F',
    type: 'value',
    value: 'FILE',
    file: true,
    group: 'SSH',
    text: 'Instead of ~/.ssh/config; none: no such file at all.',
  },
  {
    name: 'ssh-program',
    type: 'value',
    value: 'PROGRAM',
    group: 'SSH',
    text: 'Run this SSH client instead of the one that is built in, for hardware keys, Kerberos and ControlMaster: ssh, or a path.',
  },
  {
    name: 'accept-new-host-key',
    type: 'flag',
    group: 'SSH',
    text: 'Take and note the key of a host that was never met, without a question. A changed key is refused all the same.',
  },
  {
    name: 'remote-engine',
    type: 'value',
    value: 'CMD',
    group: 'SSH',
    text: 'The client of the engine on the hosts, such as podman, "sudo docker" or "ctr -n k8s.io". Default: the one that is found, with sudo -n where it is needed.',
  },
];

export const hosts: readonly OptionSpec[] = [
  {
    name: 'to',
    type: 'list',
    value: 'HOST',
    host: true,
    group: 'Hosts',
    text: 'Where to: [USER@]HOST[:PORT], or a name of ~/.ssh/config (required). Repeatable; every host gets all images.',
  },
  {
    name: 'jobs',
    type: 'value',
    value: 'N',
    group: 'Hosts',
    text: 'Hosts at a time (default 8).',
  },
  {
    name: 'clean',
    type: 'flag',
    group: 'Hosts',
    text: 'Send nothing: remove what broken transfers left on the hosts.',
  },
];

export const sending: readonly OptionSpec[] = [
  {
    name: 'compress',
    type: 'value',
    value: 'HOW',
    group: 'Sending',
    text: 'Compression on the way: auto (the default) is what the host can take; none, gzip[:1-9], zstd[:1-19].',
  },
  {
    name: 'limit-rate',
    type: 'value',
    value: 'RATE',
    group: 'Sending',
    text: 'At most this much over the line, for all hosts together, such as 2MB/s.',
  },
  {
    name: 'checkpoint',
    type: 'value',
    value: 'SIZE',
    group: 'Sending',
    text: 'After this much of an image, what has arrived is made to last, so that it is not sent again (default 256MiB).',
  },
  {
    name: 'retries',
    type: 'value',
    value: 'N',
    group: 'Sending',
    text: 'How often a connection that broke is made anew, for each host (default 5); 0: never.',
  },
  {
    name: 'keep-previous',
    type: 'value',
    value: 'NAME',
    group: 'Sending',
    text: 'Tag the image that a name led to before, for a way back: a tag, or a whole name.',
  },
];

export const sendReceipt: OptionSpec = {
  name: 'receipt',
  type: 'value',
  value: 'FILE',
  file: true,
  group: 'Output',
  text: 'Write the dated result to FILE, as JSON: hosts, images, digests, engines, proven or not.',
};
