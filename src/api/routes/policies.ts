// The rules: a file's text in, the same rules as a file out, and what one question would be answered.

import * as z from "zod";
import { viewOf } from "../../policy/finding.ts";
import { actionText, parseRequestText } from "../../policy/protocol.ts";
import { printRules } from "../../policy/rules-print.ts";
import type { Author } from "../../store/audit.ts";
import { readGroups } from "../../store/groups.ts";
import { applyRules, OutdatedGroups, type RuleChanges, readRules } from "../../store/policies.ts";
import { authorOf } from "../claimed-by.ts";
import {
  type ApplyAnswer,
  applyAnswer,
  applyRequest,
  exportAnswer,
  type RehearseAnswer,
  rehearseAnswer,
  rehearseRequest,
  rulesBytesMax,
} from "../contract.ts";
import { matchStep } from "../match-view.ts";
import type { ApiParts } from "../parts.ts";
import { viewOfProblem } from "../problem-answer.ts";
import { route } from "../route.ts";
import { findingStep } from "../trail-view.ts";

/** Each time somebody else was faster; as many at once are more than people. */
const checksMax = 20;

export const policyRoutes = [
  route({
    method: "POST",
    path: "/policies/apply",
    help: "Makes the rules those of a policies file, all of it or nothing; when it answers, the next question is answered by them.",
    input: applyRequest,
    answer: applyAnswer,
    bodyBytesMax: rulesBytesMax,
    run: apply,
  }),
  route({
    method: "GET",
    path: "/policies/export",
    help: "All rules as a policies file.",
    input: z.strictObject({}),
    answer: exportAnswer,
    run: async ({ store }) => ({ text: printRules(await readRules(store)) }),
  }),
  route({
    method: "POST",
    path: "/policies/explain",
    help: "What a policy request would be answered, and why. Charges nothing.",
    input: rehearseRequest,
    answer: rehearseAnswer,
    run: rehearse,
  }),
];

async function apply(parts: ApiParts, request: z.output<typeof applyRequest>): Promise<ApplyAnswer> {
  const author = authorOf(request.by, parts.clock.now());
  const { changes, warnings } = await checkAndApply(parts, request, author);
  if (!request.dry_run) parts.log.info("rules_applied", { file: request.file, by: author.by, ...countsOf(changes) });
  return {
    dry_run: request.dry_run,
    policies: namesOf(changes.policies),
    groups: namesOf(changes.groups),
    warnings: warnings.map(viewOfProblem),
  };
}

/** A file is checked beside the groups that stay. When those change before it is in, it is checked again. */
async function checkAndApply(parts: ApiParts, request: z.output<typeof applyRequest>, author: Author) {
  const { store } = parts;
  const { text, file, prune, dry_run: dryRun } = request;
  for (let left = checksMax; ; left--) {
    const groups = await readGroups(store.facts);
    // With --prune no group stays that the file does not hold, so it may name none.
    const { rules, warnings } = await parts.readRules(text, file, prune ? [] : groups);
    try {
      const options = { ...author, prune, dryRun, detail: file, checkedAgainst: groups };
      return { changes: await applyRules(store, rules, options), warnings };
    } catch (error) {
      if (!(error instanceof OutdatedGroups) || left <= 1) throw error;
    }
  }
}

function countsOf({ policies, groups }: RuleChanges) {
  const sum = (kind: "added" | "changed" | "removed") => policies[kind].length + groups[kind].length;
  return { added: sum("added"), changed: sum("changed"), removed: sum("removed") };
}

function namesOf({ added, changed, removed }: RuleChanges["policies"]): ApplyAnswer["policies"] {
  return { added: [...added], changed: [...changed], removed: [...removed] };
}

async function rehearse(parts: ApiParts, { text }: z.output<typeof rehearseRequest>): Promise<RehearseAnswer> {
  const { question, ledger } = await parts.engine.rehearse(parseRequestText(text));
  const { rules, request, matched } = question;
  const matches = matched.map((index) => {
    return matchStep(rules.policies[index]?.policy.name ?? "", index, rules.matcher, request);
  });
  return {
    action: actionText(ledger.verdict, { answerOk: parts.answerOk }),
    verdict: ledger.verdict,
    trail: [...matches, ...ledger.findings.map((finding) => findingStep(viewOf(finding)))],
  };
}
