// Findings for a person: a block for each directory, the commands to copy, and a last line that counts.
import { statesAsked } from "./call-rules.ts";
import type { OurSide } from "./endpoint.ts";
import type { Finding, Severity } from "./finding.ts";
import { type PostfixSetup, shellWord } from "./setup.ts";

const words: Readonly<Record<Severity, string>> = { error: "ERROR", warn: "WARNING", info: "NOTE" };

export interface Examined {
  readonly setup: PostfixSetup;
  readonly findings: readonly Finding[];
}

/** The whole report; `hiddenNotes` counts the notes that were not asked for. */
export function printReport(examined: readonly Examined[], ours: OurSide, hiddenNotes: number): string {
  const findings = examined.flatMap((one) => one.findings);
  const blocks = examined.map((one) => printDirectory(one, ours));
  return `${blocks.join("\n")}\n${countLine(findings, hiddenNotes)}\n`;
}

function printDirectory({ setup, findings }: Examined, ours: OurSide): string {
  const version = setup.parameters.get("mail_version");
  const lines = [`${setup.directory}${version === undefined ? "" : ` (Postfix ${version})`}`];
  for (const service of setup.services) {
    const states = statesAsked(setup, ours, service.name);
    lines.push(`  ${service.name} ${states.length === 0 ? "never asks us" : `asks us at ${states.join(" and ")}`}`);
  }
  const shown = new Set<string>();
  for (const finding of findings.toSorted(byPlace)) lines.push("", ...printFinding(finding, shown));
  if (shown.size > 0) lines.push("", "  Then:", `    postfix -c ${shellWord(setup.directory)} reload`);
  return `${lines.join("\n")}\n`;
}

/** main.cf first, then service by service; the commands of one place keep their order. */
function byPlace(left: Finding, right: Finding): number {
  if (left.where === right.where) return 0;
  if (left.where === "main.cf" || right.where === "main.cf") return left.where === "main.cf" ? -1 : 1;
  return left.where < right.where ? -1 : 1;
}

function printFinding(finding: Finding, shown: Set<string>): readonly string[] {
  const { severity, where, services, what, why, mend } = finding;
  const whom = where === "main.cf" && services.length > 0 ? `main.cf (for ${services.join(", ")})` : where;
  const fresh = mend.filter((line) => !shown.has(line));
  for (const line of fresh) shown.add(line);
  const repair =
    mend.length > 0 && fresh.length === 0 ? ["    Mended by the command above."] : fresh.map((line) => `    ${line}`);
  return [`  ${words[severity]} ${whom}: ${what}.`, `    ${why}`, ...repair];
}

function countLine(findings: readonly Finding[], hiddenNotes: number): string {
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  const parts = [plural(count("error"), "error"), plural(count("warn"), "warning"), plural(count("info"), "note")];
  const hidden = hiddenNotes > 0 ? ` (${plural(hiddenNotes, "note")} with --info)` : "";
  const told = parts.filter((part) => part !== "");
  return `${told.length === 0 ? "Nothing to mend." : `${told.join(", ")}.`}${hidden}`;
}

function plural(count: number, noun: string): string {
  return count === 0 ? "" : `${count} ${noun}${count === 1 ? "" : "s"}`;
}
