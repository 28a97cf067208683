import { isConnectionText } from "./connection.ts";
import { ConditionError, ports, readHost, strings } from "./condition.ts";
import { isTable, readDecision, readExamples, readFixed, readId, readText } from "./fields.ts";
import type { Rule, RuleLayer } from "./rule.ts";

const KEYS = ["id", "host", "port", "method", "beside", "addresses", "decision", "reason", "instead", "overrides", "fixed", "match", "not_match"] as const;
const METHOD = /^[A-Z]+(?:-[A-Z]+)*$/;
const ADDRESS = /^(?:\d+\.\d+\.\d+\.\d+(?:\/\d{1,2})?|[0-9a-f]*:[0-9a-f:.]+(?:\/\d{1,3})?)$/i;

/**
 * In: one `[[network]]` table. Out: a rule about hosts. It speaks about lines that name such a host, and about connections that a
 * running command asks for; with `method` or `beside` about connections alone. Throws ConditionError.
 */
export function readNetworkRule(table: unknown, layer: RuleLayer, file: string, line: number): Rule {
  if (!isTable(table)) throw new ConditionError("a rule is not a table", "start each rule with `[[network]]`");
  const unknown = Object.keys(table).find((key) => !KEYS.includes(key as (typeof KEYS)[number]));
  if (unknown !== undefined) throw new ConditionError(`unknown key \`${unknown}\``, `known keys: ${KEYS.join(", ")}`);
  const host = strings(table["host"], "host");
  if (host === undefined) throw new ConditionError("`host` is missing", "write `host = \"api.example.org\"`, `[\"*.example.org\"]`, `\"ip\"` or `\"*\"`");
  const rule: Rule = {
    id: readId(table["id"]), table: "network", tier: layer.tier, mayLoosen: layer.mayLoosen, file, line,
    decision: readDecision(table["decision"]),
    fixed: readFixed(table["fixed"], layer.tier),
    reason: readText(table["reason"], "reason", "say in a few words what could go wrong: it is shown to people and agents"),
    instead: table["instead"] === undefined ? undefined : readText(table["instead"], "instead", "name a safer way"),
    hosts: readAddresses(table["addresses"]),
    overrides: strings(table["overrides"], "overrides") ?? [],
    when: [{ ...NOTHING_ASKED, effect: ["network"], direction: "out", loopback: false, host: host.map(readName), port: ports(table["port"]), method: readMethods(table["method"]), beside: strings(table["beside"], "beside")?.map(readName) }],
    commands: [],
    match: readConnections(table["match"], "match"),
    notMatch: readConnections(table["not_match"], "not_match"),
  };
  checkShape(rule, host);
  return rule;
}

const NOTHING_ASKED = {
  zone: undefined, flags: undefined, without: undefined, what: undefined, sends: undefined, recursive: undefined, severity: undefined,
  sure: undefined, by: undefined, class: undefined, path: undefined, target: undefined, notTarget: undefined,
} as const;

function checkShape(rule: Rule, host: readonly string[]): void {
  const loosens = rule.decision === "allow" || rule.overrides.length > 0;
  if (loosens && host.includes("*")) throw new ConditionError("a rule that allows or overrides must name its hosts", "write `host = [\"api.example.org\", \"*.example.org\"]`");
  if (rule.decision !== "allow" && rule.hosts.length > 0) throw new ConditionError("`addresses` belongs to a rule that allows", "remove `addresses`, or let the rule `decision = \"allow\"`");
  if (rule.tier === "built-in" && rule.overrides.length > 0) throw new ConditionError("a built-in rule cannot override", "change the rule itself");
}

function readName(text: string): ReturnType<typeof readHost> {
  const port = /^([^:]+|\[[^\]]+\]):(\d{1,5})$/.exec(text);
  if (port !== null) throw new ConditionError(`\`${text}\` in \`host\` has a port`, `write \`host = "${port[1] ?? ""}"\` and \`port = ${port[2] ?? ""}\``);
  if (text === "unknown") throw new ConditionError("a connection always has a host", "write `host = \"*\"` for any");
  return text === "*" ? { kind: "any" } : readHost(text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text);
}

function readMethods(value: unknown): readonly string[] | undefined {
  const list = strings(value, "method");
  const bad = list?.find((item) => !METHOD.test(item));
  if (bad !== undefined) throw new ConditionError(`\`${bad}\` in \`method\` is no method`, "write `method = [\"GET\", \"HEAD\"]`; `CONNECT` stands for whatever is not plain HTTP");
  return list;
}

function readAddresses(value: unknown): readonly string[] {
  const list = strings(value, "addresses") ?? [];
  const bad = list.find((item) => !ADDRESS.test(item));
  if (bad !== undefined) throw new ConditionError(`\`${bad}\` in \`addresses\` is no address`, "write `10.1.2.3`, `10.0.0.0/8` or `fd00::/8`");
  return list;
}

function readConnections(value: unknown, key: "match" | "not_match"): readonly string[] {
  const list = readExamples(value, key);
  const bad = list.find((item) => !isConnectionText(item));
  if (bad !== undefined) throw new ConditionError(`\`${bad}\` in \`${key}\` is no connection`, "write `api.example.org:443`, or `GET http://api.example.org/x` for plain HTTP, each perhaps with ` beside example.org`");
  return list;
}
