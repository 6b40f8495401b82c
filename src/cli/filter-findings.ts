// Findings about a Fail2ban configuration for a person: the same in `jail check` and in `doctor`.

import type { ConfigurationFinding } from "../jails/filter-check/configuration-check.ts";
import { safeText } from "./safe-text.ts";

const words: Readonly<Record<ConfigurationFinding["severity"], string>> = {
  error: "ERROR",
  warn: "WARNING",
  info: "NOTE",
};

/** A block a finding; lines of a log that it shows are made harmless. */
export function printFilterFindings(findings: readonly ConfigurationFinding[]): string {
  return findings.map(printOne).join("\n");
}

function printOne({ severity, where, jails, what, why, mend }: ConfigurationFinding): string {
  const whose = jails.length === 0 ? "" : ` (${jails.join(", ")})`;
  const lines = [`  ${words[severity]} ${where}${whose}: ${what}.`, `    ${why}`];
  if (mend !== "") lines.push(`    Mend: ${mend}`);
  return `${lines.map(safeText).join("\n")}\n`;
}
