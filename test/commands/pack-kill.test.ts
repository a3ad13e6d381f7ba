import { expect, test } from '@jest/globals';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { pack } from '../../src/commands/pack.js';
import { verify } from '../../src/commands/verify.js';
import { digestOf } from '../../src/primitives/digest.js';
import { noise } from '../codecs/helpers.js';
import { testContext } from '../helpers/context.js';
import { dockerArchive } from '../helpers/image-archives.js';
import { KILLS, killAtMoments, SEED, useFerry } from '../helpers/kill.js';
import { layerTar, tarOf } from '../helpers/members.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const MiB = 1024 * 1024;
const build = useFerry();

const title = `${String(KILLS)} times, seed ${String(SEED)}`;
const patience = 30_000 + KILLS * 5_000;

/** A save of 12 MiB that no compression makes smaller, and the bundle of it. */
async function scene(): Promise<{ source: string; expected: string }> {
  const layers = await Promise.all(
    [1, 2, 3].map((n) => layerTar({ [`f${String(n)}`]: noise(3 * MiB).toString('base64') })),
  );
  const source = put(at('save.tar'), await tarOf(dockerArchive([{ tags: ['app:1'], layers }])));
  await pack({ sources: [source], output: at('whole.tar.zst') }, testContext());
  return { source, expected: digestAt('whole.tar.zst') };
}
const digestAt = (...parts: readonly string[]): string => digestOf(readFileSync(at(...parts)));
const volumes = (): string[] =>
  readdirSync(at('out'))
    .filter((name) => /\.\d{3}$/.test(name))
    .sort();
const fresh = (): void => {
  rmSync(at('out'), { recursive: true, force: true });
  mkdirSync(at('out'));
};

test(
  `an output is the old one or the new one, whole, after a killed pack (${title})`,
  async () => {
    const { source, expected } = await scene();
    const old = Buffer.from('what was there before');
    const seen = (): string => digestAt('out', 'release.tar.zst');
    const killed = await killAtMoments({
      build: build(),
      prepare: () => {
        fresh();
        writeFileSync(at('out/release.tar.zst'), old);
      },
      words: ['pack', source, '-o', at('out/release.tar.zst')],
      afterKill: () => {
        expect([digestOf(old), expected]).toContain(seen());
        expect(readdirSync(at('out')).filter((name) => !name.endsWith('.part'))).toEqual(['release.tar.zst']);
        return Promise.resolve();
      },
      afterFinish: () => {
        expect(seen()).toBe(expected);
        expect(readdirSync(at('out'))).toEqual(['release.tar.zst']);
        return Promise.resolve();
      },
    });
    expect(killed).toBeGreaterThan(0);
  },
  patience,
);

test(
  `volumes are whole after a killed pack, and --resume finishes them (${title})`,
  async () => {
    const { source, expected } = await scene();
    const whole = readFileSync(at('whole.tar.zst'));
    const words = ['pack', source, '-o', at('out/release.tar.zst'), '--volume-size', '1MiB'];
    const killed = await killAtMoments({
      build: build(),
      prepare: fresh,
      words,
      afterKill: () => {
        // Under its name, a volume is the very piece of the whole that it should be.
        for (const [i, name] of volumes().entries()) {
          expect(name).toBe(`release.tar.zst.${String(i + 1).padStart(3, '0')}`);
          expect(digestAt('out', name)).toBe(digestOf(whole.subarray(i * MiB, (i + 1) * MiB)));
        }
        return Promise.resolve();
      },
      finish: [...words, '--resume'],
      afterFinish: async () => {
        expect(digestOf(Buffer.concat(volumes().map((name) => readFileSync(at('out', name)))))).toBe(expected);
        expect(readdirSync(at('out')).filter((name) => name.endsWith('.part'))).toEqual([]);
        expect((await verify({ sources: [at('out')] }, testContext())).faults).toEqual([]);
      },
    });
    expect(killed).toBeGreaterThan(0);
  },
  patience,
);
