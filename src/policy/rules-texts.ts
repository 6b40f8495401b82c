// The texts of a whole policies file beside their verdicts.

import type { Document } from "../config/document.ts";
import { Problem } from "../core/problem.ts";
import { accessVerdicts, quotaVerdicts } from "../core/rules.ts";
import { type RawTable, rawFile, tablesIn, textOf } from "./rules-raw.ts";
import { lintText } from "./rules-text.ts";

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
