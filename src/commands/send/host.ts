import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { planTransfer } from '../../engine/plan.js';
import { requireBase } from '../../engine/reliance.js';
import { type SharedReader } from '../../engine/sharing.js';
import { type ImageNode } from '../../model/graph.js';
import { type PlanTotals } from '../../model/plan.js';
import { type Receipt } from '../../model/receipt.js';
import { type Reliance } from '../../model/reliance.js';
import { type Emit, type HostState, type ImageSource, type OpenBlob } from '../../ports.js';
import { type ErrorCode, isTransferError, type TransferError } from '../../primitives/errors.js';
import { formatBytes } from '../../primitives/units.js';
import { productOf } from '../../transports/engine/engine.js';
import { engineSink } from '../../transports/engine/sink.js';
import { movedNote, noTraces, waiting, withNote } from '../../transports/engine/traces.js';
import { type HostWord } from '../../transports/ssh/index.js';
import { engineDeps } from '../open.js';
import { type Context, type SendOptions } from '../options.js';
import { toFault } from '../read.js';
import { openRemote, type Remote } from '../remote.js';
import { type SentHost } from '../results.js';
import { reliedIn } from '../summary.js';
import { deliveryTo, type Line } from './delivery.js';

const DEFAULT_RETRIES = 5;
/** Milliseconds between tries: doubled each time. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

/** What a host is sent. */
export interface Cargo {
  readonly images: readonly ImageNode[];
  readonly reader: SharedReader;
  /** Where they come from, and what that leaves out. */
  readonly source: Pick<ImageSource, 'has'>;
  readonly reliance: Reliance | undefined;
  readonly previousName: ((name: string) => string | undefined) | undefined;
}

/** One host of a `send`: its connection, and what becomes of it. Never throws but for the signal's reason. */
export class Host {
  readonly label: string;
  remote: Remote | undefined;
  readonly #word: HostWord;
  readonly #options: SendOptions;
  readonly #context: Context;
  readonly #line: Line;
  readonly #notes: string[] = [];
  readonly #traces = noTraces();
  readonly #owner = randomBytes(6).toString('hex');
  #engine: string | undefined;
  #totals: PlanTotals | undefined;
  #receipt: Receipt | undefined;
  #cleaned: readonly string[] = [];
  #error: TransferError | undefined;
  #ended: SentHost['state'] | undefined;
  #seconds = 0;
  #sent = 0;
  #retries = 0;
  /** In a row, without getting on. */
  #failures = 0;
  /** Bytes that the last try found lacking. */
  #lacking = Infinity;
  /** Bytes that files for large layers were found with, over all tries. */
  #inFiles = 0;

  constructor(word: HostWord, options: SendOptions, context: Context, line: Line) {
    this.label = word.label;
    this.#word = word;
    this.#options = options;
    this.#line = line;
    this.#context = { ...context, emit: this.#emit(context.emit) };
    this.#tell('waiting');
  }

  /** Whether it is done, or has got something. */
  get isWorthTelling(): boolean {
    return this.#ended !== undefined || waiting(this.#traces).length > 0 || this.#traces.moved.size > 0;
  }

  get failed(): boolean {
    return this.#error !== undefined;
  }

  /** Connects, and finds the engine. */
  async look(): Promise<void> {
    await this.#guard(async () => {
      await this.#again(() => this.#open());
      this.#tell('waiting');
    });
  }

  /** Sends what the host lacks; with a dry run, finds out what that is. */
  async send(cargo: Cargo): Promise<void> {
    await this.#guard(async () => {
      await this.#again(() => this.#try(cargo));
      if (this.#options.dryRun === true) this.#end('planned');
      else this.#end('done', `${formatBytes(this.#sent)} sent`);
    });
    // Nothing is kept any more for a host that is done, or has failed.
    cargo.reader.close();
  }

  /** Removes what broken transfers have left. */
  async clean(work: (remote: Remote, signal: AbortSignal) => Promise<readonly string[]>): Promise<void> {
    await this.#guard(async () => {
      this.#cleaned = await work(await this.#open(), this.#context.signal);
      this.#end('cleaned');
    });
  }

  async close(): Promise<void> {
    await this.remote?.connection.close();
  }

  result(): SentHost {
    return {
      host: this.label,
      state: this.#ended ?? 'interrupted',
      ...(this.#engine !== undefined && { engine: this.#engine }),
      ...(this.#totals !== undefined && { totals: this.#totals }),
      ...(this.#receipt !== undefined && { receipt: this.#receipt }),
      bytesSent: this.#sent,
      seconds: Math.round(this.#seconds * 10) / 10,
      retries: this.#retries,
      notes: this.#notes,
      checkpoints: [...this.#cleaned, ...waiting(this.#traces)],
      ...(this.#error !== undefined && { error: toFault(this.#error, []) }),
    };
  }

  async #open(): Promise<Remote> {
    if (this.remote !== undefined && !this.remote.connection.lost.aborted) return this.remote;
    await this.remote?.connection.close();
    this.#tell('connecting');
    const { ssh, remoteEngine } = this.#options;
    const onConnected = (): void => {
      this.#tell('asking');
    };
    this.remote = await openRemote(this.#word, { ssh, engine: remoteEngine, onConnected }, this.#context);
    this.#engine = productOf(this.remote.engine);
    return this.remote;
  }

  async #try({ images, reader, previousName, source, reliance }: Cargo): Promise<void> {
    const { signal, emit } = this.#context;
    const remote = await this.#open();
    const count = (bytes: number): void => {
      this.#sent += bytes;
    };
    const own = { traces: this.#traces, owner: this.#owner };
    const relied = reliedIn(reliance);
    const delivery = await deliveryTo(remote, this.#line, own, count, signal);
    const sink = engineSink(
      remote.engine,
      {
        ...engineDeps(this.#context),
        delivery,
        layersAreChecked: true,
        isLeftOut: (layer) => relied.has(layer),
        previousName,
        onStage: (stage) => {
          this.#tell(stage);
        },
      },
      remote.images,
    );
    const plan = planTransfer(images, await sink.present(images, signal));
    this.#totals ??= plan.totals;
    requireBase(plan, source, reliance, sink.label);
    // What was sent counts only if it has stayed: else a line that always drops too early would never be given up.
    if (plan.totals.bytesToCopy < this.#lacking) this.#failures = 0;
    this.#lacking = plan.totals.bytesToCopy;
    this.#tell('ready', { bytes: plan.totals.bytesToCopy, present: plan.totals.bytesUnique - plan.totals.bytesToCopy });
    // What the probe saw is a picture of one moment: another try looks anew.
    this.remote = { ...remote, images: undefined };
    if (this.#options.dryRun === true) return;
    this.#receipt = await sink.receive(plan, told(reader.open, emit), signal);
  }

  /** Tries again what a line that drops has broken, as long as it gets on. */
  async #again<T>(work: () => Promise<T>): Promise<T> {
    const allowed = this.#options.retries ?? DEFAULT_RETRIES;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const inFiles = [...this.#traces.largest.values()].reduce((sum, size) => sum + size, 0);
        if (inFiles > this.#inFiles) this.#failures = 0;
        this.#inFiles = inFiles;
        if (!isDrop(error, this.#engine !== undefined) || this.#failures >= allowed) throw error;
        this.#failures++;
        this.#retries++;
        await this.#pause(error, this.#failures, allowed);
      }
    }
  }

  async #pause(error: TransferError, failures: number, allowed: number): Promise<void> {
    const pause = Math.min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE);
    const left = waiting(this.#traces).length;
    const kept = left === 0 ? '' : `, ${String(left)} ${left === 1 ? 'checkpoint is' : 'checkpoints are'} there`;
    const sofar = `${formatBytes(this.#sent)} sent so far${kept}`;
    const message = `${error.message} (${sofar}); trying again in ${String(pause / 1000)} s (${String(failures)} of ${String(allowed)})`;
    this.#notes.push(message);
    this.#tell('retrying', { message });
    await sleep(pause, undefined, { signal: this.#context.signal });
  }

  /** What goes wrong with one host is its result: the others go on. */
  async #guard(work: () => Promise<unknown>): Promise<void> {
    const began = performance.now();
    try {
      await work();
    } catch (error) {
      const moved = movedNote(this.#traces);
      if (moved !== undefined && this.#context.signal.aborted) this.#notes.push(moved);
      this.#context.signal.throwIfAborted();
      const told = withNote(error, moved);
      if (!isTransferError(told)) throw told;
      this.#error = told;
      this.#end('failed', told.message);
    } finally {
      // Without what it has waited for other hosts, and for the sources.
      this.#seconds += (performance.now() - began) / 1000;
    }
  }

  #end(state: SentHost['state'], message?: string): void {
    this.#ended = state;
    this.#tell(state === 'failed' ? 'failed' : 'done', message === undefined ? {} : { message });
  }

  #tell(state: HostState, more: { bytes?: number; present?: number; message?: string } = {}): void {
    this.#context.emit({ type: 'host', host: this.label, state, ...more });
  }

  /** Events of this host carry its name; a phase of its own it has not. */
  #emit(emit: Emit): Emit {
    return (event) => {
      if (event.type === 'start' || event.type === 'end') return;
      if (event.type === 'note') this.#notes.push(event.message);
      emit({ ...event, host: this.label });
    };
  }
}

function told(open: OpenBlob, emit: Emit): OpenBlob {
  return async function* (blob) {
    for await (const chunk of open(blob)) {
      yield chunk;
      emit({ type: 'bytes', bytes: chunk.byteLength });
    }
  };
}

/** A host that was there a moment ago, and is not to be reached now, is a line that dropped. */
function isDrop(error: unknown, wasThere: boolean): error is TransferError {
  const codes: readonly ErrorCode[] = wasThere
    ? ['CONNECTION_LOST', 'HOST_UNREACHABLE', 'ENGINE_UNREACHABLE']
    : ['CONNECTION_LOST'];
  return isTransferError(error) && error.side !== 'source' && codes.includes(error.code);
}
