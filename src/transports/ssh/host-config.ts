import os from 'node:os';
import path from 'node:path';
import { TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { ConfigReader, type Setting } from './config.js';
import { type HostWord } from './host-word.js';
import { type SshSettings } from './settings.js';

/** How one host is reached: the user's word, the options and the config files put together. */
export interface HostConfig {
  readonly label: string;
  /** The name or address that is connected to. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Private keys, by path, in the order in which they are tried. */
  readonly identityFiles: readonly string[];
  /** Those of them that `-i` names. */
  readonly givenIdentities: readonly string[];
  /** Whether the user named them; else they are the usual ones, of which most are not there. */
  readonly identitiesNamed: boolean;
  readonly identitiesOnly: boolean;
  /** The agent's socket. */
  readonly agent: string | undefined;
  /** Hosts to go through, with commas between them. */
  readonly jump: string | undefined;
  readonly proxyCommand: string | undefined;
  readonly userKnownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles: readonly string[];
  readonly strictHostKeyChecking: 'yes' | 'no' | 'accept-new' | 'ask';
  /** What known_hosts files call it, instead of host and port. */
  readonly hostKeyAlias: string | undefined;
  /** Public keys that are refused. */
  readonly revokedHostKeys: string | undefined;
  /** Whether hosts are added to known_hosts without their names showing. */
  readonly hashKnownHosts: boolean;
  /** Milliseconds. */
  readonly connectTimeout: number;
  /** Milliseconds between signs of life that are asked for; 0: never. */
  readonly aliveInterval: number;
  readonly aliveCount: number;
  readonly family: 0 | 4 | 6;
  /** Whether the user may be asked. */
  readonly batch: boolean;
  readonly methods: ReadonlySet<'publickey' | 'keyboard-interactive' | 'password'>;
  /** What of the config files is not honoured. */
  readonly notes: readonly string[];
}

const DEFAULTS = { connectTimeout: 20, aliveInterval: 15, aliveCount: 3 } as const;
const USUAL_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'] as const;

/** @throws TransferError USAGE, NOT_FOUND or IO, naming the config file that is at fault */
export function hostConfig(word: HostWord, settings: SshSettings, env: NodeJS.ProcessEnv = process.env): HostConfig {
  const home = env['HOME'] ?? os.homedir();
  const localUser = userName(env);
  const reader = new ConfigReader({ host: word.host, user: word.user, localUser, home });
  readFiles(reader, settings, home);
  const one = (keyword: string): string | undefined => reader.first(keyword)?.words[0];
  const host = (one('hostname') ?? '%h').replaceAll(/%[%h]/g, (token) => (token === '%h' ? word.host : '%'));
  const port = word.port ?? settings.port ?? wholeNumber(reader.first('port'), 'Port', 65_535) ?? 22;
  const user = word.user ?? one('user') ?? localUser;
  const expand = expander({ home, host, port, user, localUser, original: word.host, alias: one('hostkeyalias'), env });
  const files = (keyword: string, usual: readonly string[]): readonly string[] =>
    (reader.first(keyword)?.words ?? usual).filter(isFile).map(expand);
  return {
    label: word.label,
    host,
    port,
    user,
    ...identitiesOf(settings, reader, expand, home),
    identitiesOnly: isYes(one('identitiesonly')),
    agent: agentSocket(one('identityagent'), expand, env),
    jump: noneIsNone(settings.jump ?? one('proxyjump')),
    // `-J none` means straight there.
    proxyCommand: settings.jump === undefined ? proxyCommandOf(reader) : undefined,
    userKnownHostsFiles: files('userknownhostsfile', ['~/.ssh/known_hosts', '~/.ssh/known_hosts2']),
    globalKnownHostsFiles: files('globalknownhostsfile', ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']),
    strictHostKeyChecking: strictness(settings, one('stricthostkeychecking')),
    hostKeyAlias: one('hostkeyalias'),
    revokedHostKeys: files('revokedhostkeys', [])[0],
    hashKnownHosts: isYes(one('hashknownhosts')),
    ...timesOf(reader),
    family: familyOf(one('addressfamily')),
    batch: isYes(one('batchmode')),
    methods: methodsOf(one),
    notes: [...reader.notes],
  };
}

const isFile = (word: string): boolean => word !== 'none';

function identitiesOf(
  settings: SshSettings,
  reader: ConfigReader,
  expand: (text: string) => string,
  home: string,
): Pick<HostConfig, 'identityFiles' | 'givenIdentities' | 'identitiesNamed'> {
  const givenIdentities = (settings.identityFiles ?? []).filter(isFile).map(expand);
  const configured = reader.all('identityfile').flatMap(({ words }) => words.filter(isFile).map(expand));
  const named = [...givenIdentities, ...configured];
  const identitiesNamed = named.length > 0;
  const identityFiles = identitiesNamed ? named : USUAL_KEYS.map((name) => path.join(home, '.ssh', name));
  return { identityFiles, givenIdentities, identitiesNamed };
}

function readFiles(reader: ConfigReader, settings: SshSettings, home: string): void {
  const folder = path.join(home, '.ssh');
  const { configFile } = settings;
  if (configFile === 'none') return;
  // As with `ssh -F`, the system's file does not count then.
  if (configFile !== undefined) {
    const file = path.resolve(configFile.startsWith('~/') ? path.join(home, configFile.slice(2)) : configFile);
    reader.read({ path: file, required: true, folder });
    return;
  }
  reader.read({ path: path.join(folder, 'config'), required: false, folder });
  reader.read({ path: '/etc/ssh/ssh_config', required: false, folder: '/etc/ssh' });
}

function userName(env: NodeJS.ProcessEnv): string {
  try {
    return os.userInfo().username;
  } catch {
    return env['USER'] ?? env['USERNAME'] ?? 'root'; // an ID without an entry, as in containers
  }
}

interface Tokens {
  readonly home: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly localUser: string;
  readonly original: string;
  readonly alias: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** ssh_config(5), TOKENS, and `~` and `${VARIABLE}`; a token that is not known stays as it is. */
function expander(tokens: Tokens): (text: string) => string {
  const values: Readonly<Record<string, string>> = {
    '%%': '%',
    '%d': tokens.home,
    '%h': tokens.host,
    '%i': String(process.getuid?.() ?? 0),
    '%k': tokens.alias ?? tokens.original,
    '%L': os.hostname().split('.')[0] ?? '',
    '%l': os.hostname(),
    '%n': tokens.original,
    '%p': String(tokens.port),
    '%r': tokens.user,
    '%u': tokens.localUser,
  };
  return (text) => {
    const full = text === '~' || text.startsWith('~/') ? tokens.home + text.slice(1) : text;
    return full
      .replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => tokens.env[name] ?? whole)
      .replaceAll(/%./g, (token) => values[token] ?? token);
  };
}

function agentSocket(
  named: string | undefined,
  expand: (text: string) => string,
  env: NodeJS.ProcessEnv,
): string | undefined {
  if (named === 'none') return undefined;
  const socket =
    named === undefined || named === 'SSH_AUTH_SOCK'
      ? env['SSH_AUTH_SOCK']
      : named.startsWith('$') && !named.startsWith('${')
        ? env[named.slice(1)]
        : expand(named);
  return socket === '' ? undefined : socket;
}

function noneIsNone(value: string | undefined): string | undefined {
  return value?.toLowerCase() === 'none' ? undefined : value;
}

function proxyCommandOf(reader: ConfigReader): string | undefined {
  return noneIsNone(reader.first('proxycommand')?.words.join(' '));
}

function familyOf(value: string | undefined): HostConfig['family'] {
  if (value === 'inet') return 4;
  return value === 'inet6' ? 6 : 0;
}

function strictness({ acceptNewHostKey }: SshSettings, value = 'ask'): HostConfig['strictHostKeyChecking'] {
  if (acceptNewHostKey === true) return 'accept-new';
  switch (value.toLowerCase()) {
    case 'yes':
    case 'true':
      return 'yes';
    case 'no':
    case 'off':
    case 'false':
      return 'no';
    case 'accept-new':
      return 'accept-new';
    default:
      return 'ask';
  }
}

function timesOf(reader: ConfigReader): Pick<HostConfig, 'connectTimeout' | 'aliveInterval' | 'aliveCount'> {
  const connect = seconds(reader.first('connecttimeout'), 'ConnectTimeout') ?? DEFAULTS.connectTimeout;
  const alive = seconds(reader.first('serveraliveinterval'), 'ServerAliveInterval') ?? DEFAULTS.aliveInterval;
  return {
    connectTimeout: (connect === 0 ? DEFAULTS.connectTimeout : connect) * 1000,
    aliveInterval: alive * 1000,
    aliveCount:
      wholeNumber(reader.first('serveralivecountmax'), 'ServerAliveCountMax', 1_000_000) ?? DEFAULTS.aliveCount,
  };
}

function methodsOf(one: (keyword: string) => string | undefined): HostConfig['methods'] {
  const isNo = (keyword: string): boolean => one(keyword)?.toLowerCase() === 'no';
  const methods = new Set<'publickey' | 'keyboard-interactive' | 'password'>();
  if (!isNo('pubkeyauthentication')) methods.add('publickey');
  if (!isNo('kbdinteractiveauthentication') && !isNo('challengeresponseauthentication')) {
    methods.add('keyboard-interactive');
  }
  if (!isNo('passwordauthentication')) methods.add('password');
  return methods;
}

const isYes = (value: string | undefined): boolean => value?.toLowerCase() === 'yes' || value?.toLowerCase() === 'true';

function wholeNumber(setting: Setting | undefined, keyword: string, max: number): number | undefined {
  if (setting === undefined) return undefined;
  const [word = ''] = setting.words;
  const value = /^\d{1,9}$/.test(word) ? Number(word) : -1;
  if (value >= 0 && value <= max) return value;
  throw unreadable(setting, keyword);
}

/** `90`, `90s`, `1m30s`; sshd_config(5), TIME FORMATS. */
function seconds(setting: Setting | undefined, keyword: string): number | undefined {
  if (setting === undefined || setting.words[0]?.toLowerCase() === 'none') return undefined;
  const [word = ''] = setting.words;
  if (!/^(\d{1,6}[smhdw]?)+$/i.test(word)) throw unreadable(setting, keyword);
  const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
  const total = [...word.matchAll(/(\d+)([smhdw]?)/gi)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (units[unit?.toLowerCase() ?? ''] ?? 1),
    0,
  );
  // A longer timer fires at once (Node.js, `setTimeout`).
  return Math.min(total, 1_000_000);
}

function unreadable({ words, file }: Setting, keyword: string): TransferError {
  return new TransferError('USAGE', `${file}: ${keyword} ${printable(words[0])} is no such value`, {
    hint: 'Correct the SSH config file, or name another one with -F.',
  });
}
