// The texts of a whole policies file beside their verdicts.

import type { Document } from "../config/document.ts";
import { Problem } from "../core/problem.ts";
import { type RawTable, rawFile, tablesIn, textOf } from "./rules-raw.ts";
import { lintText } from "./rules-text.ts";

export interface Findings {
  readonly problems: Problem[];
  readonly warnings: Problem[];
}

/** Findings rules/bad-text for the text of every access rule and quota. */
export function checkTexts(document: Document): Findings {
  const findings: Findings = { problems: [], warnings: [] };
  for (const policy of tablesIn(rawFile(document), "policies")) {
    for (const rule of tablesIn(policy, "access")) checkText(rule, "", document, findings);
    for (const rule of tablesIn(policy, "quotas")) checkText(rule, "Policy rejection", document, findings);
  }
  return findings;
}

function checkText(rule: RawTable, textDefault: string, document: Document, findings: Findings): void {
  const verdict = textOf(rule, "verdict")?.toLowerCase() ?? "reject";
  const where = document.placeOf([...rule.path, "text"]);
  for (const { level, message, hint } of lintText(verdict, textOf(rule, "text") ?? textDefault)) {
    const list = level === "error" ? findings.problems : findings.warnings;
    list.push(new Problem(message, { code: "rules/bad-text", where, hint }));
  }
}
