// A document against a zod schema: the value, or every mistake in one go, each as `file:line: what is wrong: what is allowed`.

import type { z } from "zod";
import { nearest } from "../core/nearest.ts";
import { Problem, type ProblemCode, problemCodes } from "../core/problem.ts";
import type { Document } from "./document.ts";
import { allowedText, keysOf, type Outline, outlineAt, outlineOf } from "./outline.ts";

/** A file that is wrong everywhere is told with its first mistakes. */
export const problemsMax = 200;

/** A value is quoted in a message up to this length. */
const quotedMax = 60;

/** The codes a kind of file uses. */
export interface CheckCodes {
  readonly unknownKey: ProblemCode;
  readonly badValue: ProblemCode;
}

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** The value of `document` as `schema` makes it, or all Problems, at most `problemsMax`. */
export function check<T>(schema: z.ZodType<T>, document: Document, codes: CheckCodes): Checked<T> {
  const result = schema.safeParse(document.value, { reportInput: true });
  if (result.success) return { ok: true, value: result.data };
  const outline = outlineOf(schema);
  const problems: Problem[] = [];
  for (const issue of result.error.issues) {
    if (problems.length >= problemsMax) break;
    problems.push(...problemsOf(issue, document, outline, codes));
  }
  return { ok: false, problems: inFileOrder(problems) };
}

/** By source and line, as a person mends them from the top. */
export function inFileOrder(problems: readonly Problem[]): Problem[] {
  const placed = problems.map((problem) => {
    const [, source = "", line = "0"] = /^(.*?)(?::(\d+))?$/s.exec(problem.where ?? "") ?? [];
    return { problem, source, line: Number(line) };
  });
  placed.sort((a, b) => (a.source === b.source ? a.line - b.line : a.source < b.source ? -1 : 1));
  return placed.map(({ problem }) => problem);
}

/** What a check inside a schema says when it refuses a value; what is left out is told from the schema. */
export interface Refusal {
  readonly message?: string;
  readonly hint?: string;
  readonly code?: ProblemCode;
}

/** Refuses the value that a `.transform((value, context) => …)` is looking at; the transform then returns `z.NEVER`. */
export function refuse(context: z.RefinementCtx, refusal: Refusal): void {
  context.addIssue({ code: "custom", params: { ...refusal } });
}

type Issue = z.core.$ZodIssue;

function problemsOf(issue: Issue, document: Document, outline: Outline, codes: CheckCodes): Problem[] {
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  if (issue.code === "unrecognized_keys") {
    const known = keysOf(outlineAt(outline, path));
    return issue.keys.map((key) => unknownKey(key, path, known, document.placeOf([...path, key]), codes.unknownKey));
  }
  const refusal = issue.code === "custom" ? parseRefusal(issue.params) : {};
  const setting = outlineAt(outline, path);
  // A secret is not repeated where it is read by others: on a terminal, in a log, on a page.
  const says = setting?.secret === true && issue.input !== undefined ? "is not allowed" : saysText(issue.input);
  const message = refusal.message ?? `${keyText(path)} ${says}`;
  const hint = refusal.hint ?? allowedText(setting);
  return [new Problem(message, { code: refusal.code ?? codes.badValue, where: document.placeOf(path), hint })];
}

/** An unknown key, with the nearest known one or all that are known. `path` is the table's. */
function unknownKey(
  key: string,
  path: readonly (string | number)[],
  known: readonly string[],
  where: string,
  code: ProblemCode,
): Problem {
  const near = nearest(key, known);
  const inside = path.length === 0 ? "at the top of the file" : `in ${keyText(path)}`;
  const hint = near === undefined ? `known here: ${known.join(", ")}` : `did you mean "${near}"?`;
  return new Problem(`unknown key ${quoted(key)} ${inside}`, { code, where, hint });
}

/** `policies.quotas.verdict`: the name of the setting, as the reference page has it. */
export function keyText(path: readonly (string | number)[]): string {
  const names = path.filter((step) => typeof step === "string");
  return names.length === 0 ? "the file" : names.join(".");
}

function saysText(input: unknown): string {
  if (input === undefined) return "is missing";
  return `is ${described(input)}`;
}

function described(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (value instanceof Date) return "a date";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "a table" : String(value);
}

/** JSON quoting, so that a message stays one line whatever stands in the file. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > quotedMax ? `${text.slice(0, quotedMax)}…` : text);
}

function parseRefusal(params: unknown): Refusal {
  if (typeof params !== "object" || params === null) return {};
  const { message, hint, code } = params as Record<keyof Refusal, unknown>;
  return {
    ...(typeof message === "string" ? { message } : {}),
    ...(typeof hint === "string" ? { hint } : {}),
    ...(isProblemCode(code) ? { code } : {}),
  };
}

function isProblemCode(code: unknown): code is ProblemCode {
  return typeof code === "string" && Object.hasOwn(problemCodes, code);
}
