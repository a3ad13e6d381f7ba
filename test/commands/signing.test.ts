import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { checkKit, checkOrigin, type Origin, readAllowedSigners, signFiles } from '../../src/commands/signing.js';
import { type TransferError } from '../../src/primitives/errors.js';
import { openSigner } from '../../src/transports/ssh/signer.js';
import { faultOf } from '../codecs/helpers.js';
import { testContext } from '../helpers/context.js';
import { makeKey } from '../helpers/ssh-server.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const temp = useTempFolder();
const pair = makeKey();
const { signal } = new AbortController();
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const base = `sha256:${'b'.repeat(64)}`;

const statement = (bundle: string): string =>
  JSON.stringify({
    schema: 'image-ferry.statement/1',
    bundle,
    tar: `sha256:${'a'.repeat(64)}`,
    lists: `sha256:${'c'.repeat(64)}`,
    bases: [{ digest: base, kind: 'bundle', names: ['old.tar.zst'] }],
  });

/** Writes files with their checksums and the signature of these; in a kit where `prefix` is empty. */
async function write(prefix: string, files: Readonly<Record<string, string>>, extraSums = ''): Promise<string> {
  mkdirSync(temp('d'), { recursive: true });
  const all = { [`${prefix}bundle.json`]: statement('r.tar'), ...files };
  const sums =
    Object.entries(all)
      .map(([name, text]) => `${digest(text)}  ${name}\n`)
      .join('') + extraSums;
  for (const [name, text] of Object.entries({ ...all, [`${prefix}SHA256SUMS`]: sums })) put(temp('d', name), text);
  put(temp('key'), pair.private);
  chmodSync(temp('key'), 0o600);
  const signer = await openSigner(temp('key'), { ask: undefined, signal, env: {} });
  const { name, text } = await signFiles({ prefix, sums }, signer);
  put(temp('d', name), text);
  put(temp('signers'), `me@example.com ${pair.public}`);
  return temp('d');
}

const check = (word: string, context = testContext()): Promise<Origin> =>
  readAllowedSigners(temp('signers')).then((signers) => checkOrigin(word, signers, context));
const messages = (faults: readonly TransferError[]): string[] =>
  faults.map(({ message }) => message.replaceAll(temp(), ''));

describe('what is as it was signed', () => {
  test('a bundle: who signed it, and what is said of it', async () => {
    await write('r.tar-', { 'r.tar': 'data' });
    const context = testContext();
    const origin = await check(temp('d', 'r.tar'), context);
    expect(origin).toMatchObject({
      principals: 'me@example.com',
      keyType: 'ssh-ed25519',
      statement: { bundle: 'r.tar' },
      files: ['r.tar-bundle.json', 'r.tar'],
      faults: [],
    });
    const bytes = context.events.flatMap((event) => (event.type === 'bytes' ? [event.bytes] : []));
    expect(context.events[0]).toEqual({
      type: 'start',
      what: 'checking signed files',
      bytes: bytes.reduce((a, b) => a + b),
    });
  });

  test.each(['r.tar.001', 'r.tar.002', ''])('volumes, by %j', async (word) => {
    await write('r.tar-', { 'r.tar.001': 'da', 'r.tar.002': 'ta', 'r.tar-001.json': '{}' });
    expect((await check(temp('d', word))).faults).toEqual([]);
  });

  test.each(['', 'r.tar'])('a kit, by %j, with what a system leaves on a drive', async (word) => {
    await write('', { 'r.tar': 'data', 'load.sh': ':', 'kit.txt': 'kit 1', 'README.txt': 'x' });
    put(temp('d', '.DS_Store'), '');
    expect(await check(temp('d', word))).toMatchObject({ statement: { bundle: 'r.tar' }, faults: [] });
  });
});

describe('what is not', () => {
  test('all faults are told of at once', async () => {
    const folder = await write('r.tar-', { 'r.tar.001': 'da', 'r.tar.002': 'ta', 'r.tar.003': '!' });
    put(temp('d', 'r.tar.001'), 'DA');
    unlinkSync(temp('d', 'r.tar.002'));
    put(temp('d', 'r.tar.004'), 'more');
    const { faults, files } = await check(folder);
    expect(messages(faults)).toEqual([
      '/d/r.tar.002: missing, though it was signed with the rest',
      `/d/r.tar.001: not the file that was signed: expected sha256:${digest('da')}, found sha256:${digest('DA')}`,
      '/d/r.tar-SHA256SUMS: what is signed does not name r.tar.004',
    ]);
    expect(files).toEqual(['r.tar-bundle.json', 'r.tar.003']);
  });

  test('a statement that was changed, that is not signed, or that is about another bundle', async () => {
    await write('r.tar-', { 'r.tar': 'data' });
    put(temp('d', 'r.tar-bundle.json'), '{}');
    const changed = await check(temp('d', 'r.tar'));
    expect([changed.statement, changed.faults.length]).toEqual([undefined, 1]);
    await write('r.tar-', { 'r.tar': 'data', 'r.tar-bundle.json': statement('x.tar') });
    expect(messages((await check(temp('d', 'r.tar'))).faults)).toEqual([
      '/d/r.tar-bundle.json: it is about x.tar, expected r.tar',
    ]);
    await write('', { 'load.sh': ':', 'kit.txt': '' });
    unlinkSync(temp('d', 'r.tar-SHA256SUMS.sig'));
    expect(messages((await check(temp('d', 'r.tar'))).faults)).toEqual([
      '/d/SHA256SUMS: what is signed does not name r.tar',
    ]);
  });

  test('a script or a bundle that was put there', async () => {
    await write('', { 'README.txt': 'x' });
    put(temp('d', 'load.sh'), 'rm -rf /');
    expect(messages((await check(temp('d'))).faults)).toEqual([
      '/d/SHA256SUMS: what is signed does not name load.sh',
      '/d/SHA256SUMS: what is signed does not name r.tar',
      '/d/SHA256SUMS: what is signed does not name kit.txt',
    ]);
  });

  test('links out of the folder, folders and pipes are not read', async () => {
    await write('', { 'r.tar': 'data', secret: 'root', kit: 'x' });
    put(temp('secret'), 'root');
    unlinkSync(temp('d', 'secret'));
    symlinkSync(temp('secret'), temp('d', 'secret'));
    unlinkSync(temp('d', 'kit'));
    mkdirSync(temp('d', 'kit'));
    expect(messages((await check(temp('d'))).faults)).toEqual([
      expect.stringContaining('/d/secret: a link that leads out of its folder'),
      expect.stringContaining('/d/kit: no file'),
    ]);
  });

  test.each([`${digest('x')}  ../secret\n`, `${digest('x')}  /etc/passwd\n`])(
    'signed for outside: %j',
    async (line) => {
      await write('', { 'r.tar': 'data' }, line);
      expect(await faultOf(check(temp('d')))).toMatchObject({
        code: 'BAD_ARCHIVE',
        message: expect.stringMatching(/no plain/),
      });
    },
  );

  test('unsigned, not allowed, no list, no such bundle, several', async () => {
    const folder = await write('r.tar-', { 'r.tar': 'data' });
    const signers = temp('signers');
    expect(await faultOf(check(temp('d', 'x.tar')))).toMatchObject({ code: 'NOT_FOUND' });
    put(signers, `you ${makeKey().public}`);
    expect(await faultOf(check(folder))).toMatchObject({ code: 'SIGNATURE', message: expect.stringMatching(/not in/) });
    put(temp('d', 'r.tar-SHA256SUMS'), 'changed');
    expect(await faultOf(check(folder))).toMatchObject({
      code: 'SIGNATURE',
      message: expect.stringMatching(/not fit/),
    });
    put(temp('d', 'SHA256SUMS.sig'), '');
    expect(await faultOf(check(folder))).toMatchObject({ code: 'USAGE' });
    unlinkSync(temp('d', 'SHA256SUMS.sig'));
    unlinkSync(temp('d', 'r.tar-SHA256SUMS.sig'));
    for (const word of [folder, temp('d', 'r.tar')]) {
      const fault = await faultOf(check(word));
      expect(fault).toMatchObject({
        code: 'SIGNATURE',
        message: expect.stringMatching(/: unsigned: there is no .*SHA256SUMS\.sig$/),
      });
    }
  });

  test('a kit that nobody signed: what load.sh would refuse', async () => {
    const folder = await write('', { 'r.tar': 'data', 'load.sh': ':', 'kit.txt': 'kit 1' });
    expect((await checkKit(folder, testContext()))?.faults).toEqual([]);
    expect(await checkKit(temp('d', 'r.tar'), testContext())).toBeUndefined();
    put(temp('d', 'load.sh'), '# evil');
    put(temp('d', 'parts.txt'), '');
    unlinkSync(temp('d', 'kit.txt'));
    expect(messages((await checkKit(folder, testContext()))?.faults ?? [])).toEqual([
      '/d/kit.txt: missing, though the kit was written with it',
      `/d/load.sh: not the file that was written: expected sha256:${digest(':')}, found sha256:${digest('# evil')}`,
      '/d/SHA256SUMS: it does not name parts.txt, so the kit is not whole',
    ]);
    unlinkSync(temp('d', 'SHA256SUMS'));
    expect(await faultOf(checkKit(folder, testContext()))).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: expect.stringMatching(/SHA256SUMS: missing/),
    });
  });

  test('a list of keys that is not there, or is none, is a slip of the call', async () => {
    expect(await faultOf(readAllowedSigners(temp('none')))).toMatchObject({ code: 'NOT_FOUND' });
    const bare = `${pair.public.trim()} me@here`;
    expect(await faultOf(readAllowedSigners(put(temp('key.pub'), bare)))).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(`line 1: a public key alone: put a name before it: NAME ${bare}`),
    });
  });

  test('an interruption ends the reading with its reason', async () => {
    const folder = await write('', { 'r.tar': 'data' });
    const abort = new AbortController();
    abort.abort(new Error('stop'));
    await expect(check(folder, testContext(abort.signal))).rejects.toThrow('stop');
  });
});
