import { expect, test } from '@jest/globals';
import { chmodSync, readdirSync } from 'node:fs';
import { type PackOptions } from '../../src/commands/options.js';
import { pack } from '../../src/commands/pack.js';
import { type PackResult } from '../../src/commands/results.js';
import { testContext } from '../helpers/context.js';
import { saveFile } from '../helpers/files.js';
import { makeKey } from '../helpers/ssh-server.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const run = (source: string, options: Partial<PackOptions> = {}): Promise<PackResult> =>
  pack({ sources: [source], output: at('out.tar'), ...options }, testContext());
const beside = (): string[] => readdirSync(at()).filter((name) => name.startsWith('out.tar-'));

test('what a signed bundle had beside it goes when another one takes its place; not while it is the same', async () => {
  const one = await saveFile(at('one.tar'), { 'app:1': ['base', 'app'] });
  const two = await saveFile(at('two.tar'), { 'app:2': ['base'] });
  chmodSync(put(at('key'), makeKey().private), 0o600);
  await run(one, { sign: at('key') });
  put(at('out.tar-SHA256SUMS.old'), '');
  expect((await run(one)).notes.join()).not.toContain('removed');
  const volumes = await run(two, { volumeBytes: 2 ** 20 });
  expect(volumes.notes.join()).not.toContain('removed');
  expect(beside()).toEqual([
    'out.tar-001.json',
    'out.tar-SHA256SUMS',
    'out.tar-SHA256SUMS.old',
    'out.tar-SHA256SUMS.sig',
    'out.tar-bundle.json',
  ]);
  expect((await run(two)).notes).toContain(
    'removed out.tar-SHA256SUMS.sig, out.tar-bundle.json, out.tar-SHA256SUMS: of the signed bundle that was there before',
  );
  expect(beside()).toEqual(['out.tar-001.json', 'out.tar-SHA256SUMS.old']);
});
