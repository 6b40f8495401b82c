// Texts of verdicts before they are sent: what Postfix would not do as written is refused, what looks odd is told.

import type { Document } from "../config/document.ts";
import { Problem } from "../core/problem.ts";
import { accessVerdicts, quotaVerdicts } from "../core/rules.ts";
import { type RawTable, rawFile, tablesIn, textOf } from "./rules-raw.ts";

/** The text of a rule that gives none. */
export const textDefault = { access: "", quota: "Policy rejection" } as const;

export interface Findings {
  readonly problems: Problem[];
  readonly warnings: Problem[];
}

/** Findings rules/bad-text for the text of every access rule and quota. */
export function checkTexts(document: Document): Findings {
  const findings: Findings = { problems: [], warnings: [] };
  for (const policy of tablesIn(rawFile(document), "policies")) {
    for (const rule of tablesIn(policy, "access"))
      checkText(rule, accessVerdicts, textDefault.access, document, findings);
    for (const rule of tablesIn(policy, "quotas"))
      checkText(rule, quotaVerdicts, textDefault.quota, document, findings);
  }
  return findings;
}

function checkText(
  rule: RawTable,
  verdicts: readonly string[],
  usual: string,
  document: Document,
  findings: Findings,
): void {
  const written = textOf(rule, "verdict")?.toLowerCase() ?? "reject";
  // A verdict that is refused has no form of text.
  const verdict = verdicts.includes(written) ? written : "";
  const where = document.placeOf([...rule.path, "text"]);
  for (const { level, message, hint } of lintText(verdict, textOf(rule, "text") ?? usual)) {
    const list = level === "error" ? findings.problems : findings.warnings;
    list.push(new Problem(message, { code: "rules/bad-text", where, hint }));
  }
}

/** What is wrong or odd with a text. */
export interface TextFinding {
  readonly level: "error" | "warning";
  readonly message: string;
  readonly hint: string;
}

/** smtpd cuts its whole reply at 510 bytes (RFC 5321, 4.5.3.1.5); code and address stand before the text. */
const textBytesMax = 400;

/** Findings for a text under its verdict, a word in lower case; unknown verdicts have only the general ones. */
export function lintText(verdict: string, text: string): readonly TextFinding[] {
  const findings: TextFinding[] = [];
  const bytes = Buffer.byteLength(text);
  if (bytes > textBytesMax) {
    findings.push({ level: "error", message: `the text has ${bytes} bytes`, hint: `at most ${textBytesMax}` });
  }
  if (/[^ -~]/.test(text)) {
    const message = "the text has characters that are not printable ASCII";
    findings.push({ level: "warning", message, hint: "the client sees ? in their place" });
  }
  const form = lintForm(verdict, text);
  if (form !== undefined) findings.push(form);
  return findings;
}

/** The form a verdict wants of its text (access(5)). */
function lintForm(verdict: string, text: string): TextFinding | undefined {
  switch (verdict) {
    case "defer":
      return /^5\d\d(?:\s|$)/.test(text)
        ? error("a defer cannot carry a 5xx code", "begin the text with 4xx, or use the verdict reject")
        : undefined;
    case "reject":
      return /^4\d\d(?:\s|$)/.test(text)
        ? {
            level: "warning",
            message: "a reject keeps its own code: 4xx is sent as words",
            hint: "use the verdict defer",
          }
        : undefined;
    case "filter":
      return /^[^\s:]+:\S*$/.test(text)
        ? undefined
        : error("a filter names no transport", "transport:nexthop, as smtp:[192.0.2.1]");
    case "redirect":
      return /^[^\s@]+@[^\s@]+$/.test(text) ? undefined : error("a redirect names no address", "user@domain");
    case "prepend":
      return /^[!-9;-~]+:[ \t]*[^\s]/.test(text) ? undefined : error("a prepend is no header line", "Name: value");
    default:
      return undefined;
  }
}

function error(message: string, hint: string): TextFinding {
  return { level: "error", message, hint };
}
