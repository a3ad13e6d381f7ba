// What `docker system dial-stdio` leads to, as far as an inventory sees it: the Engine API on standard input and output.
// argv: a JSON file with `images` (the answer of /images/json) and `content` (digest to labels; undefined: no /grpc) or
// `raw` (hex of the answer of the content store).
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import { Duplex } from 'node:stream';

const { images = [], status = 200, content, raw, grpcStatus = '0' } = JSON.parse(readFileSync(process.argv[2], 'utf8'));

const varint = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)]);
const field = (number, bytes) =>
  Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);
const text = (number, value) => field(number, Buffer.from(value));
const number = (at, value) => Buffer.from([at * 8, ...varint(value)]);

const info = ([digest, labels]) =>
  Buffer.concat([
    text(1, digest),
    number(2, 123_456),
    field(3, number(1, 1_790_000_000)),
    ...Object.entries(labels).map(([key, value]) => field(5, Buffer.concat([text(1, key), text(2, value)]))),
  ]);

const message = (bytes) => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
};

/** Two blobs a message. */
function answer() {
  if (raw !== undefined) return Buffer.from(raw, 'hex');
  const blobs = Object.entries(content).map((blob) => field(1, info(blob)));
  const pairs = blobs.flatMap((_, at) => (at % 2 === 0 ? [Buffer.concat(blobs.slice(at, at + 2))] : []));
  return Buffer.concat(pairs.map(message));
}

function grpc(rest) {
  process.stdout.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
  const socket = Duplex.from({ readable: process.stdin, writable: process.stdout });
  if (rest.length > 0) process.stdin.unshift(rest);
  const server = createServer().on('stream', (stream, headers) => {
    if (headers[':path'] !== '/containerd.services.content.v1.Content/List')
      return stream.respond({ ':status': 404 }, { endStream: true });
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': grpcStatus }));
    stream.resume().on('end', () => stream.end(answer()));
  });
  server.emit('connection', socket);
}

let seen = Buffer.alloc(0);
process.stdin.on('data', function read(chunk) {
  seen = Buffer.concat([seen, chunk]);
  const end = seen.indexOf('\r\n\r\n');
  if (end === -1) return;
  process.stdin.off('data', read);
  process.stdin.pause();
  const head = seen.subarray(0, end).toString();
  if (head.startsWith('POST /grpc ') && (content ?? raw) !== undefined) return grpc(seen.subarray(end + 4));
  const body = head.includes('/images/json?manifests=1') ? JSON.stringify(images) : '{"message":"page not found"}';
  const code = head.includes('/images/json?manifests=1') ? status : 404;
  process.stdout.write(
    `HTTP/1.1 ${code} X\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  process.stdin.resume();
});
