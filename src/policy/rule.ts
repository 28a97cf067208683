import type { EffectKind, EffectClass, Effect, OpaqueSeverity, PathFlag, Tier, Verdict, Zone } from "../model/index.ts";
import type { NameGlob, PathGlob } from "./glob.ts";

/** One parsed rules file: `data` is what the TOML reader gave, `lines[i]` the line of the i-th `[[rule]]` (1-based), `networkLines` of `[[network]]`. */
export type RuleFile = { readonly file: string; readonly data: unknown; readonly lines: readonly number[]; readonly networkLines?: readonly number[] };

/**
 * All rules files of one tier. `mayLoosen` is false for a workspace whose owner has not trusted it: then its `allow`
 * rules and `overrides` have no effect (I5).
 */
export type RuleLayer = { readonly tier: Tier; readonly mayLoosen: boolean; readonly files: readonly RuleFile[] };

/** Something wrong with a rule or a rules file: what, where, and what to do. `message` and `hint` are safe to print. */
export type RuleProblem = {
  readonly tier: Tier;
  readonly file: string;
  readonly line: number;
  readonly rule: string | undefined;
  readonly message: string;
  readonly hint: string;
};

/** One condition on one effect. Every given key must hold; a list means "one of these". Undefined means "not asked". */
export type Condition = {
  readonly effect: readonly EffectKind[] | undefined;
  readonly zone: readonly Zone[] | undefined;
  readonly flags: readonly PathFlag[] | undefined;
  readonly without: readonly PathFlag[] | undefined;
  readonly what: readonly NameGlob[] | undefined;
  readonly host: readonly HostPattern[] | undefined;
  readonly port: readonly number[] | undefined;
  /** About connections of a running command alone: a line's effect has neither. */
  readonly method: readonly string[] | undefined;
  readonly beside: readonly HostPattern[] | undefined;
  readonly direction: "in" | "out" | undefined;
  readonly loopback: boolean | undefined;
  readonly sends: boolean | undefined;
  readonly recursive: boolean | undefined;
  readonly severity: readonly OpaqueSeverity[] | undefined;
  readonly sure: Effect["sure"] | undefined;
  readonly by: readonly NameGlob[] | undefined;
  readonly class: readonly EffectClass[] | undefined;
  readonly path: readonly PathGlob[] | undefined;
  readonly target: readonly NameGlob[] | undefined;
  readonly notTarget: readonly NameGlob[] | undefined;
};

/** `unknown`: the host is not known · `ip`: a literal address · `*`: any that is known · `*.x`: names below x · else the name itself. */
export type HostPattern = { readonly kind: "unknown" | "ip" | "any" } | { readonly kind: "name" | "below"; readonly name: string };

/** Words of a command from the program on; a pattern may use `*` and `?`; `rest`: further words may follow; `begins`: what the program's name begins with. */
export type CommandPattern = { readonly words: readonly NameGlob[]; readonly begins: string; readonly rest: boolean; /** The program, when it is named without a glob. */ readonly program: string | undefined };

export type Rule = {
  readonly id: string;
  /** `rule`: about what lines do · `network`: about a host, in lines and in connections. */
  readonly table: "rule" | "network";
  readonly tier: Tier;
  readonly mayLoosen: boolean;
  readonly file: string;
  readonly line: number;
  readonly decision: Verdict;
  /** Only a managed rule that names it lifts a fixed rule. Built-in and managed rules may be fixed. */
  readonly fixed: boolean;
  readonly reason: string;
  readonly instead: string | undefined;
  readonly hosts: readonly string[];
  readonly overrides: readonly string[];
  readonly when: readonly Condition[];
  readonly commands: readonly CommandPattern[];
  readonly match: readonly string[];
  readonly notMatch: readonly string[];
};

/** Rules of every tier ready to use, and those among them that speak of connections. */
export type RuleSet = Matchers & { readonly connections: Matchers };

/**
 * Rules by what they can match. `floors` hold what a tier with a problem imposes: a file that cannot be read stands for the
 * strictest thing it could have said that somebody of that tier could still lift.
 */
export type Matchers = {
  readonly rules: readonly Rule[];
  readonly problems: readonly RuleProblem[];
  readonly floors: readonly { readonly verdict: Verdict; readonly problem: RuleProblem }[];
  /** Single-condition rules that have a say, by what an effect must be for them to match (`facetOf`). */
  readonly byKind: ReadonlyMap<EffectKind, RulesOfKind>;
  /** Rules with several conditions, all of which must be met by some effect. */
  readonly combined: readonly Rule[];
  /** Rules about found commands. */
  readonly byCommand: readonly Rule[];
  /** The same under each program that they name; `globs`: with what a program begins that they name by a pattern. */
  readonly byProgram: ReadonlyMap<string, readonly Rule[]>;
  readonly globs: readonly { readonly begins: string; readonly rule: Rule }[];
  /** SHA-256 of the rules and settings in force, as the loader computed it; "" when nobody did. */
  readonly policy: string;
};

/** Rules that can match an effect of one kind: those under its facet where there is one, else all of the kind. */
export type RulesOfKind = { readonly all: readonly Rule[]; readonly byFacet: ReadonlyMap<string, readonly Rule[]> };

/** What evaluation must know beside the analysis: whether this host can hold a command to its claim, and where the request lives. */
export type PolicyHost = {
  readonly sandboxed: boolean;
  readonly workspace: string;
  readonly home: string;
  /** What an explicit setting makes of verdicts that lean on a sandbox which is not there; "review" unless set. */
  readonly unconfined?: "review" | "allow";
};
