// What is told when a counter reaches a share of its limit (`stages = [{ at = "80%", do = "notify" }]`).

import { printPeriod, printWithin } from "../core/calendar.ts";
import type { Notice } from "../core/notice.ts";
import { type Finding, viewOf } from "./finding.ts";

/** The notice of a finding, without its time; undefined for what is no stage. */
export function noticeOfStage(finding: Finding): Omit<Notice, "at"> | undefined {
  if (finding.check !== "quota" || finding.effect !== "stage") return undefined;
  const { policy, rule, quota, text } = viewOf(finding);
  if (quota === undefined) return undefined;
  const facts = {
    limit: `${policy}, ${rule}: ${quota.max} ${quota.count} ${printWithin(printPeriod(quota.algorithm, quota.periodMs))}`,
    used: text,
  };
  return { kind: "quota_stage", severity: "warning", subject: quota.key, facts };
}
