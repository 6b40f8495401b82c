// `postvarta log status`: how far each log has been read, and what in it nobody understands.

import { Command } from "commander";
import type { LogStatusAnswer } from "../../api/contract.ts";
import { printDuration } from "../../core/duration.ts";
import { Client } from "../client.ts";
import type { GlobalOptions } from "../global-options.ts";
import { safeText } from "../safe-text.ts";
import { Terminal } from "../terminal.ts";

/** Samples of one source that fit a screen; `--json` has more. */
const shapesShown = 5;

/** The command `status`, to be put under `log`. */
export function logStatusCommand(): Command {
  return new Command("status")
    .description("print how far each log has been read, its lag, and lines that are not understood")
    .action(async (options: GlobalOptions) => {
      const terminal = new Terminal(options);
      const status = await (await Client.open(options)).get<LogStatusAnswer>("/logs");
      if (terminal.json) return terminal.printJson(status);
      if (!status.configured) return terminal.line("no [[logs]] are configured");
      if (status.silent) terminal.line(terminal.paint("red", "SILENT: Postfix asks, and none of its lines arrives"));
      if (status.waits_for_store) terminal.line(terminal.paint("red", "WAITING: the store takes no writes"));
      if (status.replay !== null) {
        const { share, lines, path } = status.replay;
        terminal.line(`older logs: ${Math.floor(share * 100)} % read, ${lines} lines, now ${safeText(path)}`);
      }
      for (const source of status.sources) printSource(terminal, source);
    });
}

function printSource(terminal: Terminal, source: LogStatusAnswer["sources"][number]): void {
  terminal.line(terminal.paint("bold", safeText(source.name)));
  const row = (name: string, text: string) => terminal.line(`  ${name.padEnd(9)} ${safeText(text)}`);
  const { lines, events } = source;
  row("lag", source.lag_seconds < 1 ? "none" : printDuration(Math.round(source.lag_seconds) * 1000));
  row("last line", terminal.time(source.last_line_at));
  row("last mail", terminal.time(source.last_mail_at));
  for (const { what, at } of source.reading) row("place", what === source.name ? at : `${what}: ${at}`);
  row("lines", counts(lines));
  row("events", counts(events));
  row("unparsed", `${(source.unparsed_share * 100).toFixed(2)} %`);
  if (source.lost > 0) row("lost", String(source.lost));
  for (const trouble of source.troubles) {
    terminal.line(`  ${terminal.paint("yellow", "trouble".padEnd(9))} ${safeText(trouble)}`);
  }
  for (const { count, sample } of source.unknown_shapes.slice(0, shapesShown))
    row("unknown", `${count} like: ${sample}`);
  if (source.unknown_others > 0) row("unknown", `${source.unknown_others} of other shapes`);
}

function counts(of: Readonly<Record<string, number>>): string {
  const parts = Object.entries(of).filter(([, count]) => count > 0);
  return parts.length === 0 ? "none yet" : parts.map(([name, count]) => `${name} ${count}`).join(", ");
}
