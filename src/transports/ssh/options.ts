import { type Ask, type SshSettings } from './settings.js';

/** What a connection needs besides the host. */
export interface ConnectOptions {
  readonly settings: SshSettings;
  /** Undefined: there is nobody to ask. */
  readonly ask: Ask | undefined;
  /** Aborts the connecting; a connection that is there goes on. */
  readonly signal: AbortSignal;
  /** What the user should know: a new host key, settings that are not honoured. */
  readonly emitNote: (message: string) => void;
  readonly env: NodeJS.ProcessEnv;
}
