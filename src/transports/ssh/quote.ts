// Without `=`: a bare `a=b` in front would be an assignment.
const harmless = /^[A-Za-z0-9_@%+:,./-]+$/;

/**
 * One word for the shell at the other end, which is the user's own. Only what needs it is quoted. A backslash ends a
 * quoted part and stands alone, in double quotes: fish gives it a meaning inside single quotes, POSIX shells do not.
 */
export function quoteWord(word: string): string {
  if (harmless.test(word)) return word;
  if (word === '') return "''";
  return word.replaceAll(/[^'\\]+|'+|\\/g, (part) => {
    if (part.startsWith("'")) return `"${part}"`;
    return part === '\\' ? '"\\\\"' : `'${part}'`;
  });
}

/** `argv` as one command line that a POSIX shell, or fish, takes apart into the same words. */
export function quoteCommand(argv: readonly string[]): string {
  return argv.map(quoteWord).join(' ');
}
