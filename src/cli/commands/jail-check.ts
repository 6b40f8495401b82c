// `jail check`: what to mend in a Fail2ban configuration before it runs. Needs no daemon.

import { Command } from "commander";
import { checkConfiguration } from "../../jails/filter-check/configuration-check.ts";
import { exitCodes } from "../exit-code.ts";
import { printFilterFindings } from "../filter-findings.ts";

interface JailCheckOptions {
  readonly configDir: string;
  readonly all?: boolean;
  readonly postfix?: string;
  readonly json?: boolean;
}

/** The command `check`, to be put under `jail`. Exit 1: errors or warnings. */
export function jailCheckCommand(): Command {
  return new Command("check")
    .description(
      "say of each jail and filter whether it runs, matches what is written today, can be forged or made slow",
    )
    .option("--config-dir <directory>", "the directory that holds jail.conf", "/etc/fail2ban")
    .option("--all", "all jails, not only the enabled ones")
    .option("--postfix <version>", "what this version of Postfix writes; without it the newest")
    .option("--json", "one object a line")
    .action((options: JailCheckOptions) => {
      const { configDir, all = false, postfix } = options;
      const findings = checkConfiguration(configDir, { all, postfixVersion: postfix });
      const text = options.json
        ? findings.map((finding) => `${JSON.stringify(finding)}\n`).join("")
        : findings.length === 0
          ? "Nothing to mend.\n"
          : printFilterFindings(findings);
      process.stdout.write(text);
      const serious = findings.some((finding) => finding.severity !== "info");
      process.exitCode = serious ? exitCodes.failed : exitCodes.ok;
    });
}
