import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { spansFile } from "../../src/record/index.ts";
import { telemetryDocument } from "../../src/record/telemetry-document.ts";
import { parseTraceparent } from "../../src/record/trace.ts";
import { Receiver } from "./support/receiver.ts";

const HOSTILE = {
  OTEL_SDK_DISABLED: "true", OTEL_TRACES_EXPORTER: "none", OTEL_TRACES_SAMPLER: "always_off", OTEL_TRACES_SAMPLER_ARG: "0", OTEL_BSP_MAX_QUEUE_SIZE: "0", OTEL_BSP_SCHEDULE_DELAY: "1000000",
  OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: "1", OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: "1", OTEL_ATTRIBUTE_COUNT_LIMIT: "1", OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: "1",
  OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:9/v1/traces", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_EXPORTER_OTLP_TIMEOUT: "1",
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "1", OTEL_EXPORTER_OTLP_HEADERS: "x-team=agents,x-evil=1", OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x-evil=2", OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
  OTEL_EXPORTER_OTLP_CERTIFICATE: "/nowhere", OTEL_SERVICE_NAME: "evil", OTEL_RESOURCE_ATTRIBUTES: "service.name=evil,evil=1", OTEL_PROPAGATORS: "none", OTEL_LOG_LEVEL: "debug", OTEL_CONFIG_FILE: "/nowhere",
  TRACEPARENT: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", TRACESTATE: "evil=1", BAGGAGE: "evil=1", HOME: "/nowhere", XDG_STATE_HOME: "/nowhere", TMPDIR: "/nowhere",
};

test("no variable of the environment silences, guts, redirects or decorates a span", async () => {
  const receiver = new Receiver();
  const url = await receiver.listen();
  const state = mkdtempSync(join(tmpdir(), "vetsh-record-"));
  try {
    const child = spawn(process.execPath, [fileURLToPath(new URL("./support/hostile.ts", import.meta.url)), state, url], { env: HOSTILE, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    let complained = "";
    child.stdout.on("data", (data: Buffer) => { said += data.toString(); });
    child.stderr.on("data", (data: Buffer) => { complained += data.toString(); });
    expect([await once(child, "close"), complained]).toEqual([[0, null], ""]);
    expect(said).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01\n$/);
    expect(said).not.toContain("4bf92f3577b34da6a3ce929d0e0e4736");
    expect(receiver.spans.map((span) => span.name)).toEqual(["execute_tool shell", "bash"]);
    const [command] = receiver.spans;
    expect(command).toMatchObject({ traceId: "4bf92f3577b34da6a3ce929d0e0e4736", flags: 0x301 });
    expect(command?.attributes.get("vetsh.command.redacted")).toBe("echo not silenced");
    expect(command?.attributes.size).toBeGreaterThan(20);
    expect(command?.resource.get("service.name")).toBe("vetsh");
    expect(command?.resource.has("evil")).toBe(false);
    expect(receiver.requests[0]?.headers).toMatchObject({ "x-team": "shells" });
    expect(Object.keys(receiver.requests[0]?.headers ?? {})).not.toContain("x-evil");
    expect(receiver.requests[0]?.headers["content-encoding"]).toBeUndefined();
    expect(readFileSync(spansFile(state), "utf8")).toContain("echo not silenced");
  } finally {
    rmSync(state, { recursive: true });
    await receiver.close();
  }
});

test.each([
  ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true], ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true], ["cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", true],
  ["", false], ["00", false], ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", false], ["ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false],
  ["00-00000000000000000000000000000000-00f067aa0ba902b7-01", false], ["00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false], ["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false],
  ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n", false], [" 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false], ["00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", false],
])("TRACEPARENT %j is valid: %s", (value, valid) => {
  expect(parseTraceparent(value) !== undefined).toBe(valid);
});

test("the page on telemetry is the one that the table gives", () => {
  expect(readFileSync(new URL("../../docs/telemetry.md", import.meta.url), "utf8")).toBe(telemetryDocument());
});

test("what a broker loads before its first verdict imports node: and ours alone", () => {
  const seen = new Set<string>();
  const foreign: string[] = [];
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    // Static imports alone: `import("…")` is what this is about. Imports of types leave no trace in what runs.
    for (const [, what = "", name = ""] of readFileSync(file, "utf8").matchAll(/^(?:import|export)\s+((?!type\b)[^;"]*?from\s+|)"([^"]+)";/gm)) {
      if (/^\{(?:\s*type\s+\w+\s*,?)+\s*\}/.test(what)) continue;
      if (name.startsWith(".")) visit(resolve(dirname(file), name));
      else if (!name.startsWith("node:")) foreign.push(`${file}: ${name}`);
    }
  };
  visit(fileURLToPath(new URL("../../src/record/index.ts", import.meta.url)));
  visit(fileURLToPath(new URL("../../src/intent/index.ts", import.meta.url)));
  expect(foreign).toEqual([]);
  expect(seen.size).toBeGreaterThan(15);
  const folder = fileURLToPath(new URL("../../src/record", import.meta.url));
  const importers = readdirSync(folder).filter((name) => /from "@opentelemetry/.test(readFileSync(join(folder, name), "utf8")));
  expect(importers).toEqual(["opentelemetry.ts"]);
});

