import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { up } from './lab.js';
import { bytes, cut, hangUp, hostOnLine, lineDown, lineSshConfig, lineUp, mend, reset, runNear } from './line.js';

// Its own line, so that other tests may run beside it.
const number = 9;
const host = hostOnLine('docker20', number);
const remote = (command: string, seconds = 20): ReturnType<typeof runNear> => {
  const alive = ['-o', 'ConnectTimeout=3', '-o', 'ServerAliveInterval=1', '-o', 'ServerAliveCountMax=2'];
  return runNear('timeout', [String(seconds), 'ssh', '-F', lineSshConfig, ...alive, host, command]);
};
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a line of test/lab/line', () => {
  beforeAll(async () => {
    await up('docker20');
    await lineUp({ mbit: 20, line: number });
  }, 300_000);
  afterAll(() => lineDown(number));

  it('reaches the engine at the chosen speed and counts the bytes', async () => {
    const before = await bytes(number);
    const start = performance.now();
    const { stdout } = await remote(
      'docker version --format {{.Server.Version}}; head -c 5000000 /dev/urandom | wc -c',
    );
    expect(stdout).toMatch(/^20\.10\S*\n5000000\n$/);
    await remote('head -c 5000000 /dev/zero');
    const after = await bytes(number);
    expect((performance.now() - start) / 1000).toBeGreaterThan(1.9); // 5 MB at 20 Mbit/s
    expect(after.dataFromFar - before.dataFromFar).toBeGreaterThan(5_000_000);
    expect(after.dataFromFar - before.dataFromFar).toBeLessThan(5_100_000);
    expect(after.fromFar).toBeGreaterThan(after.dataFromFar);
    expect(after.dataToFar - before.dataToFar).toBeLessThan(100_000);
  }, 30_000);

  it('is cut without a word and mended', async () => {
    const lost = remote('sleep 15');
    await pause(1000);
    await cut(number);
    expect((await lost).stderr).toContain('not responding');
    expect((await remote('true')).status).not.toBe(0);
    await mend(number);
    expect((await remote('true')).status).toBe(0);
  }, 40_000);

  it.each([
    ['resets connections', reset],
    ['ends what runs at its far end', hangUp],
  ])(
    '%s, and takes new ones',
    async (_, fail) => {
      const start = performance.now();
      const lost = remote('sleep 15');
      await pause(1000);
      await fail(number);
      expect((await lost).status).toBe(255);
      expect(performance.now() - start).toBeLessThan(10_000);
      expect((await remote('true')).status).toBe(0);
    },
    40_000,
  );
});
