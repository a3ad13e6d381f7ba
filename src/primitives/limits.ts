const KiB = 1024;
const MiB = 1024 * KiB;

/**
 * Budgets for foreign input. Sized from 1,000 images of 200 layers each, with room to spare; what exceeds one is
 * refused with code LIMIT, which names the budget.
 */
export const limits = {
  /** Bytes of one manifest or nested index. A manifest of 200 layers has about 30 kB; registries stop at 4 MiB. */
  manifestBytes: 4 * MiB,
  /** Bytes of one image config. */
  configBytes: 8 * MiB,
  /** Bytes of index.json, manifest.json or repositories. 1,000 images of 200 layers take 16 MB in manifest.json. */
  listBytes: 64 * MiB,
  /** Members of one tar. A save of Docker 24 and older has four for each layer. */
  tarEntries: 1_000_000,
  /** Bytes of one member's name or link target, also when it comes in a PAX or GNU header. */
  nameBytes: 4096,
  /** Bytes of one PAX or GNU extension header. */
  tarMetadataBytes: 1 * MiB,
  /** Indexes inside indexes. */
  nesting: 8,
  /** Values inside values, in JSON. An image config has about six. */
  jsonDepth: 100,
  /** Layers of one image. */
  layers: 2_000,
  /** Lines of a compact inventory. 1,000 images of 8 layers take 784. */
  compactLines: 100_000,
  /** Names in one source. */
  images: 100_000,
  /** Layers that a thin bundle leaves out. 1,000 images of 200 layers have 200,000, which take 40 MB of index.json. */
  reliedLayers: 300_000,
  /** Bytes of a signature, in its armour. One with an RSA key of 16,384 bits has about 6 kB. */
  signatureBytes: 64 * KiB,
  /** Bytes of a list of allowed signers. A line with a large RSA key has 3 kB. */
  signersBytes: 4 * MiB,
  /** Bytes of SHA256SUMS. 999 volumes take about 180 kB: two lines each. */
  sumsBytes: 1 * MiB,
  /** Bytes kept of what a child process wrote to its standard error. */
  stderrBytes: 64 * KiB,
  /** A decompressed archive up to this size is held in memory instead of a temporary file. */
  spoolInMemoryBytes: 16 * MiB,
  /**
   * Decompressed bytes for each compressed byte of an archive that is spooled. Metadata needs no ratio of its own: what
   * is read of it is bounded in bytes (above), whatever it was compressed to. gzip cannot exceed 1,032; zstd, xz and
   * bzip2 make 10,000 and more of a file of zeros, but hardly ever of a whole archive.
   */
  spoolRatio: 2_000,
  /** Decompressed bytes to which `spoolRatio` does not apply: a small image may hold one sparse file. */
  spoolRatioFreeBytes: 1024 * MiB,
  /** Space that a temporary file leaves to others on its disk: this much, or this share of the disk if that is less. */
  spoolReserveBytes: 1024 * MiB,
  spoolReserveShare: 0.05,
  /** Bytes written to a temporary file before the space on its disk is looked at again. */
  spoolCheckBytes: 256 * MiB,
  /** Volumes of one set: their numbers have three digits, so that a shell lists them in order. */
  volumes: 999,
  /** Bytes of a volume's checksum file. It has about 700. */
  volumeChecksumBytes: 16 * KiB,
} as const;
