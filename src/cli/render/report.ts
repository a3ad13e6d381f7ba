/** A result for humans. */
export interface Report {
  /** For standard output (standard error, when a bundle is written to standard output). */
  readonly lines: readonly string[];
  /** For standard error, after the lines. */
  readonly errors: readonly string[];
  /** What the user asked to see; a report that is not is left out with `--quiet`. */
  readonly wanted: boolean;
}
