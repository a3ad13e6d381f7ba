import { describe, expect, test } from '@jest/globals';
import {
  isConfigType,
  isDocumentType,
  isForeignLayerType,
  isLayerType,
  statedCompression,
} from '../../src/model/media-types.js';
import { formatPlatform, matchesPlatform, parsePlatform } from '../../src/model/platform.js';

describe('platforms', () => {
  test.each([
    ['linux/amd64', 'linux/amd64'],
    ['Linux/AMD64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/i386', 'linux/386'],
    ['linux/arm/v7', 'linux/arm/v7'],
    ['windows/amd64', 'windows/amd64'],
  ])('%s is %s', (text, platform) => {
    expect(formatPlatform(parsePlatform(text))).toBe(platform);
  });

  test.each(['', 'linux', 'linux/', '/amd64', 'linux/amd64/v1/x', 'linux amd64', 'linux/amd64\n', 'li-nux/amd64'])(
    '%j is none',
    (text) => {
      expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    },
  );

  test.each([
    ['linux/amd64', 'linux/amd64', true],
    ['linux/amd64', 'linux/arm64', false],
    ['linux/amd64', 'windows/amd64', false],
    ['linux/arm/v7', 'linux/arm', true],
    ['linux/arm/v7', 'linux/arm/v6', false],
    ['linux/arm', 'linux/arm/v7', false],
    ['linux/arm64', 'linux/arm64/v8', true],
    ['linux/arm64/v8', 'linux/arm64', true],
    ['linux/arm64/v9', 'linux/arm64/v8', false],
  ])('an image for %s, asked for as %s: %s', (have, want, matches) => {
    expect(matchesPlatform(parsePlatform(have), parsePlatform(want))).toBe(matches);
  });

  test('what a config says of itself is shown harmlessly', () => {
    expect(formatPlatform({ os: '\x1b[2J', architecture: 'amd64' })).toBe('\\x1b[2J/amd64');
  });
});

describe('media types', () => {
  test.each([
    ['application/vnd.oci.image.layer.v1.tar', true, false, 'none'],
    ['application/vnd.oci.image.layer.v1.tar+gzip', true, false, 'gzip'],
    ['application/vnd.oci.image.layer.v1.tar+zstd', true, false, 'zstd'],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', true, true, 'gzip'],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip', true, false, 'gzip'],
    ['application/vnd.docker.image.rootfs.diff.tar', true, false, 'none'],
    ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', true, true, 'gzip'],
    ['application/vnd.in-toto+json', false, false, 'none'],
    ['application/vnd.oci.image.layer.v1.tar+encrypted', false, false, 'none'],
    ['', false, false, 'none'],
  ])('%s: layer %s, foreign %s, %s', (type, layer, foreign, compression) => {
    expect([isLayerType(type), isForeignLayerType(type), statedCompression(type)]).toEqual([
      layer,
      foreign,
      compression,
    ]);
  });

  test('of configs and documents', () => {
    expect(isConfigType('application/vnd.oci.image.config.v1+json')).toBe(true);
    expect(isConfigType('application/vnd.oci.empty.v1+json')).toBe(false);
    expect(isDocumentType('')).toBe(true);
    expect(isDocumentType('application/vnd.docker.distribution.manifest.v1+prettyjws')).toBe(true);
    expect(isDocumentType('application/vnd.oci.image.layer.v1.tar')).toBe(false);
  });
});
