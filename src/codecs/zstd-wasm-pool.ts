import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

/** Bytes of a thread's first input buffer: a frame of the usual size. */
const LEAST_INPUT = 4 * 1024 * 1024;

export interface WasmPool {
  /** A frame without checksum. */
  compress(raw: Uint8Array, level: number): Promise<Uint8Array>;
  /** @throws Error when the frame does not decompress to `rawSize` bytes */
  decompress(frame: Uint8Array, rawSize: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * The worker, as source text: it has to start from dist/ as well as from src/ under jest, where no file of this folder
 * is JavaScript yet. It is plain CommonJS and needs nothing but zstd-codec, whose path it is given. An abort of the
 * WebAssembly code (out of its 16 MiB) leaves a dead module behind, so any error but "corrupt" ends the worker.
 */
const SOURCE = `
const { parentPort, workerData } = require('node:worker_threads');
const binding = { print() {}, printErr() {} };
binding.onRuntimeInitialized = () => {
  const codec = new binding.ZstdCodec();
  const call = (bytes, size, work) => {
    const from = new binding.VectorU8();
    const into = new binding.VectorU8();
    binding.cloneToVector(from, bytes);
    into.resize(size, 0);
    const written = work(into, from);
    if (written >= 0) into.resize(written, 0);
    const result = written >= 0 ? binding.cloneAsTypedArray(into) : undefined;
    from.delete();
    into.delete();
    return result;
  };
  parentPort.on('message', ({ bytes, level, rawSize }) => {
    const result =
      level === undefined
        ? call(bytes, rawSize, (into, from) => codec.decompress(into, from))
        : call(bytes, codec.compressBound(bytes.length), (into, from) => codec.compress(into, from, level));
    parentPort.postMessage(result, result === undefined ? [] : [result.buffer]);
  });
};
require(workerData)(binding);
`;

interface Order {
  readonly level?: number;
  readonly rawSize?: number;
}

interface Job {
  readonly bytes: Uint8Array;
  readonly order: Order;
  resolve(result: Uint8Array): void;
  reject(error: unknown): void;
}

/** Up to `size` threads, started as work comes in. They hold the process only while they work. */
export function wasmPool(size: number): WasmPool {
  const script = createRequire(import.meta.url).resolve('zstd-codec/lib/zstd-codec-binding-wasm.js');
  const queue: Job[] = [];
  const idle: Worker[] = [];
  const all = new Map<Worker, Job | undefined>();
  const inputs = new WeakMap<Worker, SharedArrayBuffer>();

  const start = (): Worker => {
    const worker = new Worker(SOURCE, { eval: true, workerData: script, execArgv: [], stdout: false });
    const fail = (error: unknown): void => {
      const job = all.get(worker);
      all.delete(worker);
      void worker.terminate();
      job?.reject(error);
      next();
    };
    worker.on('error', fail);
    worker.on('exit', () => {
      if (all.has(worker)) fail(new Error('the thread ended'));
    });
    worker.on('message', (result: Uint8Array | undefined) => {
      const job = all.get(worker);
      all.set(worker, undefined);
      idle.push(worker);
      worker.unref();
      if (result === undefined) job?.reject(new Error('the data is corrupt'));
      else job?.resolve(result);
      next();
    });
    return worker;
  };

  const next = (): void => {
    if (queue.length === 0) return;
    const worker = idle.pop() ?? (all.size < size ? start() : undefined);
    const job = worker === undefined ? undefined : queue.shift();
    if (worker === undefined || job === undefined) return;
    all.set(worker, job);
    worker.ref();
    const bytes = shared(inputs, worker, job.bytes);
    worker.postMessage({ bytes, ...job.order });
  };

  const run = (bytes: Uint8Array, order: Order): Promise<Uint8Array> =>
    new Promise((resolve, reject) => {
      queue.push({ bytes, order, resolve, reject });
      next();
    });

  return {
    compress: (bytes, level) => run(bytes, { level }),
    decompress: (bytes, rawSize) => run(bytes, { rawSize }),
    close: async () => {
      const workers = [...all.keys()];
      for (const job of [...all.values(), ...queue.splice(0)]) job?.reject(new Error('the codec was closed'));
      all.clear();
      idle.length = 0;
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/**
 * `bytes` in memory that is shared with their thread and used again for its next input: buffers that were handed over
 * would pile up there until its garbage collector gets round to them.
 */
function shared(inputs: WeakMap<Worker, SharedArrayBuffer>, worker: Worker, bytes: Uint8Array): Uint8Array {
  let input = inputs.get(worker);
  if (input === undefined || input.byteLength < bytes.byteLength) {
    input = new SharedArrayBuffer(Math.max(bytes.byteLength, LEAST_INPUT));
    inputs.set(worker, input);
  }
  const view = new Uint8Array(input, 0, bytes.byteLength);
  view.set(bytes);
  return view;
}
