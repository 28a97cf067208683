import type { Analysis, Effect, Evaluation } from "../model/index.ts";
import { evaluate } from "./evaluate.ts";
import type { PolicyHost, RuleSet } from "./rule.ts";

/** One connection that a running command asks for. */
export type Connection = {
  /** In its canonical spelling: lower case, ASCII, no trailing dot; an address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Of plain HTTP; "CONNECT" for everything that is not seen into. */
  readonly method: string;
  /** Hosts that its command was given. */
  readonly beside: readonly string[];
};

const READING: readonly string[] = ["GET", "HEAD", "OPTIONS", "TRACE", "CONNECT"];
const NOWHERE = { start: 0, end: 0 } as const;

/**
 * In: a connection, the rules, where its command lives. Out: what it does and what `[[network]]` rules say of that. A connection
 * that none speaks about is `review` (I2). The claim is its host, and the addresses that rules name beside it. Pure.
 */
export function judgeConnection(connection: Connection, rules: RuleSet, place: PolicyHost): { readonly analysis: Analysis; readonly evaluation: Evaluation } {
  const analysis = analyseConnection(connection);
  return { analysis, evaluation: evaluate(analysis, rules.connections, place) };
}

/** In: a connection. Out: its one effect, as if a line had named its host. */
export function analyseConnection({ host, port, method, beside }: Connection): Analysis {
  const sends = !READING.includes(method);
  const effect: Effect = { kind: "network", host, port, direction: "out", loopback: false, sends, connection: { method, beside }, span: NOWHERE, sure: "certain", by: "network/connection" };
  return { effects: [effect], classes: ["network"], commands: [], scripts: [], canonical: `${method} ${host}:${port}` };
}

const EXAMPLE = /^(?:([A-Z-]+) http:\/\/)?([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?(\/\S*)?(?: beside ([a-z0-9_.-]+))?$/;

/** In: an example of a rule: `host:port`, or `GET http://host/path`, perhaps with ` beside host`. Out: the connection, or undefined. */
export function readConnection(text: string): Connection | undefined {
  const [, method, host = "", port, path, beside] = EXAMPLE.exec(text) ?? [];
  const number = port === undefined ? (method === undefined ? undefined : 80) : Number(port);
  if (host === "" || number === undefined || number < 1 || number > 65_535 || (method === undefined && path !== undefined)) return undefined;
  return { host: host.replace(/^\[|\]$/g, ""), port: number, method: method ?? "CONNECT", beside: beside === undefined ? [] : [beside] };
}

export function isConnectionText(text: string): boolean {
  return readConnection(text) !== undefined;
}
