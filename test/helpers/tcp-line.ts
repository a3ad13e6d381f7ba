import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP connection through which others go, counted, and which can be cut. */
export interface TcpLine {
  readonly port: number;
  /** Bytes from whoever connects to the server behind, over all connections. */
  sent(): number;
  received(): number;
  connections(): number;
  /** Cuts every connection once so many more bytes were sent. */
  cutAfter(bytes: number): void;
  /** Cuts every connection at once. */
  cut(): void;
  close(): Promise<void>;
}

/** Listens on loopback, and passes everything on to `port` there. */
export async function tcpLine(port: number): Promise<TcpLine> {
  const count = { sent: 0, received: 0, connections: 0 };
  let limit = Infinity;
  const pairs = new Set<{ readonly near: Socket; readonly far: Socket }>();
  /** What was counted still reaches the server: else it would depend on the machine's buffers how much is lost. */
  const cut = (): void => {
    limit = Infinity;
    for (const { near, far } of pairs) {
      far.end();
      near.destroy();
    }
  };
  const server = createServer((near) => {
    count.connections++;
    const far = connect(port, '127.0.0.1');
    const pair = { near, far };
    pairs.add(pair);
    for (const socket of [near, far]) socket.on('error', () => undefined);
    far.once('close', () => {
      pairs.delete(pair);
      near.destroy();
    });
    near.once('close', () => far.end());
    near.on('data', (chunk) => {
      count.sent += chunk.length;
      limit -= chunk.length;
      if (limit <= 0) cut();
    });
    far.on('data', (chunk) => (count.received += chunk.length));
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    sent: () => count.sent,
    received: () => count.received,
    connections: () => count.connections,
    cutAfter: (bytes) => {
      limit = bytes;
    },
    cut,
    close: () => {
      cut();
      return new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}
