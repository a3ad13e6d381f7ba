/** Results as commands return them, small and made up. */
import {
  type DiffResult,
  type Fault,
  type ImageSummary,
  type InspectResult,
  type InventoryResult,
  type ListResult,
  type LoadResult,
  type PackResult,
  type PlatformSummary,
  type PruneResult,
  type SendResult,
  type SentHost,
  type VerifyResult,
} from '../../src/commands/results.js';
import { type PlanTotals } from '../../src/model/plan.js';
import { type ReceiptItem } from '../../src/model/receipt.js';
import { type Digest, digestOf } from '../../src/primitives/digest.js';

/** Text that would move the cursor, clear the screen, set the title and reorder what follows. */
export const HOSTILE = 'evil\u001b[2J\u001b]0;owned\u0007\r\n\u202efdp.exe\u0000';

export const digest = (seed: string): Digest => digestOf(seed);

export const platform = (seed: string, more: Partial<PlatformSummary> = {}): PlatformSummary => ({
  platform: 'linux/amd64',
  imageId: digest(`config ${seed}`),
  manifest: digest(`manifest ${seed}`),
  layers: 3,
  bytes: 12_345_678,
  sharedBytes: 10_000_000,
  ...more,
});

export const image = (name: string | undefined, more: Partial<ImageSummary> = {}): ImageSummary => ({
  ...(name === undefined ? {} : { name }),
  digest: digest(`root ${name ?? ''}`),
  kind: 'image',
  platforms: [platform(name ?? '')],
  notIncluded: [],
  artifacts: [],
  ...more,
});

export const totals: PlanTotals = {
  images: 12,
  layerUses: 48,
  uniqueLayers: 31,
  bytesUsed: 1_200_000_000,
  bytesUnique: 700_000_000,
  bytesToCopy: 300_000_000,
};

export const multiPlatform: ImageSummary = image('docker.io/library/multi:2.0', {
  kind: 'index',
  platforms: [
    platform('a', { bytes: 1_000_000, sharedBytes: 0 }),
    platform('b', { platform: 'linux/arm64/v8', bytes: 2_000_000, sharedBytes: 1_500_000 }),
  ],
  notIncluded: ['linux/386', 'linux/arm/v6', 'linux/arm/v7', 'linux/ppc64le', 'linux/riscv64', 'linux/s390x'],
  artifacts: [{ type: 'application/vnd.in-toto+json', digest: digest('att'), bytes: 4096 }],
});

export const fault: Fault = {
  code: 'BLOB_CORRUPT',
  message: 'a.tar: blobs/sha256/00: expected 12 bytes, found 11',
  hint: 'Copy the file again.',
  images: ['docker.io/library/app:1.0', 'registry.example/team/db:2'],
};

export const list = (more: Partial<ListResult> = {}): ListResult => ({
  sources: ['a.tar'],
  images: [image('docker.io/library/app:1.0'), multiPlatform, image('registry.example:5000/team/db:2')],
  totals,
  twins: [],
  fingerprints: [],
  faults: [],
  ...more,
});

export const inspect = (more: Partial<InspectResult> = {}): InspectResult => ({
  sources: ['a.tar'],
  images: [
    {
      ...image('docker.io/library/app:1.0'),
      platforms: [
        {
          ...platform('app'),
          created: '2026-01-02T03:04:05Z',
          config: {
            config: {
              Entrypoint: ['/bin/app', '--serve'],
              Cmd: ['--port', '80'],
              User: '1000:1000',
              WorkingDir: '/srv',
              Env: ['PATH=/usr/bin:/bin', 'MODE=production'],
              ExposedPorts: { '80/tcp': {}, '443/tcp': {} },
              Volumes: { '/data': {} },
              Labels: { 'org.opencontainers.image.version': '1.0', vendor: 'us' },
            },
          },
          history: [
            {
              createdBy: '/bin/sh -c #(nop) ADD file:0123456789abcdef0123456789abcdef0123456789abcdef01 in / ',
              layer: {
                digest: digest('l1'),
                diffId: digest('d1'),
                mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
                bytes: 10_000_000,
                alsoIn: ['docker.io/library/app:1.1', 'registry.example/team/db:2'],
              },
            },
            { createdBy: 'ENV MODE=production' },
            {
              createdBy: 'RUN /bin/sh -c apk add\n    curl\t jq # buildkit',
              layer: {
                digest: digest('l2'),
                diffId: digest('d2'),
                mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
                bytes: 2_345_678,
                alsoIn: [],
              },
            },
          ],
        },
      ],
    },
  ],
  faults: [],
  ...more,
});

export const inventory = (more: Partial<InventoryResult> = {}): InventoryResult => ({
  place: {
    kind: 'engine',
    engine: 'docker 28.5.2 (containerd image store)',
    store: 'containerd',
    version: '28.5.2',
    platform: 'linux/amd64',
  },
  images: 50,
  layers: 130,
  blobs: 129,
  digest: digest('inventory'),
  bytes: 31_400,
  compactCharacters: 4_505,
  ...more,
});

export const prune = (more: Partial<PruneResult> = {}): PruneResult => ({
  archive: 'archive/',
  dryRun: false,
  dropped: [
    {
      name: 'docker.io/library/app:1.0',
      digest: digest('1.0'),
      created: '2025-01-02T03:04:05.000Z',
      why: 'older than the newest 2 of app',
    },
    { digest: digest('sig'), why: 'about app:1.0, which goes' },
  ],
  kept: [{ name: 'docker.io/library/app:1.2', digest: digest('1.2'), by: ['last', 'within'] }],
  removed: { blobs: 4, bytes: 5_000_000, parts: 1, partBytes: 1_000_000 },
  left: { blobs: 3, bytes: 9_000_000 },
  notes: ['1 without a name stay: no rule speaks of them'],
  ...more,
});

export const verify = (more: Partial<VerifyResult> = {}): VerifyResult => ({
  sources: ['a.tar'],
  images: 12,
  blobs: 34,
  layers: 20,
  bytes: 1_234_567_890,
  fingerprints: [],
  faults: [],
  ...more,
});

export const diff = (more: Partial<DiffResult['images']> = {}): DiffResult => ({
  a: 'old.tar',
  b: 'new.tar.zst',
  images: {
    added: [{ name: 'docker.io/library/new:1', platform: 'linux/amd64', after: digest('n'), newBytes: 5_000_000 }],
    removed: [{ name: 'docker.io/library/gone:1', platform: 'linux/amd64', before: digest('g'), newBytes: 0 }],
    changed: [
      {
        name: 'registry.example/app:1',
        platform: 'linux/arm64/v8',
        before: digest('1'),
        after: digest('2'),
        newBytes: 1000,
      },
    ],
    same: [],
    ...more,
  },
  layers: {
    added: { count: 2, bytes: 5_001_000 },
    removed: { count: 1, bytes: 900 },
    same: { count: 10, bytes: 100_000_000 },
  },
});

export const pack = (more: Partial<PackResult> = {}): PackResult => ({
  output: 'release.tar.zst',
  dryRun: false,
  images: [image('docker.io/library/app:1.0'), image('docker.io/library/db:2.1')],
  totals,
  twins: [],
  notes: [],
  receipt: { items: [], bytesMoved: 700_000_000, tarDigest: digest('tar'), fileSize: 312_400_000 },
  ...more,
});

export const item = (name: string | undefined, state: ReceiptItem['state'], note?: string): ReceiptItem => ({
  name,
  digest: digest(`root ${name ?? ''}`),
  imageId: digest(`config ${name ?? ''}`),
  state,
  ...(note === undefined ? {} : { note }),
});

export const load = (items: ReceiptItem[], more: Partial<LoadResult> = {}): LoadResult => ({
  engine: 'docker',
  dryRun: false,
  totals,
  notes: [],
  receipt: { items, bytesMoved: 12_300_000, engine: 'docker 28.5.1 (overlay2)', date: '2026-01-02T03:04:05.000Z' },
  ...more,
});

/** A host that got what it lacked: 300 MB, 400 MB were there. */
export const sentHost = (host: string, more: Partial<SentHost> = {}): SentHost => ({
  host,
  state: 'done',
  engine: 'docker 28.5.1 (overlay2)',
  totals: { ...totals, images: 1 },
  receipt: { items: [item('docker.io/library/app:1.4', 'proven')], bytesMoved: 300_000_000 },
  bytesSent: 123_400_000,
  seconds: 12.3,
  retries: 0,
  notes: [],
  checkpoints: [],
  ...more,
});

/** One that was never reached. */
export const failedHost = (host: string, more: Partial<SentHost> = {}): SentHost => ({
  host,
  state: 'failed',
  bytesSent: 0,
  seconds: 10,
  retries: 0,
  notes: [],
  checkpoints: [],
  error: {
    code: 'HOST_UNREACHABLE',
    message: `${host}: connection refused`,
    hint: 'Check that an SSH server runs there.',
    images: [],
  },
  ...more,
});

export const send = (hosts: SentHost[], more: Partial<SendResult> = {}): SendResult => ({
  dryRun: false,
  hosts,
  notes: [],
  date: '2026-01-02T03:04:05.000Z',
  ...more,
});

/** A result as a dry run gives it: without a receipt. */
export const planned = <T extends { receipt?: unknown }>(result: T): Omit<T, 'receipt'> =>
  Object.fromEntries(Object.entries(result).filter(([key]) => key !== 'receipt')) as Omit<T, 'receipt'>;
