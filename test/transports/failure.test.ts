import { describe, expect, test } from '@jest/globals';
import { engineFailed, hintFor } from '../../src/transports/engine/failure.js';

const FULL = 'write /var/lib/x: no space left on device';

describe('a hint', () => {
  test.each([
    ['docker', 'sudo -n docker', '`sudo -n docker system df`'],
    ['containerd', 'docker', '`docker system df`'],
    ['podman', '/opt/bin/podman', '`/opt/bin/podman system df`'],
    ['nerdctl', 'nerdctl', 'free some space there.'],
    ['ctr', 'k3s ctr', 'free some space there.'],
  ])('on a full disk names what %s has (%s)', (family, command, words) => {
    const { hint } = engineFailed('an engine', 'loading app:1', FULL, {
      engine: { family, command: command.split(' ') },
    });
    expect(hint).toContain(words);
  });

  test.each([
    ['docker', 'Cannot connect to the Docker daemon', 'DOCKER_HOST'],
    ['podman', 'Cannot connect to Podman', 'CONTAINER_HOST'],
    ['ctr', 'ctr: failed to dial "/run/containerd/containerd.sock"', 'CONTAINERD_ADDRESS'],
  ])('on %s that is not there names where it is looked for', (family, words, variable) => {
    expect(hintFor(words, { family, command: [family] })).toContain(variable);
  });

  test('without an engine names none', () => {
    expect(hintFor(FULL)).toBe("The engine's disk is full: free some space there.");
    expect(hintFor('connection refused')).toBe('Start the engine.');
    expect(hintFor('exit status 1, without a word')).toBeUndefined();
  });
});
