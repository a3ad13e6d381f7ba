import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { extract, pack } from 'tar-stream';

/** One entry of an archive that a test builds: a file, or a symlink (`link` is relative to its folder). */
export type Member =
  { readonly name: string; readonly bytes: Buffer } | { readonly name: string; readonly link: string };

export const file = (name: string, contents: Buffer | string): Member => ({ name, bytes: Buffer.from(contents) });

export const json = (name: string, value: unknown): Member => file(name, JSON.stringify(value));

/** The bytes of a member by its name. */
export function bytesIn(members: readonly Member[], name: string): Buffer {
  const member = members.find((one) => one.name === name);
  if (member === undefined || !('bytes' in member)) throw new Error(`no file ${name}`);
  return member.bytes;
}

/** The members with one of them replaced, added, or (contents undefined) left out. */
export function withMember(members: readonly Member[], name: string, contents?: Buffer | string): Member[] {
  const others = members.filter((one) => one.name !== name);
  return contents === undefined ? others : [...others, file(name, contents)];
}

/** A tar of the members in their order, written by tar-stream: mtime 0, mode 0644. */
export async function tarOf(members: readonly Member[]): Promise<Buffer> {
  const tar = pack();
  for (const member of members) {
    const header = { name: member.name, mtime: new Date(0), mode: 0o644 };
    if ('link' in member) tar.entry({ ...header, type: 'symlink', linkname: member.link });
    else tar.entry(header, member.bytes);
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The files and symlinks in a tar, read by tar-stream. */
export async function untar(tar: Buffer): Promise<Member[]> {
  const members: Member[] = [];
  const entries = Readable.from([tar]).pipe(extract());
  for await (const entry of entries) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const { name, type, linkname } = entry.header;
    if (type === 'file') members.push(file(name, Buffer.concat(chunks)));
    if (type === 'symlink') members.push({ name, link: linkname });
  }
  return members;
}

/** The tar of a layer: `layerTar({ 'etc/x': 'contents' })`. */
export function layerTar(files: Readonly<Record<string, string>>): Promise<Buffer> {
  return tarOf(Object.entries(files).map(([name, contents]) => file(name, contents)));
}

export const hexSha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
