// `postvarta store copy FROM TO`: moves what must survive from one engine to the other. Needs no daemon, and refuses while one runs.

import { Command } from "commander";
import { readConfig } from "../../config/config.ts";
import { steadyClock } from "../../core/clock.ts";
import type { GlobalOptions } from "../global-options.ts";
import { progressBar } from "../progress-bar.ts";
import { Terminal } from "../terminal.ts";

interface StoreCopyOptions extends GlobalOptions {
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

export function storeCommand(): Command {
  return new Command("store").description("moves the store").addCommand(copyCommand());
}

function copyCommand(): Command {
  return new Command("copy")
    .description("copies rules, counters, open messages and decisions to another store; the daemon must be stopped")
    .argument("<from>", 'a store\'s URL, or "config" for the one of the configuration')
    .argument("<to>", "the same; it must be empty. A password left out of a URL is read from PGPASSWORD or ~/.pgpass")
    .option("--force", "empty the target first, and do not ask whether nodes use it")
    .option("--dry-run", "say what there is to copy and whether the target would take it, and change nothing")
    .addHelpText(
      "after",
      "\nExample:\n  postvarta store copy sqlite:/var/lib/postvarta/postvarta.db postgres://postvarta@db.example.org/postvarta",
    )
    .action(copy);
}

async function copy(from: string, to: string, options: StoreCopyOptions): Promise<void> {
  const { config } = readConfig({ file: options.config, environment: process.env });
  const urlOf = (word: string) => (word === "config" ? config.store.url : word);
  const terminal = new Terminal(options);
  const dryRun = options.dryRun === true;
  const draw = progressBar();
  const { copyStore } = await import("../../store/copy.ts");
  const counts = await copyStore(urlOf(from), urlOf(to), {
    clock: steadyClock(),
    node: config.node.name,
    force: options.force === true,
    dryRun,
    ...(draw === undefined || terminal.json
      ? {}
      : { onProgress: (done, all) => draw(all === 0 ? 1 : done / all, `${done} rows`) }),
  });
  if (terminal.json) return terminal.printJson({ dry_run: dryRun, rows: counts });
  terminal.table(
    ["TABLE", dryRun ? "TO COPY" : "COPIED"],
    Object.entries(counts).map(([table, rows]) => [table, rows]),
  );
}
