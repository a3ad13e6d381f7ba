import { expect, test } from '@jest/globals';
import { hostname } from 'node:os';
import { engineFrom } from '../../src/transports/engine/identify.js';
import { localMachine } from '../../src/transports/machine/local.js';

const client = { machine: localMachine, command: ['docker'] };
const version = { Server: { Version: '28.5.2', ApiVersion: '1.51' }, Client: { ApiVersion: '1.51' } };

test.each([
  [hostname(), '/data'],
  ['docker-desktop', undefined],
  [undefined, undefined],
])('a data root is of use on this machine only (%s)', (name, dataRoot) => {
  const docker = { Driver: 'overlay2', Name: name ?? null, DockerRootDir: '/data' };
  expect(engineFrom(client, version, docker)?.dataRoot).toBe(dataRoot);
  const podman = { host: { hostname: name ?? null }, store: { graphRoot: '/data' }, version: { Version: '5.0' } };
  expect(engineFrom(client, { Client: {} }, podman)?.dataRoot).toBe(dataRoot);
});
