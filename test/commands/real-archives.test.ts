import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { list } from '../../src/commands/list.js';
import { pack } from '../../src/commands/pack.js';
import { verify } from '../../src/commands/verify.js';
import { exitStatusOf, isTransferError } from '../../src/primitives/errors.js';
import { testContext } from '../helpers/context.js';
import { useTempFolder } from '../helpers/temp-folder.js';

interface Unit {
  readonly path: string;
  readonly kind: string;
  readonly problems: readonly string[];
}

const root = resolve(import.meta.dirname, '../../../shared/real-archives');
const isImage = ({ kind }: Unit): boolean => /^(docker-archive|oci-archive|oci-layout)/.test(kind);
const units = existsSync(join(root, 'units.json'))
  ? (JSON.parse(readFileSync(join(root, 'units.json'), 'utf8')) as Unit[]).filter(({ path }) =>
      existsSync(join(root, path)),
    )
  : [];

/** What each of list, pack, verify, and verify of the packed bundle comes to: `ok`, or a code. */
async function outcomes(path: string, output: string): Promise<Record<string, string>> {
  const options = { sources: [`file:${path}`] };
  const attempt = async (
    work: () => Promise<{ readonly faults?: readonly { readonly code: string }[] }>,
  ): Promise<string> => {
    try {
      return (await work()).faults?.[0]?.code ?? 'ok';
    } catch (error) {
      if (isTransferError(error)) return error.code;
      throw error;
    }
  };
  const packed = await attempt(async () => ({ ...(await pack({ ...options, output }, testContext())), faults: [] }));
  return {
    list: await attempt(() => list(options, testContext())),
    pack: packed,
    verify: await attempt(() => verify(options, testContext())),
    ...(packed === 'ok' && { bundle: await attempt(() => verify({ sources: [`file:${output}`] }, testContext())) }),
  };
}

const whole = { list: 'ok', pack: 'ok', verify: 'ok', bundle: 'ok' };

/** Where the answer is another than the separate check suggests, and why. */
const explained: readonly [RegExp, string, Record<string, string>][] = [
  [/test_no_valid_manifests\.oci$/, 'it holds no image', { list: 'ok', pack: 'NOT_FOUND', verify: 'ok' }],
  [
    /null_manifest\.tar$/,
    'Docker refuses a manifest.json of null too',
    { list: 'BAD_ARCHIVE', pack: 'BAD_ARCHIVE', verify: 'BAD_ARCHIVE' },
  ],
  [/docker-containerd-image-store$/, 'platforms were left out on purpose', whole],
];

describe('archives made by other tools', () => {
  if (units.length === 0) {
    test.skip('skipped: ../shared/real-archives is not beside this checkout', () => {});
    return;
  }
  const at = useTempFolder();
  const images = units.filter(isImage);
  const exceptionFor = ({ path }: Unit): Record<string, string> | undefined =>
    explained.find(([pattern]) => pattern.test(path))?.[2];

  test.each(images.filter((unit) => unit.problems.length === 0 || exceptionFor(unit) !== undefined))(
    '$path',
    async (unit) => {
      expect(await outcomes(join(root, unit.path), at('out.tar'))).toEqual(exceptionFor(unit) ?? whole);
    },
  );

  test.each(images.filter((unit) => unit.problems.length > 0 && exceptionFor(unit) === undefined))(
    '$path: $problems',
    async (unit) => {
      const found = await outcomes(join(root, unit.path), at('out.tar'));
      expect(exitStatusOf[found['verify'] as keyof typeof exitStatusOf]).toBe(3);
      expect(found['pack']).toMatch(/^(BAD_ARCHIVE|BLOB_CORRUPT|BLOB_MISSING)$/);
    },
  );

  test('what is no image archive says so, whatever it is', async () => {
    const others = units.filter((unit) => !isImage(unit));
    const codes = new Set<string>();
    for (const { path } of others) codes.add((await outcomes(join(root, path), at('out.tar')))['list'] ?? '');
    expect([...codes].filter((code) => exitStatusOf[code as keyof typeof exitStatusOf] !== 3)).toEqual([]);
  });
});
