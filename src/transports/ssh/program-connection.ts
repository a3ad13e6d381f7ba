import { localMachine } from '../machine/local.js';
import { type Exit } from '../machine/machine.js';
import { BaseConnection } from './base-connection.js';
import { LaterChild, SSH_FAILED } from './later-child.js';
import { answers, type Master, PLAIN } from './program-call.js';

/** Commands over an OpenSSH master connection: one short-lived client each. */
export class ProgramConnection extends BaseConnection<LaterChild> {
  readonly #master: Master;
  readonly #end: () => Promise<void>;

  /** `end` ends the master; it never rejects. */
  constructor(host: string, master: Master, end: () => Promise<void>) {
    super(host);
    this.#master = master;
    this.#end = end;
  }

  protected override make(release: () => void): LaterChild {
    return new LaterChild(release);
  }

  protected override run(child: LaterChild, command: string): void {
    const { program, by, host } = this.#master;
    // Without a master, the client would connect by itself: it must not.
    const args = [...by, ...PLAIN, '-o', 'ProxyCommand=false', '-o', 'LogLevel=ERROR', '--', host];
    child.attach(localMachine.start([program, ...args, command], true), (exit) => this.#judge(exit));
  }

  protected override end(): Promise<void> {
    return this.#end();
  }

  async #judge(exit: Exit): Promise<void> {
    if (exit.status === SSH_FAILED && !(await answers(this.#master))) this.lose('');
  }
}
