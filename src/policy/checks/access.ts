// Access rules: the first enabled rule of the matching policies with a verdict speaks (cluebringer's AccessControl, all rows read).

import type { AccessVerdict, RuleState } from "../../core/rules.ts";
import type { Check, Plan, Question } from "../check.ts";
import type { CompiledAccess } from "../compiled-rules.ts";
import type { Ledger } from "../ledger.ts";
import type { Verdict } from "../verdict.ts";

export const access = {
  name: "access",
  help: "Gives a fixed verdict to what a policy matches.",
  plan,
} satisfies Check;

function plan(question: Question): Plan | undefined {
  const rules = matchingRules(question);
  return rules.length === 0 ? undefined : { keys: [], settle: (ledger) => settle(rules, ledger) };
}

function matchingRules(question: Question): readonly CompiledAccess[] {
  const rules: CompiledAccess[] = [];
  for (const index of question.matched) {
    for (const rule of question.rules.policies[index]?.access ?? []) {
      if (speaksAt(rule.rule.states, question.request.state)) rules.push(rule);
    }
  }
  return rules;
}

function speaksAt(states: readonly RuleState[], state: string): boolean {
  for (const known of states) if (known === state) return true;
  return false;
}

function settle(rules: readonly CompiledAccess[], ledger: Ledger): void {
  for (const access of rules) {
    if (access.observed) {
      ledger.findings.push({ check: "access", access, effect: "would" });
      continue;
    }
    ledger.findings.push({ check: "access", access, effect: "acted" });
    ledger.answer(verdictOf(access.rule.verdict, access.rule.text), access);
    // A prepended header decides nothing; everything else is this check's last word.
    if (access.rule.verdict !== "prepend") return;
  }
}

/** `pass` ends the access check and leaves the others their say; its text goes to the log only. */
function verdictOf(kind: AccessVerdict, text: string): Verdict {
  return kind === "pass" ? { kind: "dunno" } : { kind, text };
}
