// `postvarta status`: how the daemon stands, on one screen.

import { Command } from "commander";
import type { StatusAnswer } from "../../api/contract.ts";
import { printDuration } from "../../core/duration.ts";
import { Client } from "../client.ts";
import type { GlobalOptions } from "../global-options.ts";
import { safeText } from "../safe-text.ts";
import { Terminal } from "../terminal.ts";

export function statusCommand(): Command {
  return new Command("status")
    .description("prints how the daemon, its store, its rules and Postfix's questions stand")
    .addHelpText("after", "\nExample:\n  postvarta status")
    .action(async (options: GlobalOptions) => {
      const terminal = new Terminal(options);
      const status = await (await Client.open(options)).get<StatusAnswer>("/status");
      if (terminal.json) return terminal.printJson(status);
      for (const [name, text] of statusLines(status, terminal)) {
        terminal.line(`${terminal.paint("bold", name.padEnd(9))}  ${safeText(text)}`);
      }
      for (const { message, hint } of status.warnings) {
        terminal.line(
          `${terminal.paint("yellow", "warning")}    ${safeText([message, hint].filter((part) => part !== null).join(": "))}`,
        );
      }
    });
}

function statusLines(status: StatusAnswer, terminal: Terminal): readonly (readonly [string, string])[] {
  const { store, policy, rules, bans } = status;
  const reload = status.last_reload;
  return [
    [
      "postvarta",
      `${status.version} on ${status.node}, up ${printDuration(status.uptime_seconds * 1000)}, mode ${status.mode}`,
    ],
    [
      "store",
      `${store.location}, ${Math.ceil(store.size_bytes / 1024)} kB, ${store.writable ? "writable" : "NOT WRITABLE"}`,
    ],
    [
      "counters",
      `${store.live_cells} live, ${store.pending} not yet on disk, ${store.unrecorded_answers} answers unrecorded`,
    ],
    ["rules", `${rules.policies} policies, ${rules.groups} groups, ${rules.members} members`],
    [
      "bans",
      `${bans.standing} standing, ${bans.verified} of ${bans.wanted} in ${bans.firewall}${bans.error === null ? "" : `, FAILS: ${bans.error}`}`,
    ],
    ["questions", counts(policy.questions)],
    ["verdicts", counts(policy.verdicts)],
    [
      "messages",
      `${policy.open_messages} open, ${policy.completed} completed, ${policy.aborted} given up, ${policy.untracked} unannounced`,
    ],
    ["postfix", `${policy.connections} connections, ${policy.errors} errors`],
    [
      "reload",
      reload === null
        ? "none since the start"
        : `${terminal.time(reload.at)}: ${reload.ok ? "ok" : (reload.error ?? "failed")}`,
    ],
  ];
}

function counts(of: Readonly<Record<string, number>>): string {
  const parts = Object.entries(of).map(([name, count]) => `${name} ${count}`);
  return parts.length === 0 ? "none yet" : parts.join(", ");
}
