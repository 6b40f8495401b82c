// Runs the test files with node's runner and prints it short: a line a file, failures whole, skips by name at the end.

import { globSync } from "node:fs";
import path from "node:path";
import { run } from "node:test";
import { inspect } from "node:util";

const root = path.join(import.meta.dirname, "..");

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  /** `file: test: reason` of each. */
  readonly skipped: readonly string[];
}

export interface TestRunOptions {
  readonly patterns: readonly string[];
  /** One file may take this long. */
  readonly fileTimeoutMs: number;
  /** All files together; what still runs then is stopped and counts as failed. */
  readonly totalTimeoutMs: number;
}

/** How many test files run at once: the house counts on two cores. */
const concurrency = 2;

/** A test as the runner's events name it. */
interface TestEvent {
  readonly name: string;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly skip?: string | boolean | undefined;
}

/** Runs every file that a pattern matches and prints as it goes. */
export async function runTests(options: TestRunOptions): Promise<TestCounts> {
  const files = options.patterns.flatMap((pattern) => globSync(pattern, { cwd: root })).sort();
  const skipped: string[] = [];
  const failures: string[] = [];
  const counts = { passed: 0, failed: 0 };
  const stream = run({
    files: files.map((file) => path.resolve(root, file)),
    concurrency,
    timeout: options.fileTimeoutMs,
    signal: AbortSignal.timeout(options.totalTimeoutMs),
  });
  stream.on("test:pass", (event) => {
    if (event.skip !== undefined && event.skip !== false) skipped.push(skipLine(event));
  });
  stream.on("test:fail", (event) => {
    if (isOwnFailure(event.details.error)) failures.push(`${titleOf(event)}\n${errorText(event.details.error)}`);
  });
  stream.on("test:stderr", ({ message }) => process.stderr.write(message));
  stream.on("test:summary", ({ file, counts: of, duration_ms: ms, success }) => {
    const failed = of.tests - of.passed - of.cancelled - of.skipped - of.todo;
    if (file !== undefined) console.log(fileLine(file, of.tests, ms, success));
    else {
      Object.assign(counts, { passed: of.passed, failed: failed + of.cancelled });
      console.log(summaryLines({ ...of, failed }, ms));
    }
  });
  for await (const _ of stream);
  for (const failure of failures) console.log(`\n✖ ${failure}`);
  // A file that ends before its first test has failures and no count.
  return { passed: counts.passed, failed: Math.max(counts.failed, failures.length), skipped };
}

/** False for a suite or file that failed only because something in it failed. */
function isOwnFailure(error: Error & { readonly failureType?: string }): boolean {
  return error.failureType !== "subtestsFailed";
}

function errorText(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  return inspect(cause, { depth: 6 })
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}

function titleOf(event: TestEvent): string {
  const file = event.file === undefined ? "" : `${path.relative(root, event.file)}:${event.line ?? 1}: `;
  return `${file}${event.name}`;
}

function skipLine(event: TestEvent): string {
  return `${titleOf(event)}${typeof event.skip === "string" && event.skip !== "" ? `: ${event.skip}` : ""}`;
}

function fileLine(file: string, tests: number, ms: number, success: boolean): string {
  return `${success ? "✔" : "✖"} ${path.relative(root, file)}  ${tests} tests  ${(ms / 1000).toFixed(1)} s`;
}

/** The block that node's spec reporter ends with. */
function summaryLines(counts: Readonly<Record<string, number>>, ms: number): string {
  const names = ["tests", "suites", "passed", "failed", "cancelled", "skipped", "todo"] as const;
  const lines = names.map((name) => `ℹ ${name.replace(/^(pass|fail)ed$/, "$1")} ${counts[name] ?? 0}`);
  return [...lines, `ℹ duration_ms ${ms}`].join("\n");
}
