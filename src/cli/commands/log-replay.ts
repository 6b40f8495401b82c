// `postvarta log replay`: old logs once more through the daemon, for what happened before it followed them.

import { resolve } from "node:path";
import { Command } from "commander";
import type { ReplayAnswer, ReplayRequestBody } from "../../api/contract.ts";
import { Problem } from "../../core/problem.ts";
import { Client } from "../client.ts";
import type { GlobalOptions } from "../global-options.ts";
import { parseMoment, parseYear, parseZone } from "../log-options.ts";
import { progressBar } from "../progress-bar.ts";
import { safeText } from "../safe-text.ts";
import { Terminal } from "../terminal.ts";

interface LogReplayOptions extends GlobalOptions {
  readonly log?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly year?: string;
  readonly zone?: string;
  readonly again?: boolean;
  readonly stop?: boolean;
  readonly dryRun?: boolean;
}

const askMs = 250;

/** The command `replay`, to be put under `log`. */
export function logReplayCommand(): Command {
  return new Command("replay")
    .description("read old logs once more, for what happened before the daemon followed them; each line once")
    .option("--log <file...>", "log files that the daemon may read, plain or .gz .bz2 .xz .zst, in any order")
    .option(
      "--since <time>",
      "from then on: an ISO time, or how long ago (30d); the file counts as read whole, --again reads what was left out",
    )
    .option("--until <time>", "up to then, instead of up to when the daemon began to follow logs")
    .option("--year <yyyy>", "the year of the first line, for time stamps without one; files are then read in order")
    .option("--zone <zone>", "the zone of time stamps without one, as Europe/Kyiv or +02:00 (default: the daemon's)")
    .option("--again", "also what was replayed or followed before")
    .option("--stop", "end the replay that runs; what was read is kept")
    .option("--dry-run", "say what would be taken, and change nothing")
    .action(replay);
}

async function replay(options: LogReplayOptions): Promise<void> {
  const terminal = new Terminal(options);
  if (options.stop === true) {
    const stopped = await (await Client.open(options)).post<ReplayAnswer>("/logs/replay/stop", {});
    return terminal.json ? terminal.printJson(stopped) : terminal.line(stopped.running ? "stopping" : "none runs");
  }
  const request = requestOf(options);
  const client = await Client.open(options);
  const answer = await follow(client, await client.post<ReplayAnswer>("/logs/replay", request));
  if (terminal.json) terminal.printJson(answer);
  else print(terminal, answer);
  if (answer.problem === null) return;
  const { message, where, hint } = answer.problem;
  throw new Problem(message, { code: "logs/unreadable", where: where ?? undefined, hint: hint ?? undefined });
}

function requestOf(options: LogReplayOptions): ReplayRequestBody {
  const { log = [], since, until, again = false, dryRun = false } = options;
  if (log.length === 0) {
    const hint = "postvarta log replay --log /var/log/mail.log*";
    throw new Problem("no file is named", { code: "usage", where: "--log", hint });
  }
  const now = Date.now();
  const year = parseYear(options.year);
  const zone = parseZone(options.zone)?.name;
  return {
    // The daemon has another working directory.
    paths: log.map((path) => resolve(path)),
    ...(since === undefined ? {} : { since: parseMoment("--since", since, now) }),
    ...(until === undefined ? {} : { until: parseMoment("--until", until, now) }),
    ...(year === undefined ? {} : { year }),
    ...(zone === undefined ? {} : { zone }),
    ...{ again, dry_run: dryRun },
  };
}

/** Until its end, with a bar where somebody sees it. Ctrl-C stops the replay too. */
async function follow(client: Client, begun: ReplayAnswer): Promise<ReplayAnswer> {
  const draw = progressBar();
  const stop = () => void client.post("/logs/replay/stop", {}).catch(() => {});
  process.once("SIGINT", stop);
  let answer = begun;
  while (answer.running) {
    await new Promise((done) => setTimeout(done, askMs));
    answer = await client.get<ReplayAnswer>("/logs/replay");
    // The end of the line comes with the last word.
    draw?.(answer.running ? Math.min(answer.share, 0.999) : 1, `${answer.lines} lines ${safeText(answer.path)}`);
  }
  process.off("SIGINT", stop);
  return answer;
}

function print(terminal: Terminal, answer: ReplayAnswer): void {
  const events = Object.entries(answer.events).map(([kind, count]) => `${kind} ${count}`);
  const row = (name: string, text: string) => terminal.line(`${name.padEnd(11)} ${text}`);
  row("lines", `${answer.lines}${answer.unknown > 0 ? `, of them not understood ${answer.unknown}` : ""}`);
  row(answer.dry_run ? "would take" : "taken", events.length === 0 ? "nothing" : events.join(", "));
  if (answer.first !== null) row("from", terminal.time(answer.first));
  if (answer.last !== null) row("to", terminal.time(answer.last));
  if (answer.earlier > 0) row("left out", `${answer.earlier} events before --since`);
  if (answer.later > 0)
    row("left out", `${answer.later} events from ${terminal.time(answer.until)} on: followed already`);
  if (answer.known_bytes > 0) row("left out", `${answer.known_bytes} bytes that were read before (--again reads them)`);
  for (const warning of answer.warnings) terminal.remark(safeText(warning));
}
