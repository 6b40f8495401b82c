// `jail test`: what a filter of Fail2ban's finds in a log. Needs no daemon.

import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { Writable } from "node:stream";
import { Command } from "commander";
import { Problem } from "../../core/problem.ts";
import type { Failure } from "../../jails/fail2ban/failure.ts";
import { FilterEngine } from "../../jails/fail2ban/filter-engine.ts";
import { readFilter } from "../../jails/fail2ban/filter-reader.ts";
import { GuardedFilter } from "../../jails/filter.ts";

/** Nobody waits for this log, so a busy machine gets more time than a jail has. */
const lineTimeoutMs = 2_000;

interface JailTestOptions {
  readonly configDir: string;
  readonly filter: string;
  readonly filterOption?: readonly string[];
  readonly log: string;
}

/** The command `test`, to be put under `jail`. */
export function jailTestCommand(): Command {
  return new Command("test")
    .description("print each line of a log that a filter takes for a failure")
    .requiredOption("--config-dir <directory>", "the directory that holds filter.d")
    .requiredOption("--filter <name>", "the filter's name")
    .option("--filter-option <name=value...>", "a parameter of the filter, as mode=aggressive")
    .requiredOption("--log <file>", "the log")
    .option("--json", "JSON, as always")
    .action((options: JailTestOptions) => printFailures(options, process.env, process.stdout, process.stderr));
}

/** Prints the failures of the log to `output`; a Problem when the filter or the log cannot be read. */
async function printFailures(
  options: JailTestOptions,
  env: NodeJS.ProcessEnv,
  output: Writable,
  errors: Writable,
): Promise<void> {
  const now = parseNow(env["F2B_NOW"]);
  const parameters = parseParameters(options.filterOption ?? []);
  const definition = readFilter({ directory: options.configDir, name: options.filter, parameters });
  const engine = new FilterEngine(definition, {
    now: () => now ?? Date.now(),
    journal: definition.logtype === "journal",
  });
  const guarded = new GuardedFilter(engine, lineTimeoutMs);
  let line = 0;
  for await (const lines of readChunks(options.log)) {
    const first = line + 1;
    guarded.seeAll(lines, (seen, index) => {
      if (seen.kind === "failure") output.write(failureJson(first + index, seen.failure));
      else if (seen.kind === "interrupted")
        errors.write(`line ${first + index}: ${seen.part} took too long and was interrupted\n`);
    });
    line += lines.length;
    if (guarded.quarantined)
      throw new Problem("the filter took too long three times", { code: "jails/regex", where: options.filter });
  }
}

/** Lines that are seen in one go. */
const chunkLines = 500;

async function* readChunks(path: string): AsyncGenerator<readonly string[]> {
  let chunk: string[] = [];
  for await (const line of readLines(path)) {
    if (chunk.push(line) < chunkLines) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

async function* readLines(path: string): AsyncGenerator<string> {
  const input = createReadStream(path, { encoding: "utf8" });
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Problem(`the log cannot be read (${code})`, { code: "input/unreadable", where: path });
  }
}

function failureJson(line: number, failure: Failure): string {
  return `${JSON.stringify({
    line,
    time: new Date(failure.at).toISOString(),
    host: failure.host,
    user: failure.fields.get("user") ?? null,
    fields: Object.fromEntries(failure.fields),
    attempts: failure.matches.length,
    regex: failure.regex,
  })}\n`;
}

function parseNow(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0 && seconds < 1e11) return seconds * 1000;
  throw new Problem(`${text} is no time`, { code: "usage", where: "F2B_NOW", hint: "seconds since 1970" });
}

function parseParameters(list: readonly string[]): Map<string, string> {
  return new Map(
    list.map((text) => {
      const cut = text.indexOf("=");
      if (cut > 0) return [text.slice(0, cut).toLowerCase(), text.slice(cut + 1)] as const;
      throw new Problem(`${text} has no value`, { code: "usage", where: "--filter-option", hint: "name=value" });
    }),
  );
}
