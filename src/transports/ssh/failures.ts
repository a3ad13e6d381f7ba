import { isTransferError, systemCodeOf, TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';

/** Where a connection leads. */
export interface Endpoint {
  /** What messages call it. */
  readonly label: string;
  readonly host: string;
  readonly port: number;
}

const causes: Readonly<Record<string, readonly [string, string]>> = {
  ENOTFOUND: ['no such host', 'Check the name, or give it a HostName in the SSH config file.'],
  EAI_AGAIN: ['the name could not be looked up', 'Check the name and the network of this machine.'],
  ECONNREFUSED: ['connection refused', 'Check that an SSH server runs there, and its port (-p).'],
  EHOSTUNREACH: ['no route to it', 'Check the network, or go through another host with -J.'],
  ENETUNREACH: ['no route to its network', 'Check the network, or go through another host with -J.'],
  ETIMEDOUT: ['no answer', 'Check the network, the port (-p) and firewalls, or go through another host with -J.'],
  ECONNRESET: ['it cut the connection before letting us in', 'Look at the log of its SSH server.'],
  EPIPE: ['it cut the connection before letting us in', 'Look at the log of its SSH server.'],
};

/** A host that could not be reached at all. */
export function unreachable(to: Endpoint, error: unknown): TransferError {
  if (isTransferError(error)) return error;
  const known = causes[systemCodeOf(error) ?? ''];
  const text = error instanceof Error && error.message !== '' ? error.message : (systemCodeOf(error) ?? 'unknown');
  const [why, hint] = known ?? [printable(text), 'Check the name, the port (-p) and the network.'];
  return new TransferError('HOST_UNREACHABLE', `${whereOf(to)}: ${why}`, { hint, cause: error });
}

export function noAnswer(to: Endpoint, milliseconds: number): TransferError {
  return new TransferError('HOST_UNREACHABLE', `${whereOf(to)}: no answer in ${String(milliseconds / 1000)} s`, {
    hint: 'Check the network, the port (-p) and firewalls, or go through another host with -J.',
  });
}

export function notSsh(to: Endpoint, cause: unknown): TransferError {
  return new TransferError('HOST_UNREACHABLE', `${whereOf(to)}: what answers is not an SSH server`, {
    hint: 'Check the host and its port (-p).',
    cause,
  });
}

/** The handshake failed: most often no algorithm that both know. */
export function noHandshake(to: Endpoint, cause: unknown): TransferError {
  const text = cause instanceof Error ? printable(cause.message) : 'the connection ended';
  return new TransferError('HOST_UNREACHABLE', `${whereOf(to)}: the SSH handshake failed: ${text}`, {
    hint: 'Look at the log of its SSH server, or try --ssh-program ssh.',
    cause,
  });
}

/** The connection ended although nobody here ended it. */
export function lostConnection(label: string, cause: unknown): TransferError {
  const code = systemCodeOf(cause);
  const text = cause instanceof Error ? cause.message : typeof cause === 'string' ? cause : '';
  const why =
    code === 'ECONNRESET' || code === 'EPIPE' ? 'it was reset' : text === '' ? 'the other end closed it' : text;
  return new TransferError('CONNECTION_LOST', `${label}: the connection broke: ${printable(why)}`, {
    hint: 'Run it again: parts that have arrived whole are not sent again (--checkpoint).',
    cause: typeof cause === 'string' ? undefined : cause,
  });
}

/** `deploy@prod-1 (10.0.0.1, port 2222)`. */
function whereOf({ label, host, port }: Endpoint): string {
  if (label.endsWith(`${host}:${String(port)}`)) return label;
  return label.includes(host)
    ? `${label} (port ${String(port)})`
    : `${label} (${printable(host)}, port ${String(port)})`;
}
