// Reads policies files in a thread of its own: a thousand policies take half a second of parsing, and no question waits for that.

import { getCompileCacheDir } from "node:module";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { Problem, type ProblemDetails, Problems } from "../core/problem.ts";
import { type ParsedRules, parseRules } from "./rules-file.ts";
import type { KnownGroup } from "./rules-groups.ts";

/** A file up to this size is read where it is: about 20 ms, less than a thread takes to start. */
const hereCharsMax = 32_768;
/** The largest file takes a few seconds; whoever sent it waits a minute. */
const readTimeoutMs = 50_000;

/** What the thread is started with. */
interface ReaderData {
  readonly role: "rules-reader";
  readonly text: string;
  readonly file: string;
  readonly known: readonly KnownGroup[];
  /** Directory of the compile cache, where the starting thread has one. */
  readonly compileCache: string | undefined;
}

/** A Problem as it crosses between threads. */
type Told = ProblemDetails & { readonly message: string };

type Answer =
  | { readonly rules: ParsedRules["rules"]; readonly warnings: readonly Told[] }
  | { readonly problems: readonly Told[] };

/**
 * `parseRules` away from the road of a question. `entry` is the file that a thread starts from; it must call
 * runRulesReader() for our role. One thread a file, ended with its answer. Throws Problems as parseRules does.
 */
export async function readRulesFile(
  text: string,
  file: string,
  known: readonly KnownGroup[],
  entry: URL | undefined,
): Promise<ParsedRules> {
  if (text.length <= hereCharsMax) return parseRules(text, file, known);
  const answer = await askThread(entry ?? new URL("./rules-reader-main.ts", import.meta.url), {
    role: "rules-reader",
    text,
    file,
    known: known.map(({ name, members }) => ({ name, members })),
    compileCache: getCompileCacheDir(),
  });
  if ("problems" in answer) throw new Problems(answer.problems.map(problemOf));
  return { rules: answer.rules, warnings: answer.warnings.map(problemOf) };
}

/** True in a thread that must call runRulesReader. */
export function isRulesReader(data: unknown): data is ReaderData {
  return typeof data === "object" && data !== null && "role" in data && data.role === "rules-reader";
}

/** Reads the one file that this thread was started with, and tells what it holds. */
export function runRulesReader(): void {
  if (isMainThread || !isRulesReader(workerData)) throw new Error("Not a thread that reads rules");
  parentPort?.postMessage(readHere(workerData));
}

function readHere({ text, file, known }: ReaderData): Answer {
  try {
    const { rules, warnings } = parseRules(text, file, known);
    return { rules, warnings: warnings.map(tell) };
  } catch (error) {
    if (error instanceof Problems) return { problems: error.list.map(tell) };
    throw error;
  }
}

/** The thread's answer. What it throws, an end without an answer and too long a wait are faults of ours: errors. */
function askThread(entry: URL, data: ReaderData): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // Flags of the process (-e, --input-type, --watch) are not for a thread.
    const thread = new Worker(entry, { workerData: data, name: data.role, execArgv: [] });
    const timer = setTimeout(() => {
      reject(new Error(`the rules were not read within ${readTimeoutMs} ms`));
      void thread.terminate();
    }, readTimeoutMs);
    thread.once("message", resolve);
    thread.once("error", reject);
    thread.once("exit", () => {
      clearTimeout(timer);
      reject(new Error("the thread that reads rules ended without an answer"));
    });
  });
}

function tell({ message, code, where, hint }: Problem): Told {
  return { message, code, where, hint };
}

function problemOf({ message, ...details }: Told): Problem {
  return new Problem(message, details);
}
