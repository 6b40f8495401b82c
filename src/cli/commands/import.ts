// `import fail2ban`: what another program knows, as facts of ours, with a report.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { readConfig } from "../../config/config.ts";
import { readJails } from "../../jails/fail2ban/jail-reader.ts";
import { readServerSettings } from "../../jails/fail2ban/server-settings.ts";
import { type ConfigurationFinding, checkConfiguration } from "../../jails/filter-check/configuration-check.ts";
import { type Fail2banBans, readFail2banBans } from "../../migrate/fail2ban-bans.ts";
import { writeImportedBans } from "../../migrate/imported-bans.ts";
import { printFilterFindings } from "../filter-findings.ts";
import type { GlobalOptions } from "../global-options.ts";
import { safeText } from "../safe-text.ts";

interface ImportFail2banOptions extends GlobalOptions {
  readonly configDir: string;
  readonly db?: string;
  readonly dryRun?: boolean;
}

export function importCommand(): Command {
  return new Command("import").description("takes over what another program knows").addCommand(fail2banCommand());
}

function fail2banCommand(): Command {
  return new Command("fail2ban")
    .description(
      "takes over the bans of a Fail2ban database and says what its configuration needs; the daemon must be stopped",
    )
    .option("--config-dir <directory>", "the directory that holds jail.conf", "/etc/fail2ban")
    .option("--db <file>", "the database; without it the one that fail2ban.conf names, if it is there")
    .option("--dry-run", "say what there is to take over, and change nothing")
    .addHelpText("after", "\nExample:\n  postvarta import fail2ban --db /var/lib/fail2ban/fail2ban.sqlite3 --dry-run")
    .action(importFail2ban);
}

async function importFail2ban(options: ImportFail2banOptions): Promise<void> {
  const { config } = readConfig({ file: options.config, environment: process.env });
  const now = Date.now();
  const { jails } = readJails(options.configDir);
  const findings = checkConfiguration(options.configDir);
  const settings = { now, node: config.node.name, enforce: config.jails.mode === "enforce", jails };
  const db = options.db ?? findDatabase(options.configDir);
  const read = db === undefined ? undefined : readFail2banBans(db, settings);
  const dryRun = options.dryRun === true;
  const written =
    read === undefined || dryRun ? undefined : await writeImportedBans(config, read.bans, { now, by: "cli:import" });
  const report = { dryRun, read, trusted: written?.trusted ?? [], findings };
  process.stdout.write(options.json ? `${JSON.stringify(jsonOf(report), undefined, 2)}\n` : textOf(report));
}

/** The file of the server's `dbfile`, where both are there. */
function findDatabase(configDir: string): string | undefined {
  if (!existsSync(join(configDir, "fail2ban.conf"))) return undefined;
  const { dbfile } = readServerSettings(configDir);
  return dbfile !== undefined && existsSync(dbfile) ? dbfile : undefined;
}

interface Report {
  readonly dryRun: boolean;
  readonly read: Fail2banBans | undefined;
  /** Addresses that are trusted, and why. */
  readonly trusted: readonly { readonly address: string; readonly why: string }[];
  readonly findings: readonly ConfigurationFinding[];
}

function jsonOf({ dryRun, read, trusted, findings }: Report) {
  const bans = (read?.bans.length ?? 0) - trusted.length;
  return {
    dry_run: dryRun,
    bans,
    trusted,
    expired: read?.expired ?? 0,
    not_addresses: read?.notAddresses ?? [],
    unknown_jails: read?.unknownJails ?? [],
    findings,
  };
}

function textOf({ dryRun, read, trusted, findings }: Report): string {
  const lines: string[] = [];
  if (read === undefined) lines.push("No database is there: no bans to take over.");
  else {
    const count = read.bans.length - trusted.length;
    lines.push(`${count} ban${count === 1 ? "" : "s"} ${dryRun ? "to take over" : "taken over"}.`);
    if (read.expired > 0) lines.push(`${read.expired} passed over: their time is over.`);
    if (read.notAddresses.length > 0) lines.push(`No addresses, passed over: ${read.notAddresses.join(", ")}.`);
    if (read.unknownJails.length > 0) lines.push(`Of jails that do not run here: ${read.unknownJails.join(", ")}.`);
    for (const { address, why } of trusted) lines.push(`Not banned: ${address} is trusted (${why}).`);
  }
  const text = lines.map((line) => `${safeText(line)}\n`).join("");
  if (findings.length === 0) return `${text}Nothing to mend in the configuration.\n`;
  return `${text}${printFilterFindings(findings)}`;
}
