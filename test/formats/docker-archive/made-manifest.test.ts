import { describe, expect, test } from '@jest/globals';
import { isMadeManifest, madeManifestDescriptor, makeManifest } from '../../../src/formats/docker-archive/index.js';
import { digestOf } from '../../../src/primitives/digest.js';
import { fixture } from './setup.js';

const blob = (text: string): { digest: ReturnType<typeof digestOf>; size: number } => ({
  digest: digestOf(text),
  size: text.length,
});
const parts = { config: blob('config'), layers: [blob('one'), blob('two')] };

describe('makeManifest', () => {
  test('has OCI media types, Go struct order of keys, and no white space', () => {
    expect(makeManifest({ config: blob('c'), layers: [blob('l')] }).toString()).toBe(
      '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",' +
        '"config":{"mediaType":"application/vnd.oci.image.config.v1+json",' +
        `"digest":"${digestOf('c')}","size":1},` +
        `"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"${digestOf('l')}","size":1}]}`,
    );
  });

  test('an image without layers has an empty list', () => {
    expect(makeManifest({ ...parts, layers: [] }).toString()).toMatch(/"layers":\[\]\}$/);
  });

  test('takes digest and size only, whatever else the parts carry', () => {
    const more = parts.layers.map((layer) => ({ ...layer, member: 'x' }));
    expect(makeManifest({ ...parts, layers: more })).toEqual(makeManifest(parts));
  });

  test('its descriptor is that of the bytes', () => {
    const bytes = makeManifest(parts);
    expect(madeManifestDescriptor(parts)).toEqual({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: digestOf(bytes),
      size: bytes.byteLength,
    });
  });
});

describe('isMadeManifest', () => {
  test.each(['dup.docker26.manifest.json', 'dup.docker28.manifest.json'])('recognises %s', (name) => {
    expect(isMadeManifest(fixture(name))).toBe(true);
  });

  test('looks at the bytes of a view, not of what it is a view of', () => {
    const bytes = makeManifest(parts);
    expect(
      isMadeManifest(new Uint8Array(Buffer.concat([Buffer.alloc(7), bytes, Buffer.alloc(3)]).buffer).subarray()),
    ).toBe(false);
    const padded = new Uint8Array([0, ...bytes, 0]);
    expect(isMadeManifest(padded.subarray(1, padded.length - 1))).toBe(true);
  });

  const text = makeManifest(parts).toString();
  test.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['null', 'null'],
    ['a list', '[]'],
    ['white space', `${text}\n`],
    ['another media type', text.replace('vnd.oci.image.layer.v1.tar', 'vnd.oci.image.layer.v1.tar+gzip')],
    ['an annotation', text.replace(/\}$/, ',"annotations":{}}')],
    ['a layer with more keys', text.replace('"size":3}', '"size":3,"urls":[]}')],
    ['a bad digest', text.replace(digestOf('one'), 'sha256:1')],
    ['a layer that is none', text.replace(/"layers":\[.*\]/, '"layers":[null]')],
    ['layers that are none', text.replace(/"layers":\[.*\]/, '"layers":{}')],
    ['a size that is none', text.replace('"size":6', '"size":"6"')],
    ['no config', text.replace(/"config":\{[^}]*\},/, '')],
  ])('%s is none', (_, document) => {
    expect(isMadeManifest(Buffer.from(document))).toBe(false);
  });
});
