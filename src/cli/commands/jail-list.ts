// `postvarta jail list` and `postvarta jail show NAME`: what the jails count, whom they banned, what they left alone.

import { Command } from "commander";
import type { JailAnswer, JailListAnswer } from "../../api/contract-jails.ts";
import { printDuration } from "../../core/duration.ts";
import { Client } from "../client.ts";
import type { GlobalOptions } from "../global-options.ts";
import { safeText } from "../safe-text.ts";
import { Terminal } from "../terminal.ts";

type Jail = JailListAnswer["jails"][number];

/** Results of failures that are shown when there were any, in words. */
const results: readonly (readonly [keyof Jail["counts"], string])[] = [
  ["exempt", "trusted"],
  ["softened", "treated mildly"],
  ["forged", "forged"],
  ["own_fault", "our own fault"],
  ["old", "too old"],
  ["unusable", "without an address"],
];

/** The command `list`, to be put under `jail`. */
export function jailListCommand(): Command {
  return new Command("list")
    .description("print all jails, what they counted and whom they banned last")
    .action(async (options: GlobalOptions) => {
      const terminal = new Terminal(options);
      const list = await (await Client.open(options)).get<JailListAnswer>("/jails");
      if (terminal.json) return terminal.printJson(list);
      if (!list.running)
        terminal.line("no jail runs: no [[logs]] are configured, or their thread has not reported yet");
      for (const jail of list.jails) terminal.line(listLine(terminal, jail));
      for (const problem of list.problems) terminal.line(terminal.paint("yellow", `not running: ${safeText(problem)}`));
      if (list.running && list.mode === "observe") terminal.line("[jails] mode is observe: bans are recorded only");
      if (list.leaks.last !== null) terminal.line(terminal.paint("red", leakText(list.leaks)));
    });
}

function listLine(terminal: Terminal, jail: Jail): string {
  const last = jail.last_ban === null ? "" : `  last ${jail.last_ban.address} ${terminal.time(jail.last_ban.at)}`;
  const trouble = jail.troubles.length === 0 ? "" : terminal.paint("yellow", `  ${jail.troubles.length} left alone`);
  const name = terminal.paint("bold", safeText(jail.name).padEnd(24));
  const counted = `banned ${jail.banned}  failing ${jail.failing}  failures ${jail.counts.failures}`;
  return `${name} ${counted}${safeText(others(jail))}${safeText(last)}${trouble}`;
}

function others({ counts }: Pick<Jail, "counts">): string {
  return results
    .filter(([result]) => counts[result] > 0)
    .map(([result, words]) => `  ${words} ${counts[result]}`)
    .join("");
}

function leakText({ lines, last }: JailListAnswer["leaks"]): string {
  const where = last === null ? "" : `, the last of ${last.address} (${last.jail})`;
  return safeText(`LEAK: ${lines} lines of addresses that are banned${where}`);
}

/** The command `show`, to be put under `jail`. */
export function jailShowCommand(): Command {
  return new Command("show")
    .description("print one jail: its settings, who fails just now, whom it banned")
    .argument("<name>", "the jail's name")
    .option("--limit <n>", "at most so many addresses of each kind (20; at most 500)")
    .action(async (name: string, options: GlobalOptions & { readonly limit?: string }) => {
      const terminal = new Terminal(options);
      const path = `/jails/${encodeURIComponent(name)}`;
      const jail = await (await Client.open(options)).get<JailAnswer>(path, { limit: options.limit });
      if (terminal.json) return terminal.printJson(jail);
      printJail(terminal, jail);
    });
}

function printJail(terminal: Terminal, jail: JailAnswer): void {
  terminal.line(listLine(terminal, jail));
  const { maxretry, findtime_seconds, bantime_seconds, counting } = jail.settings;
  const seconds = (value: number) => printDuration(Math.round(value * 1000));
  const bantime = bantime_seconds === null ? "without end" : seconds(bantime_seconds);
  terminal.line(`  ${maxretry} failures within ${seconds(findtime_seconds)} ban for ${bantime}; counting: ${counting}`);
  for (const trouble of jail.troubles) terminal.line(`  ${terminal.paint("yellow", safeText(trouble))}`);
  section(terminal, "failing", jail.failing_now, ({ id, count, at }) => `${id}  ${count}  ${terminal.time(at)}`);
  section(terminal, "banned", jail.bans, ({ address, until, reason, enforced }) => {
    const end = until === null ? "without end" : `until ${terminal.time(until)}`;
    return `${address}  ${end}  ${reason}${enforced ? "" : "  (observed)"}`;
  });
  section(terminal, "treated mildly", jail.softened, ({ at, address, account, because }) => {
    return `${address}  ${account}  ${because}  ${terminal.time(at)}`;
  });
}

function section<Row>(terminal: Terminal, title: string, rows: readonly Row[], text: (row: Row) => string): void {
  if (rows.length === 0) return;
  terminal.line(`  ${title}:`);
  for (const row of rows) terminal.line(`    ${safeText(text(row))}`);
}
