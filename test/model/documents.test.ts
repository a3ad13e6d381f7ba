import { describe, expect, test } from '@jest/globals';
import { parseConfig } from '../../src/model/config.js';
import { malformed, parseDescriptor } from '../../src/model/descriptor.js';
import { type Json, parseJson } from '../../src/model/json.js';
import { isImageManifest, type ManifestDocument, parseDocument } from '../../src/model/manifest.js';
import { mediaTypes as types } from '../../src/model/media-types.js';
import { digestOf } from '../../src/primitives/digest.js';
import { limits } from '../../src/primitives/limits.js';

const digest = digestOf('x');
const blob = { mediaType: types.ociLayer, digest, size: 1 };
const config = { mediaType: types.ociConfig, digest, size: 1 };
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const bad = (words: string, code = 'BAD_ARCHIVE'): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(words) });

describe('parseJson', () => {
  test.each([
    ['nothing', '', 'it is empty'],
    ['half a document', '{"a":', 'expected JSON'],
    ['two documents', '{}{}', 'expected JSON'],
    ['no JSON', '<html>', 'expected JSON'],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'expected JSON'],
  ])('%s is refused, naming the file', (_, contents, words) => {
    expect(() => parseJson(Buffer.from(contents), 'a.tar: index.json')).toThrow(bad(words));
    expect(() => parseJson(Buffer.from(contents), 'a.tar: index.json')).toThrow(bad('a.tar: index.json'));
  });
});

describe('parseDescriptor', () => {
  test('takes what ferry uses', () => {
    const value = {
      ...blob,
      annotations: { a: 'b' },
      platform: { os: 'linux', architecture: 'arm', variant: 'v7', 'os.version': '1' },
      urls: [],
    };
    expect(parseDescriptor(value, 'x')).toEqual({
      ...blob,
      annotations: { a: 'b' },
      platform: { os: 'linux', architecture: 'arm', variant: 'v7', osVersion: '1' },
    });
  });

  test('null is as good as nothing where Go writes it; a media type may be missing', () => {
    expect(parseDescriptor({ digest, size: 0, annotations: null, platform: null }, 'x')).toEqual({
      mediaType: '',
      digest,
      size: 0,
    });
    expect(parseDescriptor({ digest, size: 0, platform: { os: '' } }, 'x').platform).toEqual({
      os: 'unknown',
      architecture: 'unknown',
    });
  });

  test.each<[string, Json, string]>([
    ['a text', 'x', 'x: expected an object, found "x"'],
    ['a list', [], 'x: expected an object, found []'],
    ['no digest', { size: 1 }, 'x: digest'],
    ['no size', { digest }, 'x: size: expected a whole number of bytes, found nothing'],
    ['a negative size', { digest, size: -1 }, 'found -1'],
    ['half a byte', { digest, size: 1.5 }, 'found 1.5'],
    ['a size over 2^53', { digest, size: 2 ** 53 }, 'x: size'],
    ['a size as text', { digest, size: '1' }, 'found "1"'],
    ['a media type that is none', { digest, size: 1, mediaType: 5 }, 'x: mediaType: expected a text'],
    ['annotations that are none', { digest, size: 1, annotations: ['a'] }, 'x: annotations: expected an object'],
    [
      'an annotation that is no text',
      { digest, size: 1, annotations: { 'a"b': 1 } },
      'x: annotations["a\\"b"]: expected a text',
    ],
    ['a platform that is none', { digest, size: 1, platform: 'linux' }, 'x: platform: expected an object'],
    ['an os that is no text', { digest, size: 1, platform: { os: 1 } }, 'x: platform.os: expected a text'],
  ])('%s is refused, saying where', (_, value, words) => {
    expect(() => parseDescriptor(value, 'x')).toThrow(bad(words));
  });

  test('foreign text in an error cannot steer a terminal', () => {
    const error = malformed('x', 'a text', { a: '\u009b31m\u202e' });
    expect(error.message).toBe('x: expected a text, found {"a":"\\x9b31m\\u202e"}');
    expect(() => parseDescriptor({ digest, size: 1, annotations: { '\u202e': 1 } }, 'x')).toThrow('["\\u202e"]');
  });
});

describe('parseDocument', () => {
  const manifest = { schemaVersion: 2, mediaType: types.ociManifest, config, layers: [blob] };
  const index = { schemaVersion: 2, mediaType: types.ociIndex, manifests: [blob] };
  const parse = (value: unknown, stated = ''): ReturnType<typeof parseDocument> =>
    parseDocument(bytes(value), stated, 'a.tar: blob');

  test.each<[string, unknown, string, object]>([
    [
      'an OCI manifest',
      manifest,
      types.ociManifest,
      { kind: 'manifest', mediaType: types.ociManifest, layers: [blob] },
    ],
    ['an OCI index', index, types.ociIndex, { kind: 'index', manifests: [blob] }],
    [
      'a manifest without a media type',
      { ...manifest, mediaType: undefined },
      types.ociManifest,
      { mediaType: types.ociManifest },
    ],
    ['a descriptor without a media type', manifest, '', { mediaType: types.ociManifest }],
    [
      'a schema 2 manifest',
      { ...manifest, mediaType: types.dockerManifest },
      types.dockerManifest,
      { mediaType: types.dockerManifest },
    ],
    [
      'a manifest list',
      { ...index, mediaType: types.dockerIndex },
      types.dockerIndex,
      { kind: 'index', mediaType: types.dockerIndex },
    ],
    ['no layers', { ...manifest, layers: null }, types.ociManifest, { layers: [] }],
    ['an index of null', { ...index, manifests: null }, types.ociIndex, { manifests: [] }],
    [
      'subject and artifact type',
      { ...manifest, subject: blob, artifactType: 'a/b' },
      '',
      { subject: digest, artifactType: 'a/b' },
    ],
    ['an empty artifact type', { ...manifest, artifactType: '' }, '', { artifactType: undefined }],
    ['annotations of an index', { ...index, annotations: { a: 'b' } }, '', { annotations: { a: 'b' } }],
  ])('%s', (_, value, stated, expected) => {
    expect(parse(value, stated)).toMatchObject(expected);
  });

  test.each<[string, unknown, string, string]>([
    ['no object', [], '', 'expected a manifest or an index'],
    ['schema 1 by its version', { schemaVersion: 1, fsLayers: [] }, types.ociManifest, 'a Docker schema 1 manifest'],
    ['schema 1 by its media type', manifest, types.dockerManifestV1Signed, 'a Docker schema 1 manifest'],
    ['a manifest and an index in one', { ...manifest, manifests: [] }, types.ociManifest, 'both in one document'],
    ['an index with a config', { ...index, config }, types.ociIndex, 'both in one document'],
    ['an index that is said to be a manifest', index, types.ociManifest, 'media type: expected the one of an index'],
    ['a manifest that is said to be an index', manifest, types.ociIndex, 'media type: expected the one of a manifest'],
    ['an index that calls itself a manifest', { ...index, mediaType: types.ociManifest }, types.ociIndex, 'media type'],
    [
      'a manifest that calls itself a list',
      { ...manifest, mediaType: types.dockerIndex },
      types.ociManifest,
      'media type',
    ],
    ['no config', { ...manifest, config: undefined }, '', 'config: expected an object, found nothing'],
    ['layers that are no list', { ...manifest, layers: {} }, '', 'layers: expected a list'],
    ['manifests that are no list', { ...index, manifests: {} }, '', 'manifests: expected a list'],
    ['a layer that is none', { ...manifest, layers: [blob, null] }, '', 'layers[1]: expected an object'],
    ['a subject without a digest', { ...manifest, subject: {} }, '', 'subject: expected a digest'],
  ])('%s is refused', (_, value, stated, words) => {
    expect(() => parse(value, stated)).toThrow(bad(words));
    expect(() => parse(value, stated)).toThrow(bad('a.tar: blob'));
  });

  test('more layers than the budget are LIMIT', () => {
    expect(() => parse({ ...manifest, layers: Array(limits.layers + 1).fill(blob) })).toThrow(
      bad('2001 entries', 'LIMIT'),
    );
    expect(parse({ ...manifest, layers: Array(limits.layers).fill(blob) })).toMatchObject({ kind: 'manifest' });
  });

  test.each<[string, object, boolean]>([
    ['an OCI image', {}, true],
    ['a schema 2 image', { config: { ...config, mediaType: types.dockerConfig } }, true],
    ['an image without layers', { layers: [] }, true],
    [
      'foreign layers',
      { layers: [{ ...blob, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }] },
      true,
    ],
    [
      'an attestation, with an image config',
      { layers: [{ ...blob, mediaType: 'application/vnd.in-toto+json' }] },
      false,
    ],
    ['a chart', { config: { ...config, mediaType: 'application/vnd.cncf.helm.config.v1+json' } }, false],
    ['an empty config', { config: { ...config, mediaType: types.ociEmpty } }, false],
  ])('%s', (_, fields, is) => {
    expect(isImageManifest(parse({ ...manifest, ...fields }) as ManifestDocument)).toBe(is);
  });
});

describe('parseConfig', () => {
  test('platform and diffIDs', () => {
    const value = {
      os: 'windows',
      architecture: 'amd64',
      'os.version': '10.0',
      variant: '',
      rootfs: { diff_ids: [digest] },
    };
    expect(parseConfig(bytes(value), 'x')).toMatchObject({
      platform: { os: 'windows', architecture: 'amd64', osVersion: '10.0' },
      diffIds: [digest],
    });
  });

  test.each([{}, { rootfs: null }, { rootfs: {} }, { rootfs: { diff_ids: null } }])('%j has no layers', (value) => {
    expect(parseConfig(bytes(value), 'x')).toMatchObject({
      diffIds: [],
      platform: { os: 'unknown', architecture: 'unknown' },
    });
  });

  test.each<[unknown, string]>([
    [[], 'expected an image config'],
    [{ rootfs: { diff_ids: {} } }, 'rootfs.diff_ids: expected a list'],
    [{ rootfs: { diff_ids: [digest, 'x'] } }, 'rootfs.diff_ids[1]: expected a digest'],
  ])('%j is refused', (value, words) => {
    expect(() => parseConfig(bytes(value), 'a.tar: config')).toThrow(bad(words));
  });
});
