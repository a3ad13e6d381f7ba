/** The contents of the samples below. */
export const sampleText = Array.from({ length: 12 }, (_, i) => `line ${String(i)} of a small file\n`).join('');

/** What stock programs made of it, so that the decoders are tested where those are not installed. */
export const samples = {
  /** gzip -nc */
  gzip: 'H4sIAAAAAAAAA8vJzEtVMFDIT1NIVCjOTczJUUjLzEnlygEJG2IXNsIubIxd2AS7sCl2YTPswubYhS2wC1vi8A4ub2L6EwDaEwmEFgEAAA==',
  /** xz -c */
  xz: '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AEVADtdADYaSh8IoCYDTQad7+2MZ+I4vCGJXfasGjBha6j/mtvVXXKPvr2fl+f8kOJZcV0U93U5ln2wYoprHswAAADOOS5cGiNvgwABV5YCAAAAqfaRJrHEZ/sCAAAAAARZWg==',
  /** xz -c --check=crc32 */
  xzCrc32:
    '/Td6WFoAAAFpIt42AgAhARYAAAB0L+Wj4AEVADtdADYaSh8IoCYDTQad7+2MZ+I4vCGJXfasGjBha6j/mtvVXXKPvr2fl+f8kOJZcV0U93U5ln2wYoprHswAAADaEwmEAAFTlgIAAAC/tAC9PjANiwIAAAAAAVla',
  /** xz -c --check=sha256 */
  xzSha256:
    '/Td6WFoAAArh+wyhAgAhARYAAAB0L+Wj4AEVADtdADYaSh8IoCYDTQad7+2MZ+I4vCGJXfasGjBha6j/mtvVXXKPvr2fl+f8kOJZcV0U93U5ln2wYoprHswAAABaC4BVbE81Um8XA51ONrnpdqOj4vy+Wjs+KtiNv7PUeAABb5YCAAAAaXO4zrbp3xwCAAAAAApZWg==',
  /** xz -c --x86 --lzma2 */
  xzX86:
    '/Td6WFoAAATm1rRGAgEEACEBFgANhjUf4AEVADtdADYaSh8IoCYDTQad7+2MZ+I4vCGJXfasGjBha6j/mtvVXXKPvr2fl+f8kOJZcV0U93U5ln2wYoprHswAAADOOS5cGiNvgwABV5YCAAAAqfaRJrHEZ/sCAAAAAARZWg==',
  /** xz -c --lzma2=preset=0,dict=128MiB */
  xzLargeDictionary:
    '/Td6WFoAAATm1rRGAgAhAR4AAACbB1Fm4AEVADxdADYaSh8IoCYDTQad7+2MZ+I4qC3EXHml1ueEDxsIjXtfQE2bR4busLLjyD75lPYdyve1ZW5AFm+xFAigAADOOS5cGiNvgwABWJYCAAAAfETH17HEZ/sCAAAAAARZWg==',
  /** bzip2 -c */
  bzip2:
    'QlpoOTFBWSZTWZsgiOoAAGdZgAAQQAB/4CMniAAgAFCgaaGRkxAqVIzRpHkGiwlyckpS+Xzau/7/a/BOKspI6JYnZMEzJyTMTBMEqTwn0lBPRdyRThQkJsgiOoA=',
  /** zstd -qc */
  zstd: 'KLUv/QRYFQIAZAJsaW5lIDAgb2YgYSBzbWFsbCBmaWxlCmxpbmUgMTIzNDU2Nzg5MQsAa/NAbcADCgOKAOWAwoAiQDmgMKCIVJlODUOriw==',
  /** zstd -qc --no-check */
  zstdNoCheck: 'KLUv/QBYFQIAZAJsaW5lIDAgb2YgYSBzbWFsbCBmaWxlCmxpbmUgMTIzNDU2Nzg5MQsAa/NAbcADCgOKAOWAwoAiQDmgMKCIVJlO',
  /** zstd -qc --long=27 --no-content-size */
  zstdLong:
    'KLUv/QSIFQIAZAJsaW5lIDAgb2YgYSBzbWFsbCBmaWxlCmxpbmUgMTIzNDU2Nzg5MQsAa/NAbcADCgOKAOWAwoAiQDmgMKCIVJlODUOriw==',
} as const;

export type SampleName = keyof typeof samples;

export const sample = (name: SampleName): Buffer => Buffer.from(samples[name], 'base64');
