import { connectBuiltin } from './builtin.js';
import { type Connection } from './connection.js';
import { type HostWord } from './host-word.js';
import { connectProgram } from './program.js';
import { type ConnectOptions } from './settings.js';

export { type Connection } from './connection.js';
export { type HostWord, parseHost } from './host-word.js';
export { quoteCommand, quoteWord } from './quote.js';
export { type Ask, type ConnectOptions, type SshSettings } from './settings.js';

/**
 * Connects to a host: with the client that is built in, or the one that `settings.program` names. The same words, config
 * files, keys and questions serve both.
 * @throws TransferError HOST_UNREACHABLE, HOST_REFUSED, USAGE (a config file that cannot be read); the signal's reason
 */
export async function connect(word: HostWord, options: ConnectOptions): Promise<Connection> {
  options.signal.throwIfAborted();
  const { program } = options.settings;
  return program === undefined ? connectBuiltin(word, options) : connectProgram(word, program, options);
}
