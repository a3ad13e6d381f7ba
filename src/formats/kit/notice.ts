/**
 * On each medium of a kit that is spread over several. A name of its own: copied into one folder, the files of all media
 * must not replace each other, and README.txt is written last.
 */
export const KIT_NOTICE = 'README-VOLUMES.txt';

/** The same on each medium. Line ends as in README.txt. */
export const kitNotice = (bundle: string): string =>
  [
    `Volumes of ${bundle}, on several drives`,
    '',
    `Copy the volumes (${bundle}.001, .002, ...) and the other files of all`,
    'drives into one folder. load.sh, SHA256SUMS and README.txt, which says what',
    'to do then, are on the drive with the last volume.',
  ]
    .map((line) => `${line}\r\n`)
    .join('');
