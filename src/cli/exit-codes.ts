/**
 * Exit codes of the command that are not the program's own. Those of shells and of timeout(1), so that scripts know them already. The README
 * lists them.
 */
export const ExitCode = {
  /** The command line makes no sense. */
  usage: 2,
  /** A rule of the kernel was broken: a bug of Weft (EX_SOFTWARE of sysexits). */
  failure: 70,
  /** `--timeout` ended the program. */
  timeout: 124,
  /** The program cannot be run: no WebAssembly, imports that Weft lacks, not enough memory, a directory that cannot be mounted. */
  cannotRun: 126,
  /** The program was not found. */
  notFound: 127,
  /** Plus the number of the signal that ended the program. */
  signal: 128,
} as const;
