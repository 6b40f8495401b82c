// What `doctor` says of `[jails] firewall` before a ban finds it out: programs that are not there, bans that no action would run, files
// of actions that somebody else can change.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { Config } from "../config/config.ts";
import { Problem } from "../core/problem.ts";
import { readActionBook } from "./action-book.ts";
import type { ConfigurationFinding } from "./filter-check/configuration-check.ts";
import { firewalls } from "./firewalls/index.ts";
import { demandOwned } from "./owned-files.ts";
import { programPath } from "./program-path.ts";

const where = "jails.firewall";

export function checkFirewall(
  jails: Pick<Config["jails"], "mode" | "firewall" | "fail2ban" | "action">,
  path = process.env["PATH"],
): readonly ConfigurationFinding[] {
  if (jails.mode !== "enforce") return [];
  const missing = firewalls[jails.firewall].programs.filter((name) => !isProgram(name, path));
  const tools: readonly ConfigurationFinding[] = missing.map((name) => ({
    ...{ severity: "error", code: "firewall-tool-missing", jails: [], where, what: `there is no program ${name}` },
    why: `The firewall ${jails.firewall} needs it; bans hold at the policy service alone until it is there.`,
    mend: `install ${name}, or name another firewall`,
  }));
  return [...tools, ...checkActions(jails)];
}

function checkActions(jails: Parameters<typeof checkFirewall>[0]): readonly ConfigurationFinding[] {
  const findings: ConfigurationFinding[] = [];
  if (jails.firewall === "command" && (jails.action === "" || jails.fail2ban === "")) {
    findings.push({
      ...{ severity: "warn", code: "firewall-without-action", jails: [], where },
      what: "bans of own jails and of people have no command",
      why: "They hold at the policy service alone; jails of Fail2ban have their own actions.",
      mend: '[jails] fail2ban = "/etc/fail2ban" and action = "NAME", a file of its action.d',
    });
  }
  try {
    const beside = [...readActionBook(jails, demandOwned)].filter(([jail]) => jail !== "");
    if (jails.firewall === "command" || beside.length === 0) return findings;
    const names = [...new Set(beside.flatMap(([, actions]) => actions.map(({ name }) => name)))];
    findings.push({
      ...{ severity: "info", code: "actions-beside", jails: beside.map(([jail]) => jail), where },
      what: `actions that the firewall does not do itself are run as commands: ${names.join(", ")}`,
      ...{ why: "Each ban of these jails starts a shell, beside the firewall.", mend: "" },
    });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    findings.push({
      ...{ severity: "error", code: "actions-refused", jails: [], where: error.where ?? where, what: error.message },
      ...{ why: "No action is run as a command.", mend: error.hint ?? "" },
    });
  }
  return findings;
}

function isProgram(name: string, path: string | undefined): boolean {
  return programPath(path)
    .split(delimiter)
    .some((directory) => {
      try {
        accessSync(join(directory, name), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
