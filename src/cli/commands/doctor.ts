// `postvarta doctor`: does Postfix ask us, everywhere, once, and does mail flow when we are down? Works without the daemon.
import { Command } from "commander";
import { type Config, readConfig } from "../../config/config.ts";
import { checkConfiguration } from "../../jails/filter-check/configuration-check.ts";
import { checkFirewall } from "../../jails/firewall-check.ts";
import { diagnose } from "../doctor/diagnose.ts";
import type { OurSide } from "../doctor/endpoint.ts";
import { inspectPostfix } from "../doctor/inspect.ts";
import { printReport } from "../doctor/report.ts";
import { exitCodes } from "../exit-code.ts";
import { printFilterFindings } from "../filter-findings.ts";

interface DoctorOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly info?: boolean;
}

/** Exit 0: nothing to mend; 1: errors or warnings. An unreadable configuration is thrown as a Problem. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("says what is missing in Postfix's main.cf and master.cf, with the postconf line that mends it")
    .option("--config <file>", "the configuration file")
    .option("--json", "print the findings as one JSON array")
    .option("--info", "print notes too: things that are good to know and need no mend")
    .action(async (options: DoctorOptions) => {
      const { config } = readConfig({ file: options.config, environment: process.env });
      const ours = { listen: config.policy.listen, onError: config.policy.on_error };
      process.exitCode = await examine(config.postfix.config_directories, config.jails, { ours, options });
    });
}

interface Asked {
  readonly ours: OurSide;
  readonly options: DoctorOptions;
}

async function examine(
  directories: readonly string[],
  jails: Config["jails"],
  { ours, options }: Asked,
): Promise<number> {
  const examined = [];
  let hiddenNotes = 0;
  for (const directory of directories) {
    const setup = await inspectPostfix(directory);
    const all = diagnose(setup, ours);
    const findings = options.info === true ? all : all.filter((finding) => finding.severity !== "info");
    hiddenNotes += all.length - findings.length;
    examined.push({ setup, findings });
  }
  const postfixVersion = examined[0]?.setup.parameters.get("mail_version");
  const { fail2ban } = jails;
  const filters = fail2ban === "" ? [] : checkConfiguration(fail2ban, { postfixVersion });
  const all = [...filters, ...checkFirewall(jails)];
  const shown = all.filter((finding) => options.info === true || finding.severity !== "info");
  const findings = [...examined.flatMap((one) => one.findings), ...shown];
  const text =
    options.json === true
      ? `${JSON.stringify(findings, undefined, 2)}\n`
      : printReport(examined, ours, hiddenNotes) +
        (shown.length > 0 ? `${fail2ban || "[jails]"}\n${printFilterFindings(shown)}` : "");
  process.stdout.write(text);
  return findings.some((finding) => finding.severity !== "info") ? exitCodes.failed : exitCodes.ok;
}
