/** One everyday task: what is there, what an agent types, what comes of it. */
export type Row = {
  readonly name: string;
  /** Why it does not work yet: the row is expected to fail. */
  readonly known?: string;
  /** Files of the workspace, which is a git repository with one commit. They are not committed. */
  readonly files?: Readonly<Record<string, string>>;
  /** What happened before, outside of every sandbox, in the workspace. */
  readonly before?: string;
  readonly line: string;
  /** Where below the workspace the line runs. */
  readonly cwd?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What its own verdict claims; "refused": nothing runs. */
  readonly profile: "read-only" | "workspace" | "custom" | "refused";
  /** "person": the verdict is not allow; somebody says yes, and the line comes again. */
  readonly yes?: "person";
  /** What a person's yes gave of the network; none when not given. */
  readonly network?: "any";
  readonly code?: number;
  /** All of standard output, or what it has to have. */
  readonly out?: string | RegExp;
  readonly err?: string | RegExp;
  /** Programs that not every machine has; the row is skipped where one is missing, and says so. */
  readonly needs?: readonly string[];
};
