// `./check [--full]`: types, lint, unused code, generated pages, tests, bundle; all run, then one verdict.
// What could not run is named at the end; with CI=true that is a failure.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { installDebianPackages } from "./debian-packages.ts";
import { runTests, type TestCounts } from "./test-run.ts";

const root = path.join(import.meta.dirname, "..");
const full = process.argv.includes("--full");
const minuteMs = 60_000;
const stepTimeoutMs = 5 * minuteMs;

/** The whole of `./check` has 20 minutes; the other steps take half a one. */
const limits = full
  ? { fileTimeoutMs: 60 * minuteMs, totalTimeoutMs: 6 * 60 * minuteMs }
  : { fileTimeoutMs: 8 * minuteMs, totalTimeoutMs: 19 * minuteMs };

await main();

async function main(): Promise<void> {
  const unknown = process.argv.slice(2).filter((arg) => arg !== "--full");
  if (unknown.length > 0) {
    console.error(`usage: ./check [--full]: not known: ${unknown.join(" ")}`);
    process.exitCode = 2;
    return;
  }
  if (full) process.env.POSTVARTA_FULL = "1";
  process.env.PATH = `${path.join(root, "node_modules/.bin")}:${process.env.PATH ?? ""}`;
  process.env.NO_COLOR = "1";
  const lacking = await step("Debian packages", installDebianPackages);
  const broken: string[] = [];
  for (const [name, ...commands] of commandSteps()) {
    if (!(await step(name, () => commands.every(runs)))) broken.push(name);
  }
  const patterns = ["src/**/*.test.ts", "tests/**/*.test.ts", "scripts/**/*.test.ts"];
  const counts = await step("tests", () => runTests({ patterns, ...limits }));
  if (!(await step("bundle", bundleAnswers))) broken.push("bundle");
  conclude(broken, counts, lacking);
}

/** name, then the commands that must all succeed. */
function commandSteps(): (readonly [string, ...(readonly string[])[]])[] {
  const steps: (readonly [string, ...(readonly string[])[]])[] = [
    ["types", ["tsc", "-p", ".", "--noEmit"]],
    ["format and lint", ["biome", "ci", "--colors=off", "--error-on-warnings", "--max-diagnostics=50", "."]],
    ["unused files, exports, dependencies", ["knip", "--no-progress"]],
  ];
  if (existsSync(path.join(root, "scripts/reference.ts"))) {
    steps.push(["generated reference pages", [process.execPath, "scripts/reference.ts", "--check"]]);
  }
  return steps;
}

function bundleAnswers(): boolean {
  const build = [process.execPath, "scripts/build.ts"];
  return runs(build) && runs([process.execPath, "dist/postvarta.mjs", "--version"]) && bundleReachesPostgres();
}

/** The driver is CommonJS, which a bundle can break; a port where nobody listens is as far as it must come. */
function bundleReachesPostgres(): boolean {
  const words = [
    "dist/postvarta.mjs",
    "store",
    "copy",
    "postgres://nobody@127.0.0.1:1/none",
    "sqlite:/nonexistent/p.db",
  ];
  const { stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: "utf8", timeout: stepTimeoutMs });
  if (!stderr.includes("ECONNREFUSED")) console.error(`The bundle does not reach PostgreSQL: ${stderr.slice(0, 500)}`);
  return stderr.includes("ECONNREFUSED");
}

function runs([program = "", ...args]: readonly string[]): boolean {
  const done = spawnSync(program, args, { cwd: root, stdio: "inherit", timeout: stepTimeoutMs });
  if (done.error !== undefined) console.error(`${program}: ${done.error.message}`);
  return done.status === 0;
}

/** A heading, the work, and how long it took. */
async function step<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  console.log(`\n── ${name} ${"─".repeat(Math.max(3, 70 - name.length))}`);
  const startedAt = performance.now();
  const result = await work();
  console.log(`── ${name}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return result;
}

function conclude(broken: readonly string[], counts: TestCounts, lacking: readonly string[]): void {
  console.log("");
  if (lacking.length > 0) console.log(`MISSING Debian packages: ${lacking.join(" ")} (run as root, or install them)`);
  for (const name of counts.skipped) console.log(`SKIPPED ${name}`);
  for (const name of broken) console.log(`FAILED ${name}`);
  const skipsFail = process.env.CI === "true" && counts.skipped.length > 0;
  if (skipsFail) console.log("FAILED: with CI=true nothing may be skipped");
  const fine = broken.length === 0 && counts.failed === 0 && counts.passed > 0 && !skipsFail;
  process.exitCode = fine ? 0 : 1;
  const steps = broken.length === 0 ? "" : `, ${broken.length} steps failed`;
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped.length} skipped${steps}`);
}
