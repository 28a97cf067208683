/** What is known of how an agent starts shells (rules/places/agents.toml). */
export type AgentFacts = {
  readonly name: string;
  readonly programs: readonly string[];
  /** A process of it that outlives the session and starts shells: words of its command line, the argument that leaves it out, first arguments of sessions without one. */
  readonly daemon: { readonly words: readonly string[]; readonly without: string | undefined; readonly never: readonly string[] } | undefined;
  /** Why commands of it do not come to us. */
  readonly inside: string | undefined;
};
