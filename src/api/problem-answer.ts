// What went wrong, as RFC 9457 problem+json: the API's half of the two places where a Problem is rendered.

import * as z from "zod";
import type { Log } from "../core/log.ts";
import { Problem, type ProblemCode, Problems, problemCodes } from "../core/problem.ts";
import type { ProblemAnswer, ProblemView } from "./contract.ts";

/** Codes whose status is not that of their family below. */
const statusOf: Readonly<Partial<Record<ProblemCode, number>>> = {
  "group/unknown": 404,
  "jails/unknown": 404,
  "accounts/unknown": 404,
  "quota/unknown-key": 404,
  "explain/nothing-found": 404,
  "notices/unknown-channel": 404,
  "api/no-route": 404,
  "api/bad-request": 400,
  "api/too-large": 413,
  "api/internal": 500,
  "control/refused": 409,
};

/** The answer to whatever a route threw. What is no Problem is a fault of ours: it is logged, and not told. */
export function problemResponse(error: unknown, log: Log): Response {
  const problems = problemsOf(error, log);
  const status = Math.max(...problems.map(({ code }) => statusOf[code] ?? familyStatus(code)));
  const body: ProblemAnswer = {
    type: `urn:postvarta:problem:${problems[0]?.code}`,
    title: problemCodes[problems[0]?.code ?? "api/internal"],
    status,
    detail: problems.map((problem) => problem.line).join("\n"),
    problems: problems.map(viewOfProblem),
  };
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/problem+json" } });
}

export function viewOfProblem(problem: Problem): ProblemView {
  return { code: problem.code, message: problem.message, where: problem.where ?? null, hint: problem.hint ?? null };
}

function familyStatus(code: ProblemCode): number {
  return code.startsWith("store/") ? 503 : 422;
}

function problemsOf(error: unknown, log: Log): readonly Problem[] {
  if (error instanceof Problem) return [error];
  if (error instanceof Problems && error.list.length > 0) return error.list;
  if (error instanceof z.ZodError) return error.issues.map(problemOfIssue);
  log.error("api_error", { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  return [new Problem("something went wrong in Postvarta itself", { code: "api/internal", hint: "its log says what" })];
}

function problemOfIssue(issue: z.core.$ZodIssue): Problem {
  const where = issue.path.length === 0 ? undefined : issue.path.join(".");
  return new Problem(issue.message, { code: "api/bad-request", where, hint: "docs/reference/api.md has the shape" });
}
