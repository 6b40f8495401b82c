// Bans as `explain` prints them: why, how the count grew, and the lines.

import type { BanTrailAnswer } from "../api/contract-jails.ts";
import { safeText } from "./safe-text.ts";
import type { Terminal } from "./terminal.ts";

export function printBans(terminal: Terminal, bans: readonly BanTrailAnswer[]): void {
  for (const ban of bans) {
    const state = stateOf(terminal, ban);
    const head = `${terminal.paint("bold", safeText(ban.address))}  ${safeText(ban.jail)}`;
    terminal.line(`${head}  ${terminal.time(ban.from)}  ${terminal.paint(ban.standing ? "red" : "yellow", state)}`);
    terminal.line(`  because   ${safeText(ban.reason)}${ban.count > 1 ? `, wished ${ban.count} times` : ""}`);
    if (!ban.enforced) terminal.line("  observed  recorded only: the firewall passes over it");
    if (ban.curve.length > 0) terminal.line(`  count     ${curveText(terminal, ban.curve)}`);
    for (const line of ban.lines) terminal.line(`  line      ${safeText(line)}`);
    terminal.line();
  }
}

function stateOf(terminal: Terminal, { standing, until, ended }: BanTrailAnswer): string {
  if (ended !== null) return `ended ${terminal.time(ended.at)} by ${safeText(ended.by)}`;
  if (until === null) return "banned without end";
  return standing ? `banned until ${terminal.time(until)}` : `was banned until ${terminal.time(until)}`;
}

function curveText(terminal: Terminal, curve: BanTrailAnswer["curve"]): string {
  return curve.map(({ at, count }) => `${count} at ${terminal.time(at)}`).join(", ");
}
