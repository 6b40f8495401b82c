// The CLI's half of the two places where a Problem is rendered: `where: what: hint`, one a line on stderr, or JSON.

import { Problem, Problems } from "../core/problem.ts";
import { exitCodeOf, exitCodes } from "./exit-code.ts";
import { safeText } from "./safe-text.ts";
import { escapeJson } from "./terminal.ts";

/** Prints what was thrown and returns the exit code. What is no Problem is a fault of ours and shows its stack. */
export function reportError(error: unknown, json: boolean): number {
  const problems = problemsOf(error);
  if (problems === undefined) {
    process.stderr.write(`postvarta: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return exitCodes.failed;
  }
  if (json) {
    const views = problems.map(({ code, message, where, hint }) => ({
      code,
      message,
      where: where ?? null,
      hint: hint ?? null,
    }));
    process.stderr.write(`${escapeJson(JSON.stringify({ problems: views }))}\n`);
  } else for (const problem of problems) process.stderr.write(`${safeText(problem.line)}\n`);
  return exitCodeOf(problems);
}

function problemsOf(error: unknown): readonly Problem[] | undefined {
  if (error instanceof Problem) return [error];
  return error instanceof Problems ? error.list : undefined;
}
