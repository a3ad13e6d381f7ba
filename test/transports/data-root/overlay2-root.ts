import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Digest, digestOf, hexOf } from '../../../src/primitives/digest.js';
import { chainIds } from '../../../src/transports/engine/holdings.js';
import { tempFolder } from '../fake-client.js';
import { tarMember } from '../images.js';

/** A file of a layer; a name in bytes may be no UTF-8. */
export interface LayerFile {
  readonly name: string | Buffer;
  readonly bytes: Buffer;
}

export interface Unpacked {
  readonly diffId: Digest;
  readonly tar: Buffer;
  readonly split: string;
  readonly folder: string;
}

/** A layer as Docker keeps it: `split` and `folder`, and the tar that they stand for. */
export function unpack(files: readonly LayerFile[], at = tempFolder()): Unpacked {
  const [split, folder] = [path.join(at, 'tar-split.json.gz'), path.join(at, 'diff')];
  const lines: object[] = [];
  const parts: Buffer[] = [];
  const bytes = (part: Buffer): void => {
    parts.push(part);
    lines.push({ type: 2, payload: part.toString('base64'), position: lines.length });
  };
  mkdirSync(folder, { recursive: true });
  for (const { name, bytes: contents } of files) {
    const raw = Buffer.from(name);
    const member = tarMember(raw.toString('latin1'), contents);
    bytes(member.subarray(0, 512));
    const named = typeof name === 'string' ? { name } : { name_raw: raw.toString('base64') };
    const size = contents.length > 0 ? { size: contents.length } : {};
    lines.push({ type: 1, ...named, ...size, payload: 'AAAAAAAAAAA=', position: lines.length });
    parts.push(contents);
    bytes(member.subarray(512 + contents.length));
    const file = Buffer.concat([Buffer.from(`${folder}/`), raw]);
    mkdirSync(path.dirname(file.toString('latin1')), { recursive: true });
    writeFileSync(file, contents);
  }
  bytes(Buffer.alloc(1024));
  writeFileSync(split, gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join('')));
  const tar = Buffer.concat(parts);
  return { diffId: digestOf(tar), tar, split, folder };
}

/** A data root of Docker with overlay2 that holds one image of these layers. */
export function overlay2Root(layers: readonly (readonly LayerFile[])[]): {
  readonly root: string;
  readonly id: Digest;
  readonly layers: readonly Unpacked[];
} {
  const root = tempFolder();
  const database = path.join(root, 'image', 'overlay2');
  const unpacked = layers.map((files, at) => unpack(files, path.join(root, 'overlay2', `cache${String(at)}`)));
  for (const [at, chain] of chainIds(unpacked.map(({ diffId }) => diffId)).entries()) {
    const folder = path.join(database, 'layerdb', 'sha256', hexOf(chain));
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'cache-id'), `cache${String(at)}`);
    renameSync(unpacked[at]!.split, path.join(folder, 'tar-split.json.gz'));
  }
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: unpacked.map(({ diffId }) => diffId) },
  });
  const id = digestOf(config);
  const configs = path.join(database, 'imagedb', 'content', 'sha256');
  mkdirSync(configs, { recursive: true });
  writeFileSync(path.join(configs, hexOf(id)), config);
  return { root, id, layers: unpacked };
}
