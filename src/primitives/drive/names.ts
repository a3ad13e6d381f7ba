/**
 * Characters that FAT's long names, exFAT and NTFS (under Windows) refuse: exFAT specification 7.7.3; Microsoft,
 * "Naming Files, Paths, and Namespaces".
 */
const ILLEGAL = /[\u0000-\u001f"*/:<>?\\|]/;
/** Devices of Windows, whatever ending follows: `NUL.tar` is NUL. */
const RESERVED = /^(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3])[ ]*(?:\.|$)/i;
/** UTF-16 units of a name, on all three. */
const NAME_UNITS = 255;

/**
 * Why a file could not have this name on a drive with FAT32, exFAT or NTFS that goes from machine to machine.
 * @param name without folders
 * @returns half a sentence that follows the name; undefined when the name is legal on all three
 */
export function whyNotPortable(name: string): string | undefined {
  if (name === '') return 'is empty';
  const illegal = ILLEGAL.exec(name)?.[0];
  if (illegal !== undefined) {
    const code = illegal.charCodeAt(0);
    return `has ${code < 32 ? `a control character (${String(code)})` : `a ${illegal}`} in it`;
  }
  if (RESERVED.test(name)) return 'is the name of a device under Windows';
  if (/[. ]$/.test(name)) return `ends in a ${name.endsWith('.') ? 'dot' : 'blank'}, which Windows drops`;
  return name.length > NAME_UNITS
    ? `has ${String(name.length)} characters, and FAT32, exFAT and NTFS take ${String(NAME_UNITS)}`
    : undefined;
}
