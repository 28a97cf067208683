/**
 * `docs/telemetry.md`, made from the table that the code uses. Run by itself it prints the page:
 * `node src/record/telemetry-document.ts > docs/telemetry.md`. A test compares the two.
 */
import { ATTRIBUTES, EVENTS, SPANS, type Attribute } from "./attributes.ts";

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

## Attributes

Stability: \`vetsh\` names are ours and are added to, not changed; the others are the conventions', and say how settled they are there.

| name | type | on | stability | example | meaning |
| --- | --- | --- | --- | --- | --- |
${attributes.join("\n")}
`;
}

const INTRODUCTION = `<!-- made by \`node src/record/telemetry-document.ts > docs/telemetry.md\`: change src/record/attributes.ts instead -->
# Telemetry

Every request to run a shell leaves lines in the journal (\`ROOT/state/journal/\`), the request durable before the command runs. Spans are built
from the journal alone, when a request has finished, and go to \`ROOT/state/spans.jsonl\` (OTLP-JSON, one \`TracesData\` a line) and, when
an endpoint is configured, over OTLP/HTTP protobuf. Secrets are redacted before anything is written.

**Delivery** is in order and at least once, each place with its own cursor (\`ROOT/state/cursor-*.json\`): what could not be delivered waits
in the journal, over restarts too, and no command waits for it. A span that is sent again has the same ids: deduplicate by span id or
\`vetsh.command.id\`. A request that a collector refuses with 400, 413, 415 or 422 is reported and left out; everything else is tried again.

**Sampling**: none; every span is sent. The trace id of an inherited \`TRACEPARENT\` is kept, its sampled flag is not looked at. A command
gets \`TRACEPARENT=00-TRACE-PROCESS_SPAN-01\`, so tools that are instrumented, and shells inside it, join the trace. No variable of any
environment changes what is recorded or where it goes.

`;

if (import.meta.main) process.stdout.write(telemetryDocument());
