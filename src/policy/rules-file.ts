// The policies file: TOML, or JSON of the same shape → rules after defaults, with file:line for every mistake.

import { check, inFileOrder, problemsMax, quoted } from "../config/check.ts";
import { type Document, parseDocument } from "../config/document.ts";
import { Problem, Problems } from "../core/problem.ts";
import type { RuleSet } from "../core/rules.ts";
import { checkGroups, type KnownGroup } from "./rules-groups.ts";
import { checkNames } from "./rules-names.ts";
import { rulesSchema } from "./rules-schema.ts";
import { checkTexts } from "./rules-text.ts";

export interface ParsedRules {
  readonly rules: RuleSet;
  /** What is accepted and looks odd, in file order. */
  readonly warnings: readonly Problem[];
}

/**
 * The rules of a file, policies in (priority, order in the file) order. `knownGroups` are groups that stay beside those
 * of the file, and which it may name. Throws Problems with every mistake (at most 200), so that a file with one mistake
 * changes nothing.
 */
export function parseRules(text: string, fileName: string, knownGroups: readonly KnownGroup[] = []): ParsedRules {
  const document = readDocument(text, fileName);
  const checked = check(rulesSchema, document, { unknownKey: "rules/unknown-key", badValue: "rules/bad-value" });
  const groups = checkGroups(document, knownGroups);
  const texts = checkTexts(document);
  const problems = [...groups.problems, ...texts.problems, ...checkNames(document)];
  if (!checked.ok) problems.push(...checked.problems);
  if (!checked.ok || problems.length > 0) throw new Problems(inFileOrder(problems).slice(0, problemsMax));
  const warnings = [...groups.warnings, ...texts.warnings, ...idle(checked.value, document)];
  const policies = checked.value.policies.toSorted((a, b) => a.priority - b.priority);
  return { rules: { groups: checked.value.groups, policies }, warnings: inFileOrder(warnings).slice(0, problemsMax) };
}

function readDocument(text: string, fileName: string): Document {
  try {
    return parseDocument(text, fileName);
  } catch (error) {
    throw error instanceof Problem ? new Problems([error]) : error;
  }
}

/** What is allowed and cannot do anything. `rules` in file order. */
function idle(rules: RuleSet, document: Document): Problem[] {
  const warnings: Problem[] = [];
  const warn = (message: string, hint: string, path: readonly (string | number)[]) => {
    warnings.push(new Problem(message, { code: "rules/bad-value", where: document.placeOf(path), hint }));
  };
  for (const [g, { name }] of rules.groups.entries()) {
    if (!/,|\s$/.test(name)) continue;
    warn(`no member can name the group ${quoted(name)}`, "no comma, and no blank at its end", ["groups", g, "name"]);
  }
  for (const [p, policy] of rules.policies.entries()) {
    if (policy.members.length === 0) {
      warn("a policy without members matches nothing", "members = [{}] matches all mail", ["policies", p, "members"]);
    }
    for (const [q, quota] of policy.quotas.entries()) {
      if (quota.limits.length > 0 || quota.stop) continue;
      warn("a quota without limits refuses nothing", "limits = [{ count, max, per }]", ["policies", p, "quotas", q]);
    }
  }
  return warnings;
}
