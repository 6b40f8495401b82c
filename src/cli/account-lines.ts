// One account on a terminal.

import type { AccountShown } from "../api/contract-accounts.ts";
import { safeText } from "./safe-text.ts";
import type { Terminal } from "./terminal.ts";

const barWidth = 40;

export function printAccount(terminal: Terminal, account: AccountShown): void {
  const { level, score, learning, exempt } = account;
  const notes = [learning ? "learning" : "", exempt ? "trusted: never suspected" : ""].filter((note) => note !== "");
  terminal.line(
    `${terminal.paint("bold", safeText(account.account))}  ${paintLevel(terminal, level)}  score ${score} ${bar(score)}${notes.length > 0 ? `  (${notes.join(", ")})` : ""}`,
  );
  if (!account.known) terminal.line("the judge has not seen it, or no log is read");
  else
    terminal.line(
      `seen ${terminal.time(account.first_at)} to ${terminal.time(account.seen_at)}, ${account.logins} logins, usual recipients a day: ${account.usual_recipients ?? "unknown"}`,
    );
  printState(terminal, account);
  for (const { name, points, because } of account.signals)
    terminal.line(`  ${String(points).padStart(4)}  ${name.padEnd(18)} ${safeText(because)}`);
  printUses(terminal, "networks", account.networks);
  printUses(terminal, "countries", account.countries);
  printLogins(terminal, account);
  printMarks(terminal, account);
}

function paintLevel(terminal: Terminal, level: AccountShown["level"]): string {
  return level === "calm"
    ? terminal.paint("green", level)
    : terminal.paint(level === "notice" ? "yellow" : "red", level);
}

function bar(score: number): string {
  const full = Math.round((Math.min(100, score) / 100) * barWidth);
  return `[${"#".repeat(full)}${".".repeat(barWidth - full)}]`;
}

function printState(
  terminal: Terminal,
  { watch, watch_ends_at, watch_pause, frozen, contained, mode, watch_group }: AccountShown,
): void {
  if (watch !== null) {
    const end = watch.until === null ? "" : `, until ${terminal.time(watch.until)}`;
    const group = mode === "enforce" ? `in the group ${watch_group}` : "observed: in no group";
    terminal.line(`under watch since ${terminal.time(watch.since)}${end}, ${group}: ${safeText(watch.reason)}`);
    if (watch.origin === "judge" && watch_ends_at !== null)
      terminal.line(`it ends ${terminal.time(watch_ends_at)} if nothing more happens, or by accounts watch --end`);
  }
  if (watch_pause !== null)
    terminal.line(
      `not watched by itself until ${terminal.time(watch_pause.until)}: ended by ${safeText(watch_pause.by)}`,
    );
  if (frozen !== null) terminal.line(`frozen since ${terminal.time(frozen.since)} by ${safeText(frozen.by)}`);
  if (contained !== null) terminal.line(`contained ${terminal.time(contained.at)} by ${safeText(contained.by)}`);
}

/** A country is its own name. */
function printUses(terminal: Terminal, title: "networks" | "countries", uses: AccountShown["networks"]): void {
  if (uses.length === 0) return;
  const isNetwork = title === "networks";
  const rows = [...uses]
    .sort((a, b) => b.calm_days - a.calm_days || (a.last_at < b.last_at ? 1 : -1))
    .map((use) => [
      ...[use.familiar ? "familiar" : "unfamiliar", use.name, ...(isNetwork ? [use.country] : []), use.calm_days],
      ...[use.first_at.slice(0, 10), use.last_at.slice(0, 10)],
    ]);
  const names = isNetwork ? ["NAME", "COUNTRY"] : ["COUNTRY"];
  terminal.line();
  terminal.table([title.toUpperCase(), ...names, "CALM DAYS", "FIRST", "LAST"], rows);
}

function printLogins(terminal: Terminal, { recent, levels }: AccountShown): void {
  if (recent.length > 0) {
    terminal.line();
    const rows = recent.map(({ at, ip, network, familiar, registered }) => [
      ...[terminal.time(at), ip, registered === null ? network : `${network}, ${registered}`],
      familiar ? "" : "unfamiliar",
    ]);
    terminal.table(["LOGIN", "ADDRESS", "NETWORK", ""], rows);
  }
  if (levels.length === 0) return;
  terminal.line();
  terminal.table(
    ["LEVEL SINCE", "LEVEL", "SCORE"],
    levels.map(({ at, level, score }) => [terminal.time(at), level, score]),
  );
}

function printMarks(terminal: Terminal, { marks }: AccountShown): void {
  if (marks.length === 0) return;
  terminal.line();
  const rows = marks.map(({ account, kind, value, until, note, at, by }) => [
    ...[kind, value, account === "" ? "all accounts" : "", until === null ? "" : terminal.time(until)],
    ...[note, `${terminal.time(at)} by ${by}`],
  ]);
  terminal.table(["MARK", "VALUE", "OF", "UNTIL", "NOTE", "SAID"], rows);
}
