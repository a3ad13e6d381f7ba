import { TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { type Machine } from '../machine/machine.js';
import { hintFor, wordsOf } from './failure.js';
import { type Attempt, type ProbeAnswer } from './probe-frames.js';
import { lookedFor } from './probe-script.js';
import { type ClientWords } from './probe-words.js';

/** How the machine itself behaved: its standard error, and what came of the shell. */
export interface ShellEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const OTHER = 'name another with --remote-engine';

export const hostOf = (machine: Machine): string =>
  machine.host === undefined ? 'this machine' : printable(machine.host);

/** A machine on which `sh` does not run scripts. */
export function noShell(machine: Machine, end: ShellEnd): TransferError {
  return new TransferError(
    'ENGINE_UNREACHABLE',
    `${hostOf(machine)}: expected a POSIX shell (sh), found: ${wordsOf(end)}`,
    {
      side: 'sink',
      hint: 'Use an account that may run commands there: not one with nologin or a forced command, and not on Windows.',
    },
  );
}

/** A script that began and broke off. */
export function brokenOff(machine: Machine, answer: ProbeAnswer, end: ShellEnd): TransferError {
  const at = lastCommand(answer);
  const doing = at === undefined ? 'looking for an engine' : `asking \`${at}\``;
  return new TransferError(
    'ENGINE_UNREACHABLE',
    `${hostOf(machine)}: ${doing} broke off: ${wordsOf({ ...end, stdout: '' })}`,
    {
      side: 'sink',
    },
  );
}

/** A machine, or an engine on it, that hangs; `answer` is what it had said by then. */
export function noAnswer(machine: Machine, answer: ProbeAnswer, timeoutMs: number): TransferError {
  const at = lastCommand(answer);
  const who = at === undefined ? hostOf(machine) : `${hostOf(machine)}: ${at}`;
  const hint = `The engine hangs: look at its log, restart it, or ${OTHER}.`;
  return new TransferError(
    'ENGINE_UNREACHABLE',
    `${who}: expected an answer in ${String(timeoutMs / 1000)} s, found none`,
    {
      side: 'sink',
      hint: at === undefined ? 'The host is overloaded, or its login waits for something.' : hint,
    },
  );
}

/** No engine, or none that answers: what was tried, and what each said. */
export function noEngine(machine: Machine, wanted: ClientWords | undefined, answer: ProbeAnswer): TransferError {
  const host = hostOf(machine);
  const { attempts } = answer;
  if (attempts.length === 0) return wanted === undefined ? nothingThere(host) : notThere(host, wanted);
  const said = attempts.map(whatItSaid);
  if (answer.skipped) said.push('ctr: not tried, its containerd belongs to docker here');
  const what = wanted === undefined ? `no container engine answers on ${host}` : host;
  return new TransferError('ENGINE_UNREACHABLE', `${what}: ${said.join('; ')}`, {
    side: 'sink',
    hint: hintOf(attempts),
  });
}

/** A client's name and its words. */
export const whatItSaid = (attempt: Attempt): string => `${nameOf(attempt)}: ${saidBy(attempt)}`;

function nothingThere(host: string): TransferError {
  return new TransferError('ENGINE_UNREACHABLE', `no container engine on ${host}: looked for ${lookedFor.join(', ')}`, {
    side: 'sink',
    hint: 'Install Docker or Podman there, or give the full path of its client with --remote-engine.',
  });
}

function notThere(host: string, { program }: ClientWords): TransferError {
  const where = program.includes('/') ? '' : ' in the PATH of a login without a terminal';
  return new TransferError('ENGINE_UNREACHABLE', `${host}: no such program${where}: ${program}`, {
    side: 'sink',
    hint: 'Give the full path of the client with --remote-engine, or leave that out to have one looked for.',
  });
}

const nameOf = ({ command }: Attempt): string => printable(command.join(' '));

const lastCommand = ({ attempts }: ProbeAnswer): string | undefined => {
  const last = attempts.at(-1);
  return last === undefined ? undefined : nameOf(last);
};

function saidBy({ version, info }: Attempt): string {
  const failed = [version, info].find((said) => said !== undefined && said.status !== 0) ?? info ?? version;
  if (failed === undefined) return 'no answer';
  const isSilent = failed.status === 0 && failed.stderr.trim() === '';
  return isSilent ? 'it answers, but not as an engine does' : wordsOf({ ...failed, signal: null, stdout: '' });
}

function hintOf(attempts: readonly Attempt[]): string {
  const all = attempts.map(saidBy).join('\n');
  const isDocker = attempts.some(({ kind }) => kind === 'docker');
  if (/sudo: (?:command )?not found/.test(all)) return 'There is no sudo there: name the engine without it.';
  if (refusals.test(all)) {
    const sudo = attempts.find(({ command }) => command[0]?.endsWith('sudo') === true);
    const allow = `Allow \`${sudo === undefined ? 'sudo -n docker' : nameOf(sudo)}\` there (NOPASSWD in sudoers)`;
    return `${allow}${isDocker ? ', add the user to the docker group' : ''}, or ${OTHER}.`;
  }
  if (/permission denied/i.test(all)) {
    return `${isDocker ? 'Add the user to the docker group there' : 'Connect as a user who may use it'}, or ${OTHER}.`;
  }
  const hint = attempts
    .map((attempt) => hintFor(saidBy(attempt), { family: attempt.kind, command: attempt.command }))
    .find((each) => each !== undefined);
  return hint === undefined ? `Start the engine there, or ${OTHER}.` : `${hint} Or ${OTHER}.`;
}

/** How sudo (also the one in Rust) says that it would ask, or that it would not do it. */
const refusals =
  /password is required|authentication is required|not in the sudoers|may not run sudo|not allowed to execute|have a tty|afraid I can't/i;
