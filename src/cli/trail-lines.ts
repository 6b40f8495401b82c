// A trail in lines that a person reads from top to bottom: which policies matched and why, then what each rule said.

import type { FindingStep, TrailStep } from "../api/contract.ts";
import { printWithin } from "../core/calendar.ts";
import { safeText } from "./safe-text.ts";
import type { Terminal } from "./terminal.ts";

export function printTrail(terminal: Terminal, trail: readonly TrailStep[], indent = ""): void {
  const matched = trail.some(({ kind }) => kind === "policy");
  if (!matched) terminal.line(`${indent}no policy matches`);
  for (const step of trail) {
    if (step.kind === "finding") terminal.line(`${indent}${findingLine(step, terminal)}`);
    else for (const line of matchLines(step)) terminal.line(`${indent}${line}`);
  }
}

function matchLines({ policy, members }: Extract<TrailStep, { kind: "policy" }>): readonly string[] {
  const lines = members.map(({ source, destination, because }) => {
    const why = because.length === 0 ? "" : ` (${because.join(", ")})`;
    return `  from ${source ?? "any"} to ${destination ?? "any"}${why}`;
  });
  return [`policy ${policy} matches`, ...lines].map(safeText);
}

function findingLine(step: FindingStep, terminal: Terminal): string {
  const name = safeText(`${step.check} ${step.policy}/${step.rule}`);
  return `${name}: ${step.quota === null ? accessText(step) : quotaText(step, step.quota, terminal)}`;
}

function accessText({ verdict, text, effect }: FindingStep): string {
  const would = effect === "would" ? "would say " : "";
  return safeText(`${would}${verdict}${text === "" ? "" : ` "${text}"`}`);
}

function quotaText(step: FindingStep, quota: NonNullable<FindingStep["quota"]>, terminal: Terminal): string {
  const asked = `${quota.before} + ${quota.amount} of ${quota.max} ${quota.count} ${printWithin(quota.per)}`;
  const frees = quota.frees_at === null ? "" : `, frees ${terminal.time(quota.frees_at)}`;
  return `${safeText(quota.key)}: ${asked}: ${effectText(step)}${frees}`;
}

function effectText({ effect, verdict, text }: FindingStep): string {
  const said = safeText(`${verdict} "${text}"`);
  switch (effect) {
    case "charged":
      return "fits";
    case "looked":
      return "fits by the declared size";
    case "acted":
      return said;
    case "would":
      return `observed only, would ${said}`;
    case "exempt":
      return `excused by an access ok, else ${said}`;
    case "stage":
      return `reached the stage ${safeText(text)}: ${verdict}`;
    default:
      return effect satisfies never;
  }
}
