import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach } from '@jest/globals';
import { type KitFacts } from '../../../src/formats/kit/facts.js';
import { configBytes, type TestImage } from '../../helpers/image-archives.js';
import { addProgram, type KitShape, runKit, smallTools, type Told, toolbox, writeKit } from '../../helpers/kits.js';
import { hexSha256, layerTar } from '../../helpers/members.js';
import { useTempFolder } from '../../helpers/temp-folder.js';

export const temp = useTempFolder();
export const name = (text: string): string => `docker.io/library/${text}`;
export const bottom = await layerTar({ bottom: '' });
export const base: TestImage = { tags: [name('base:1')], layers: [bottom] };
export const app: TestImage = { tags: [name('app:1')], layers: [bottom, await layerTar({ app: '' })] };
export const web: TestImage = { tags: [name('web:1')], layers: [bottom, await layerTar({ web: '' })] };

export let tools: string;
export let kit: string;

beforeEach(() => {
  tools = toolbox(temp('the tools'), smallTools);
  kit = temp('the kit');
  mkdirSync(temp('fake'));
  fake({ names: '', version: '20.10.24 linux/amd64 1.41 Engine,', info: '[[Backing Filesystem extfs]]' });
  engine('docker', 'Docker version 20.10.24');
});

/** What the engine of the test is like; test/helpers/fake-engine.sh. */
export function fake(files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) writeFileSync(temp('fake', file), text);
}
export const faked = (file: string): string => readFileSync(temp('fake', file), 'utf8');

function engine(program: string, version: string): void {
  cpSync('test/helpers/fake-engine.sh', join(tools, `${program}-fake`));
  const script = `#!/bin/sh\n[ "$1" != --version ] || { echo '${version}'; exit; }\nexec sh '${join(tools, `${program}-fake`)}' "$@"\n`;
  addProgram(tools, program, script);
}

export const podman = (): void => {
  rmSync(join(tools, 'docker'));
  engine('podman', 'podman version 5.8.6');
  fake({ info: '5.8.6 linux/amd64\n' });
};
export const containerd = (api = '1.51'): void => {
  fake({ version: `28.5.2 linux/amd64 ${api} Engine,`, info: '[[driver-type io.containerd.snapshotter.v1]]' });
};

export const write = (images: readonly TestImage[], shape: KitShape = {}): Promise<KitFacts> =>
  writeKit(kit, images, shape);
export const load = (...args: readonly string[]): Promise<Told> =>
  runKit(kit, tools, args, { env: { FAKE: temp('fake') } });
export const diffIds = ({ layers }: TestImage): string => layers.map((layer) => `sha256:${hexSha256(layer)}`).join(',');
/** A line of what the engine has: an image as a graph driver names it. */
export const has = (image: TestImage, as = image.tags?.[0]): string =>
  `${as ?? ''} sha256:${hexSha256(configBytes(image))} ${diffIds(image)}\n`;
export const old = `${name('app:1')} sha256:${'0'.repeat(64)} sha256:${'1'.repeat(64)}\n`;
