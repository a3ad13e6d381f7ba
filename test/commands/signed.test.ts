import { expect, test } from '@jest/globals';
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { type PackOptions } from '../../src/commands/options.js';
import { pack } from '../../src/commands/pack.js';
import { type PackResult, type VerifyResult } from '../../src/commands/results.js';
import { verify } from '../../src/commands/verify.js';
import { faultOf } from '../codecs/helpers.js';
import { testContext } from '../helpers/context.js';
import { saveFile } from '../helpers/files.js';
import { makeKey } from '../helpers/ssh-server.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const pair = makeKey();
const images = (): Promise<string> => saveFile(at('save.tar'), { 'app:1': ['base', 'app'] });
const run = (source: string, output: string, options: Partial<PackOptions>): Promise<PackResult> =>
  pack({ sources: [source], output: at(output), ...options }, testContext());

/** A private key, and the list that allows it. */
function key(): { sign: string; allowedSigners: string } {
  chmodSync(put(at('key'), pair.private), 0o600);
  return { sign: at('key'), allowedSigners: put(at('signers'), `me@example.com ${pair.public}`) };
}

const words = ({ faults }: VerifyResult): string[] => faults.map(({ message }) => message.replaceAll(at(), ''));

test.each([true, false])('a kit that the site would refuse is not verified; signed: %s', async (isSigned) => {
  const { sign, allowedSigners } = key();
  await run(await images(), 'kit', { kit: true, ...(isSigned && { sign }) });
  const check = (): Promise<VerifyResult> =>
    verify({ sources: [at('kit')], ...(isSigned && { allowedSigners }) }, testContext());
  expect(words(await check())).toEqual([]);
  put(at('kit/load.sh'), '# evil');
  rmSync(at('kit/kit.txt'));
  expect(words(await check())).toEqual([
    expect.stringMatching(/^\/kit\/kit\.txt: missing/),
    expect.stringMatching(/^\/kit\/load\.sh: not the file that was/),
  ]);
  rmSync(at('kit/SHA256SUMS'));
  expect(words(await check())).toEqual([expect.stringMatching(/^\/kit\/SHA256SUMS: missing/)]);
});

test('a thin bundle, with its base: the statement names the base by its identity', async () => {
  const { sign, allowedSigners } = key();
  const old = await run(await images(), 'old.tar.zst', {});
  const base = [at('old.tar.zst')];
  await run(await saveFile(at('new.tar'), { 'app:2': ['base', 'new'] }), 'thin.tar', { base, sign });
  expect(await verify({ sources: [at('thin.tar')], with: base, allowedSigners }, testContext())).toMatchObject({
    faults: [],
    signed: [{ principals: 'me@example.com' }],
  });
  const { bases } = JSON.parse(readFileSync(at('thin.tar-bundle.json'), 'utf8')) as { bases: unknown };
  expect(bases).toMatchObject([{ digest: old.receipt?.lists, kind: 'archive' }]);
});

test('a list of keys that is not there is known before any source is read', async () => {
  const options = { sources: [at('nothing.tar'), at('more.tar')], allowedSigners: at('nosuch') };
  expect(await faultOf(verify(options, testContext()))).toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('nosuch'),
  });
});
