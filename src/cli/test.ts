import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { readToml } from "../config/index.ts";
import { checkExamples, compileRules, EXAMPLE_PLACE, type RuleFile, type RuleProblem, type RuleSet } from "../policy/index.ts";
import { Failure, type Invoked } from "./command.ts";
import { openDryRun } from "./dry-run.ts";

export const TEST_USAGE = `usage: vetsh test [FILE.toml…]

Checks every rule in force, or those of the files: each \`match\` example must match, each \`not_match\` example must not.
exit: 0 all hold, 1 something does not
`;

export async function test(invoked: Invoked): Promise<number> {
  const { positionals } = parseArgs({ args: [...invoked.args], strict: true, allowPositionals: true, options: {} });
  const { out, err } = invoked.terminal;
  const dry = await openDryRun(invoked.layout, () => undefined);
  const rules = positionals.length === 0 ? dry.rulebooks.base().rules : readRules(positionals.map((path) => resolve(path)));
  const examples = rules.rules.reduce((sum, rule) => sum + rule.match.length + rule.notMatch.length, 0);
  const failed = checkExamples(rules, (line) => dry.analyse(line, EXAMPLE_PLACE));
  const unusable = positionals.length === 0 ? dry.rulebooks.problems() : rules.problems.map(problemLine);
  for (const problem of [...unusable, ...failed.map(problemLine)]) err.write(`vetsh: ${problem.replace("; hint: ", "\nhint: ")}\n`);
  // An empty check is a failure: it looked at nothing.
  if (rules.rules.length === 0) throw new Failure("there are no rules to test", "name files that hold `[[rule]]` or `[[network]]`");
  const problems = unusable.length + failed.length;
  out.write(`${rules.rules.length} rules, ${examples} examples: ${problems === 0 ? "all hold" : `${problems} problem${problems === 1 ? "" : "s"}`}\n`);
  return problems === 0 ? 0 : 1;
}

function problemLine({ file, line, message, hint }: RuleProblem): string {
  return `${file}:${line}: ${message}\nhint: ${hint}`;
}

/** The rules of files that need not be in force, read as the user's own. */
function readRules(paths: readonly string[]): RuleSet {
  const files: RuleFile[] = [];
  const unread: RuleProblem[] = [];
  for (const file of paths) {
    const fail = (line: number, message: string, hint: string): number => unread.push({ tier: "user", file, line, rule: undefined, message, hint });
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch (error) {
      fail(1, `the file cannot be read: ${error instanceof Error && "code" in error ? String(error.code) : String(error)}`, "name a file that exists");
      continue;
    }
    const toml = readToml(text);
    if (toml.ok) files.push({ file, data: toml.data, lines: toml.ruleLines, networkLines: toml.networkLines });
    else fail(toml.line, `the file does not parse: ${toml.message} (line ${toml.line}, column ${toml.column})`, "correct that line");
  }
  return compileRules([{ tier: "user", mayLoosen: true, files }], "", unread);
}
