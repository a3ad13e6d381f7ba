/** The files of a kit besides its bundle, and what lies beside a signed one under its name and a hyphen. */
export const kitNames = {
  /** What the site runs. */
  script: 'load.sh',
  /** What the script reads. */
  images: 'kit.txt',
  parts: 'parts.txt',
  statement: 'bundle.json',
  readme: 'README.txt',
  checksums: 'SHA256SUMS',
  signature: 'SHA256SUMS.sig',
} as const;

/** The value of `schema` in a statement: the number goes up with every change of what may be in the document. */
export const STATEMENT_SCHEMA = 'image-ferry.statement/1';

/** Whether a folder with these files is a kit: one that is an image is none, whatever else is in it. */
export const isKitFolder = (names: readonly string[]): boolean =>
  names.includes(kitNames.script) && !names.includes('oci-layout') && !names.includes('manifest.json');

/** macOS puts `._NAME` beside each file on a drive that is not its own. */
export const isOfMacOs = (name: string): boolean => name.startsWith('._');
