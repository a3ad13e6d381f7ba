/** How hosts are reached, as the user says it; what is undefined comes from the SSH config file. */
export interface SshSettings {
  /** Private keys (`-i`), tried before those of the config file. */
  readonly identityFiles?: readonly string[] | undefined;
  /** `-p`: for hosts whose own word has no port. */
  readonly port?: number | undefined;
  /** `-J`: `[user@]host[:port]`, several with commas between them. */
  readonly jump?: string | undefined;
  /** `-F`: instead of `~/.ssh/config`; `none`: no file at all. */
  readonly configFile?: string | undefined;
  /** An SSH client to run instead of the one that is built in: `ssh`, or a path. */
  readonly program?: string | undefined;
  /** Hosts that were never met: their key is taken and noted, without a question. A changed key is refused all the same. */
  readonly acceptNewHostKey?: boolean | undefined;
}

/** Questions to the user, on the terminal. */
export interface Ask {
  /** Asks for something that is not shown; undefined: the user gave none. @throws the signal's reason */
  secret(question: string, signal: AbortSignal): Promise<string | undefined>;
  /** Asks for something that is shown. */
  line(question: string, signal: AbortSignal): Promise<string | undefined>;
}

/** Whom connecting talks to. */
export interface Company {
  /** Undefined: there is nobody to ask. */
  readonly ask: Ask | undefined;
  /** Aborts the connecting; a connection that is there goes on. */
  readonly signal: AbortSignal;
  /** What the user should know: a new host key, settings that are not honoured. */
  readonly emitNote: (message: string) => void;
}

/** What a connection needs besides the host. */
export interface ConnectOptions extends Company {
  readonly settings: SshSettings;
  /** Where HOME, SSH_AUTH_SOCK and variables of the config file come from; default: this process's. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}
