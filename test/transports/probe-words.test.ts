import { describe, expect, test } from '@jest/globals';
import { clientWords, commandOf } from '../../src/transports/engine/probe-words.js';

describe('clientWords', () => {
  test.each([
    ['docker', 'docker', 'docker'],
    ['  podman ', 'podman', 'podman'],
    ['/opt/bin/nerdctl', 'nerdctl', '/opt/bin/nerdctl'],
    ['nerdctl -n k8s.io', 'nerdctl', 'nerdctl -n k8s.io'],
    ['ctr -n k8s.io', 'ctr', 'ctr -n k8s.io'],
    ['k3s ctr', 'ctr', 'k3s ctr'],
    ['sudo docker', 'docker', 'sudo -n docker'],
    ['sudo -n docker', 'docker', 'sudo -n docker'],
    ['sudo -En podman', 'podman', 'sudo -En podman'],
    ['sudo --non-interactive docker', 'docker', 'sudo --non-interactive docker'],
    ['/usr/bin/sudo -u deploy -H podman', 'podman', '/usr/bin/sudo -n -u deploy -H podman'],
    ['sudo /usr/local/bin/k3s ctr -n k8s.io', 'ctr', 'sudo -n /usr/local/bin/k3s ctr -n k8s.io'],
    ['/opt/docker-27/docker-cli', 'docker', '/opt/docker-27/docker-cli'],
  ])('%s', (text, kind, command) => {
    const words = clientWords(text, '--remote-engine');
    expect(words.kind).toBe(kind);
    expect(commandOf(words).join(' ')).toBe(command);
  });

  test.each(['', ' ', '-n', 'containerd', 'k3s', 'k3s kubectl', 'sudo', 'sudo -n', 'sudo -u', 'sudo sudo docker'])(
    'refuses %j',
    (text) => {
      expect(() => clientWords(text, '--remote-engine')).toThrow(expect.objectContaining({ code: 'USAGE' }));
    },
  );

  test.each(["docker'", 'docker;id', 'docker $(id)', 'docker `id`', 'docker\\x', 'docker "a"', 'd*', 'döcker', 'a\0b'])(
    'takes no word that a shell would read otherwise: %j',
    (text) => {
      expect(() => clientWords(text, '--engine')).toThrow(/^--engine: not an engine: /);
    },
  );
});
