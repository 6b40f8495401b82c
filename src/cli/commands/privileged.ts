// `postvarta helper`: the process that holds the rights, in the foreground, until a signal ends it.

import { Command } from "commander";
import { type ReadConfig, readConfig } from "../../config/config.ts";
import { type Log, lineLog } from "../../core/log.ts";
import type { GlobalOptions } from "../global-options.ts";

/** main hands it over, because cli/ does not know the helper. */
export type StartHelper = (read: ReadConfig, log: Log) => Promise<AsyncDisposable>;

export function helperCommand(startHelper: StartHelper): Command {
  return new Command("helper")
    .description("runs the process that alone changes the firewall and the queue; the daemon needs no rights then")
    .addHelpText("after", "\nExample:\n  postvarta helper --config /etc/postvarta/postvarta.toml")
    .action((options: GlobalOptions) => run(options, startHelper));
}

async function run(options: GlobalOptions, startHelper: StartHelper): Promise<void> {
  const journald = process.env["JOURNAL_STREAM"] !== undefined;
  const log = lineLog({ level: "info", journald, write: (line) => void process.stderr.write(line) });
  const read = readConfig({ file: options.config, environment: process.env });
  const stopped = Promise.withResolvers<void>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stopped.resolve());
  // Forked by a daemon that root started: it waits for the word, and we end with it.
  process.once("disconnect", () => stopped.resolve());
  process.channel?.unref();
  await using _ = await startHelper(read, log);
  log.info("helper.ready", { socket: read.config.helper.socket });
  process.send?.("ready");
  await stopped.promise;
}
