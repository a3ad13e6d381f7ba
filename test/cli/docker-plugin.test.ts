import { describe, expect, test } from '@jest/globals';
import { pluginMetadata, readPluginCall } from '../../src/cli/docker-plugin.js';

describe('a call by docker', () => {
  test.each<[string[], string[], Record<string, string | undefined>]>([
    [['ferry', 'pack', 'a', '-o', 'x'], ['pack', 'a', '-o', 'x'], {}],
    [['ferry'], [], {}],
    [[], [], {}],
    [['pack', 'a'], ['pack', 'a'], {}],
    [['ferry', 'list', 'ferry'], ['list', 'ferry'], {}],
    [['ferry', 'list', '--context', 'x'], ['list', '--context', 'x'], {}],
    [['help', 'ferry'], ['help'], {}],
    [['help', 'ferry', 'pack'], ['help', 'pack'], {}],
    [['--context', 'ferry', 'ferry', 'list'], ['list'], { DOCKER_CONTEXT: 'ferry', DOCKER_HOST: undefined }],
    [['-c', 'far', 'ferry'], [], { DOCKER_CONTEXT: 'far', DOCKER_HOST: undefined }],
    [['-cfar', 'ferry'], [], { DOCKER_CONTEXT: 'far', DOCKER_HOST: undefined }],
    [['-c=far', 'ferry'], [], { DOCKER_CONTEXT: 'far', DOCKER_HOST: undefined }],
    [['--host=tcp://h:1', 'ferry'], [], { DOCKER_HOST: 'tcp://h:1', DOCKER_CONTEXT: undefined }],
    [['-H', 'tcp://h:1', 'ferry'], [], { DOCKER_HOST: 'tcp://h:1', DOCKER_CONTEXT: undefined }],
    [['--config', '/c', '--tlsverify', 'ferry'], [], { DOCKER_CONFIG: '/c', DOCKER_TLS_VERIFY: '1' }],
    [['--debug', '-l', 'info', '-D', '--log-level=warn', 'ferry', 'x'], ['x'], {}],
    [['--tls=false', '--tlsverify=false', 'ferry', 'x'], ['x'], {}],
    [['--context'], [], { DOCKER_CONTEXT: '', DOCKER_HOST: undefined }],
  ])('%j', (words, argv, env) => {
    expect(readPluginCall(words)).toStrictEqual({ argv, env });
  });

  test.each(['--tls', '--tlscacert=a', '--tlscert=b', '--tlskey=c'])('%s is refused', (word) => {
    expect(() => readPluginCall([word, 'ferry'])).toThrow(/cannot be handed on to ferry/);
  });
});

test('the metadata is one line of JSON', () => {
  expect(pluginMetadata()).toMatch(/^\{[^\n]+\}\n$/);
});
