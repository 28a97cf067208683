/** What the options of a shell say, whichever shell it is. */
export type ShellOptions = {
  readonly kind: "options";
  /** `-c` was given: the first operand is the script. */
  readonly command: boolean;
  /** `-s` was given: the script comes from standard input, operands are parameters. */
  readonly fromStdin: boolean;
  readonly interactive: boolean;
  readonly login: boolean;
  readonly posix: boolean;
  readonly rcfile: string | undefined;
  /** Words after the options, in order. */
  readonly operands: readonly string[];
};
export type OptionsRead = ShellOptions | { readonly kind: "print" } | { readonly kind: "opaque"; readonly reason: string };

/** In: argv[0]. Out: the name without directories and without the `-` of a login shell. */
export function shellName(zeroth: string): string {
  const base = zeroth.slice(zeroth.lastIndexOf("/") + 1);
  return base.startsWith("-") ? base.slice(1) : base;
}
