// Rules → the TOML text of a policies file. What is read back is equal; defaults are left out.

import { printDuration } from "../core/duration.ts";
import type {
  AccessRule,
  Group,
  Limit,
  Member,
  Mode,
  OnError,
  Policy,
  QuotaRule,
  RuleSet,
  Stage,
} from "../core/rules.ts";

/** A policies file that parseRules reads as `rules`. */
export function printRules(rules: RuleSet): string {
  return [...rules.groups.map(printGroup), ...rules.policies.map(printPolicy)].join("\n");
}

type Line = readonly [key: string, value: string | undefined];

function block(header: string, lines: readonly Line[]): string {
  const written = lines.filter(([, value]) => value !== undefined).map(([key, value]) => `${key} = ${value}\n`);
  return `${header}\n${written.join("")}`;
}

function printGroup(group: Group): string {
  return block("[[groups]]", [
    ["name", quote(group.name)],
    ["members", printList(group.members.map(quote))],
    ["enabled", unless(group.enabled, true)],
    ["comment", group.comment === "" ? undefined : quote(group.comment)],
  ]);
}

function printPolicy(policy: Policy): string {
  const head = block("[[policies]]", [
    ["name", quote(policy.name)],
    ["priority", unless(policy.priority, 50)],
    ...ruleLines(policy),
    ["description", policy.description === "" ? undefined : quote(policy.description)],
    ["members", printList(policy.members.map(printMember))],
  ]);
  return [
    head,
    ...policy.access.map(printAccess),
    ...policy.quotas.map(printQuota),
    ...policy.accounting.map(printAccounting),
  ].join("\n");
}

function ruleLines(rule: { enabled: boolean; mode: Mode; onError: OnError | undefined }): Line[] {
  return [
    ["enabled", unless(rule.enabled, true)],
    ["mode", rule.mode === "enforce" ? undefined : quote(rule.mode)],
    ["on_error", rule.onError === undefined ? undefined : quote(rule.onError)],
  ];
}

function printMember(member: Member): string {
  const parts = [
    member.source === null ? "" : `source = ${quote(member.source)}`,
    member.destination === null ? "" : `destination = ${quote(member.destination)}`,
    member.enabled ? "" : "enabled = false",
  ].filter((part) => part !== "");
  return parts.length === 0 ? "{}" : `{ ${parts.join(", ")} }`;
}

function printAccess(rule: AccessRule): string {
  const onlyRcpt = rule.states.length === 1 && rule.states[0] === "RCPT";
  return block("[[policies.access]]", [
    ["name", quote(rule.name)],
    ["verdict", quote(rule.verdict)],
    ["text", rule.text === "" ? undefined : quote(rule.text)],
    ["states", onlyRcpt ? undefined : printList(rule.states.map(quote))],
    ...ruleLines(rule),
  ]);
}

function printQuota(rule: QuotaRule): string {
  return block("[[policies.quotas]]", [
    ["name", quote(rule.name)],
    ["track", quote(rule.track.text)],
    ["verdict", quote(rule.verdict)],
    ["text", quote(rule.text)],
    ["algorithm", rule.algorithm === "sliding" ? undefined : quote(rule.algorithm)],
    ["stop", unless(rule.stop, false)],
    ["null_sender", unless(rule.nullSender, false)],
    ["limits", printList(rule.limits.map(printLimit))],
    ["stages", rule.stages.length === 0 ? undefined : printList(rule.stages.map(printStage))],
    ...ruleLines(rule),
  ]);
}

function printStage({ share, action }: Stage): string {
  return `{ at = "${Math.round(share * 100)}%", do = "${action}" }`;
}

function printAccounting(rule: QuotaRule): string {
  return block("[[policies.accounting]]", [
    ["name", quote(rule.name)],
    ["track", quote(rule.track.text)],
    ["period", quote(rule.algorithm)],
    ["verdict", quote(rule.verdict)],
    ["text", quote(rule.text)],
    ["stop", unless(rule.stop, false)],
    ["null_sender", unless(rule.nullSender, false)],
    ["limits", printList(rule.limits.map(({ count, max }) => `{ count = ${quote(count)}, max = ${max} }`))],
    ...ruleLines(rule),
  ]);
}

function printLimit(limit: Limit): string {
  return `{ count = ${quote(limit.count)}, max = ${limit.max}, per = ${quote(printDuration(limit.periodMs))} }`;
}

/** One line when it is short, otherwise an item a line, so that a version control shows what changed. */
function printList(items: readonly string[]): string {
  const line = `[${items.join(", ")}]`;
  return line.length <= 100 ? line : `[\n${items.map((item) => `  ${item},\n`).join("")}]`;
}

function unless(value: boolean | number, usual: boolean | number): string | undefined {
  return value === usual ? undefined : String(value);
}

/** A basic string (TOML 1.0): JSON's escapes are TOML's, and DEL needs one too. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll("\x7f", "\\u007f");
}
