import { type Socket } from 'node:net';
import { type Duplex } from 'node:stream';
import { type HostConfig } from './host-config.js';

/**
 * Notices a line that is dead although nothing says so. ssh2 asks for a sign of life each interval, but it counts only
 * its own questions' answers, which wait behind the megabytes that a slow line has yet to take. Here every byte that
 * comes, and every byte that the line takes, is a sign. Returns what ends it.
 */
export function watchLine(
  line: Duplex & Partial<Pick<Socket, 'bytesWritten'>>,
  config: HostConfig,
  onDead: (cause: string) => void,
): () => void {
  const { aliveInterval, aliveCount } = config;
  if (aliveInterval === 0) return () => undefined;
  let silent = 0;
  let came = true;
  let taken = 0;
  const onData = (): void => {
    came = true;
  };
  line.on('data', onData);
  const timer = setInterval(() => {
    const now = (line.bytesWritten ?? 0) - line.writableLength;
    // The question for a sign of life is itself taken, by the system's own buffer.
    const moves = came || now - taken > 4096;
    silent = moves ? 0 : silent + 1;
    came = false;
    taken = now;
    if (silent > aliveCount) {
      release();
      onDead(`no sign of life in ${String((silent * aliveInterval) / 1000)} s`);
    }
  }, aliveInterval);
  timer.unref();
  const release = (): void => {
    clearInterval(timer);
    line.off('data', onData);
  };
  return release;
}
