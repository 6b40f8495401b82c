// `accounts scan`: which accounts of a log look stolen, and since when; one JSON object each time an account changes level.
// Needs no daemon. The same log and settings give the same bytes.

import type { Writable } from "node:stream";
import { Command } from "commander";
import { Judge, type LevelChange } from "../../accounts/judge.ts";
import { parseJudgeSetting } from "../../accounts/judge-setting.ts";
import { defaultJudgeSettings, type JudgeSettings } from "../../accounts/judge-settings.ts";
import { Accounts } from "../../core/account.ts";
import { openLog } from "../../logs/archive.ts";
import { readMailEvents } from "../../logs/events.ts";
import { networkCacheDirectory } from "../../networks/embedded.ts";
import { openNetworks } from "../../networks/networks.ts";
import { drained } from "../drained.ts";
import { parseYear, parseZone, usageProblem } from "../log-options.ts";

interface ScanOptions {
  readonly log: readonly string[];
  readonly year?: string;
  readonly zone?: string;
  readonly domain?: string;
  readonly set?: readonly string[];
}

/** The command `scan`, to be put under `accounts`. */
export function accountsScanCommand(): Command {
  return new Command("scan")
    .description("print each account of a log that changes level: calm, notice, watch, high")
    .requiredOption("--log <file...>", "log files, plain or .gz .bz2 .xz .zst, in the order they were written")
    .option("--year <yyyy>", "the year of the first line, for time stamps without one")
    .option("--zone <zone>", "the zone of time stamps without one, as Europe/Kyiv or +02:00 (default: TZ)")
    .option("--domain <domain>", "added to logins without one")
    .option("--set <name=value...>", "another weight, threshold or window, as newNetworks.each=5")
    .option("--json", "JSON, as always")
    .action((options: ScanOptions) => scanAccounts(options, process.stdout, process.stderr));
}

/** Prints the changes of level to `output`; a Problem when an option or a file is wrong. */
async function scanAccounts(options: ScanOptions, output: Writable, errors: Writable): Promise<void> {
  const year = parseYear(options.year);
  const zone = parseZone(options.zone);
  const settings = parseSettings(options.set ?? []);
  for (const path of options.log) await (await openLog(path)).close();
  const { book } = await openNetworks({}, networkCacheDirectory(process.env));
  const warn = (text: string) => void errors.write(`${text}\n`);
  let text = "";
  const judge = new Judge({
    settings,
    accounts: new Accounts({ defaultDomain: options.domain ?? "", aliases: [] }),
    networks: book,
    onChange: (change) => {
      text += changeJson(change);
    },
  });
  const pause = async () => {
    const written = text;
    text = "";
    if (written !== "" && !output.write(written)) await drained(output);
    return !output.destroyed;
  };
  const kinds = ["login", "auth_failure", "queued", "bounced"] as const;
  await readMailEvents(
    options.log,
    { year, zone, kinds, warn, now: Date.now },
    { see: (event) => judge.see(event), pause },
  );
  if (judge.late > 0) warn(`${judge.late} lines lay behind what had been read and were left out`);
}

function changeJson(change: LevelChange): string {
  const { account, at, level, score, countries, networks, signals } = change;
  return `${JSON.stringify({ account, at: new Date(at).toISOString(), level, score, countries, networks, signals })}\n`;
}

function parseSettings(texts: readonly string[]): JudgeSettings {
  let settings = defaultJudgeSettings;
  for (const text of texts) {
    const next = parseJudgeSetting(settings, text);
    if (typeof next === "string")
      throw usageProblem("--set", `${text}: ${next}`, "a name of docs/reference/accounts.md, =, a number");
    settings = next;
  }
  return settings;
}
