/**
 * `docs/telemetry.md`, made from the table that the code uses. Run by itself it prints the page:
 * `node src/record/telemetry-document.ts > docs/telemetry.md`. A test compares the two.
 */
import { ATTRIBUTES, EVENTS, LOGS, METRICS, SPANS, type Attribute } from "./attributes.ts";

/** Out: the page, Markdown. */
export function telemetryDocument(): string {
  const spans = Object.entries(SPANS).map(([what, span]) => `| ${what} | \`${span.name}\` | ${span.kind} | ${span.note} |`);
  const attributes = Object.values<Attribute>(ATTRIBUTES).map(({ name, type, on, from, example, note }) => `| \`${name}\` | ${type} | ${on.join(", ")} | ${from} | \`${example}\` | ${note} |`);
  return `${INTRODUCTION}
## Spans

| span | name | kind | when |
| --- | --- | --- | --- |
${spans.join("\n")}

Status is ERROR exactly when \`error.type\` is set. Names of spans and values of the resource never hold text of a command.

## Events

| event | name | when |
| --- | --- | --- |
${Object.entries(EVENTS).map(([what, event]) => `| ${what} | \`${event.name}\` | ${event.note} |`).join("\n")}

## Log records

Each transition of a request, when it is written, with trace and span of its command. \`vetsh.record.seq\` is on every one: equal ones are repetitions, their order is that of
what happened, and a number that is skipped is a record that is missing. (Lines of the journal that no log record is made of, one for each connection, skip numbers too.)

| event | when | attributes |
| --- | --- | --- |
${Object.values(LOGS).map(({ name, note, attributes: carried }) => `| \`${name}\` | ${note} | ${names(carried)} |`).join("\n")}

## Metrics

Cumulative over restarts of the broker; histograms have bounds from 0.1 ms to an hour. Each place counts for itself, so that nothing is counted twice.

| metric | kind | unit | of what | attributes |
| --- | --- | --- | --- | --- |
${Object.values(METRICS).map(({ name, kind, unit, note, attributes: carried }) => `| \`${name}\` | ${kind} | ${unit} | ${note} | ${names(carried)} |`).join("\n")}

## Attributes

Stability: \`vetsh\` names are ours and are added to, not changed; the others are the conventions', and say how settled they are there.

| name | type | on | stability | example | meaning |
| --- | --- | --- | --- | --- | --- |
${attributes.join("\n")}
`;
}

function names(keys: readonly (keyof typeof ATTRIBUTES)[]): string {
  return keys.map((key) => `\`${ATTRIBUTES[key].name}\``).join(", ");
}

const INTRODUCTION = `<!-- made by \`node src/record/telemetry-document.ts > docs/telemetry.md\`: change src/record/attributes.ts instead -->
# Telemetry

Every request to run a shell leaves lines in the journal (\`ROOT/state/journal/\`), the request durable before the command runs. Spans (when a request has
finished), log records (when something happens) and metrics are built from the journal alone. They go to \`spans.jsonl\`, \`logs.jsonl\` and \`metrics.jsonl\` in \`ROOT/state\`
(OTLP-JSON, one request a line) and, when an endpoint is configured, over OTLP/HTTP protobuf. Secrets are redacted before anything is written.

**Delivery** is in order and at least once, each signal and place with its own cursor (\`ROOT/state/cursor-*.json\`): what could not be delivered waits
in the journal, over restarts too, and no command waits for it. A span that is sent again has the same ids: deduplicate by span id or
\`vetsh.command.id\`, log records by \`vetsh.record.seq\`; metrics are sums, which a repetition does not change. What a collector refuses with 400, 413, 415 or 422 is reported and left
out; everything else is tried again, each time a little later, up to a minute, or when \`Retry-After\` says. After ten minutes of 401, 403 or 404 it is tried once an hour.

**Sampling**: none; every span is sent. The trace id of an inherited \`TRACEPARENT\` is kept, its sampled flag is not looked at. A command
gets \`TRACEPARENT=00-TRACE-PROCESS_SPAN-01\`, so tools that are instrumented, and shells inside it, join the trace. No variable of any
environment changes what is recorded or where it goes.

`;

if (import.meta.main) process.stdout.write(telemetryDocument());
