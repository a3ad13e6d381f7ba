import { TransferError } from '../primitives/errors.js';
import { printable } from '../primitives/printable.js';

/** OCI image-spec, image-index.md: the platform of a manifest. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly osVersion?: string;
}

/** `linux/amd64`, `linux/arm64/v8`; safe to show, whatever a config says of itself. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return printable([os, architecture, ...(variant === undefined ? [] : [variant])].join('/'), 100);
}

const architectureAliases: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64', i386: '386' };

/** @throws TransferError USAGE when `text` is not `os/arch` or `os/arch/variant`. */
export function parsePlatform(text: string): Platform {
  const match = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9.]+))?$/.exec(text.toLowerCase());
  const [, os, arch, variant] = match ?? [];
  if (os === undefined || arch === undefined) {
    throw new TransferError('USAGE', `not a platform: ${JSON.stringify(text)}`, {
      hint: 'Write it as os/arch or os/arch/variant, for example linux/amd64 or linux/arm64/v8.',
    });
  }
  const architecture = architectureAliases[arch] ?? arch;
  return variant === undefined ? { os, architecture } : { os, architecture, variant };
}

/** Whether an image for `have` is what someone who asks for `want` means. arm64 without a variant is v8. */
export function matchesPlatform(have: Platform, want: Platform): boolean {
  if (have.os !== want.os || have.architecture !== want.architecture) return false;
  return want.variant === undefined || variantOf(have) === want.variant;
}

const variantOf = (platform: Platform): string | undefined =>
  platform.variant ?? (platform.architecture === 'arm64' ? 'v8' : undefined);
