// argv → one verb. Only that verb's module is loaded, so that a short verb is short.

import { Command, CommanderError } from "commander";
import { Problem } from "../core/problem.ts";
import type { StartHelper } from "./commands/privileged.ts";
import type { GiveUpRights, StartDaemon } from "./commands/run.ts";
import { exitCodes } from "./exit-code.ts";
import { addGlobalOptions, splitGlobals } from "./global-options.ts";
import { reportError } from "./problem-report.ts";
import { version } from "./version.ts";

/** What runs until a signal, and what comes before it; cli/ knows none of it. */
export interface Starts {
  readonly giveUpRights: GiveUpRights;
  readonly daemon: StartDaemon;
  readonly helper: StartHelper;
}

interface Verb {
  readonly name: string;
  readonly help: string;
  /** `inner`: the verb behind it on the command line, if any. */
  load(starts: Starts, inner?: string): Promise<Command>;
}

/** In the order of `--help`. */
export const verbs: readonly Verb[] = [
  {
    name: "run",
    help: "run the daemon in the foreground",
    load: async (starts) => (await import("./commands/run.ts")).runCommand(starts),
  },
  {
    name: "helper",
    help: "run the process that alone changes the firewall",
    load: async ({ helper }) => (await import("./commands/privileged.ts")).helperCommand(helper),
  },
  {
    name: "check-config",
    help: "read the configuration and say what is wrong with it",
    load: async () => (await import("./commands/check-config.ts")).checkConfigCommand(),
  },
  {
    name: "doctor",
    help: "say what Postfix lacks to ask us, with the line that mends it",
    load: async () => withExample((await import("./commands/doctor.ts")).doctorCommand(), "postvarta doctor"),
  },
  {
    name: "policy",
    help: "apply, export and explain the rules",
    load: async () => (await import("./commands/policy.ts")).policyCommand(),
  },
  {
    name: "group",
    help: "list, show and change groups",
    load: async () => (await import("./commands/group.ts")).groupCommand(),
  },
  {
    name: "quota",
    help: "list, show, reset and raise counters",
    load: async () => (await import("./commands/quota.ts")).quotaCommand(),
  },
  {
    name: "ban",
    help: "ban addresses",
    load: async () => (await import("./commands/ban.ts")).banCommand(),
  },
  {
    name: "unban",
    help: "end bans",
    load: async () => (await import("./commands/ban.ts")).unbanCommand(),
  },
  {
    name: "bans",
    help: "who is banned",
    load: async () => (await import("./commands/ban.ts")).bansCommand(),
  },
  {
    name: "ip",
    help: "everything that is known of an address",
    load: async () => (await import("./commands/ip.ts")).ipCommand(),
  },
  {
    name: "trust",
    help: "what is never banned",
    load: async () => (await import("./commands/trust.ts")).trustCommand(),
  },
  {
    name: "stop",
    help: "stop the daemon; leave no rule in the firewall",
    load: async () => (await import("./commands/stop.ts")).stopCommand(),
  },
  {
    name: "status",
    help: "how the daemon stands",
    load: async () => (await import("./commands/status.ts")).statusCommand(),
  },
  {
    name: "explain",
    help: "why mail was refused: by address, account, queue id, decision id, recipient or text",
    load: async () => (await import("./commands/explain.ts")).explainCommand(),
  },
  {
    name: "store",
    help: "copy the store from one engine to another",
    load: async () => (await import("./commands/store.ts")).storeCommand(),
  },
  {
    name: "accounts",
    help: "which accounts look stolen",
    load: async () => {
      const scan = (await import("./commands/accounts-scan.ts")).accountsScanCommand();
      const { accountCommands } = await import("./commands/accounts.ts");
      const accounts = new Command("accounts").description("which accounts look stolen, and what is done about it");
      const { containCommand, releaseCommand } = await import("./commands/accounts-contain.ts");
      for (const command of [...accountCommands(), containCommand(), releaseCommand()]) accounts.addCommand(command);
      return accounts.addCommand(withExample(scan, "postvarta accounts scan --log /var/log/mail.log"));
    },
  },
  {
    name: "jail",
    help: "how the jails stand, and what a filter finds",
    load: async () => {
      const { jailListCommand, jailShowCommand } = await import("./commands/jail-list.ts");
      const test = (await import("./commands/jail-test.ts")).jailTestCommand();
      const check = (await import("./commands/jail-check.ts")).jailCheckCommand();
      const example = "postvarta jail test --config-dir /etc/fail2ban --filter postfix --log /var/log/mail.log";
      return new Command("jail")
        .description("how the jails stand, and what a filter finds")
        .addCommand(withExample(jailListCommand(), "postvarta jail list"))
        .addCommand(withExample(jailShowCommand(), "postvarta jail show wrong-password"))
        .addCommand(withExample(test, example))
        .addCommand(withExample(check, "postvarta jail check --config-dir /etc/fail2ban"));
    },
  },
  {
    name: "fail2ban-client",
    help: "answer as fail2ban-client does",
    load: async () => (await import("./commands/fail2ban-client.ts")).fail2banClientCommand(),
  },
  {
    name: "import",
    help: "take over what another program knows",
    load: async () => (await import("./commands/import.ts")).importCommand(),
  },
  {
    name: "networks",
    help: "what an address belongs to",
    load: async () => (await import("./commands/networks.ts")).networksCommand(),
  },
  {
    name: "notices",
    help: "who is told of what",
    load: async () => (await import("./commands/notices.ts")).noticesCommand(),
  },
  {
    name: "log",
    help: "what log files say",
    load: async (_, inner) => {
      const log = new Command("log").description("what log files say");
      const { logEventsCommand } = await import("./commands/log-events.ts");
      const events = withExample(logEventsCommand(), "postvarta log events --log /var/log/mail.log");
      // The others need the daemon's client, and nobody asks for the help of `log`.
      if (inner === "events") return log.addCommand(events);
      const status = (await import("./commands/log-status.ts")).logStatusCommand();
      const replay = (await import("./commands/log-replay.ts")).logReplayCommand();
      return log
        .addCommand(withExample(status, "postvarta log status"))
        .addCommand(events)
        .addCommand(withExample(replay, "postvarta log replay --log /var/log/mail.log* --since 30d"));
    },
  },
];

/** Runs one command line and sets the exit code. What runs is handed over: cli/ does not know the daemon. */
export async function runProgram(args: readonly string[], starts: Starts): Promise<void> {
  // `postvarta … | head`: the reader has what it wants.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
  });
  const json = args.includes("--json");
  try {
    const { before, rest } = splitGlobals(args);
    const program = await buildProgram(rest, starts);
    await program.parseAsync(insertGlobals(rest, before), { from: "user" });
  } catch (error) {
    process.exitCode = reportEnd(error, json);
  }
}

/** Options given before the verb belong behind it, and before a `--` that ends options. */
function insertGlobals(rest: readonly string[], globals: readonly string[]): readonly string[] {
  const end = rest.indexOf("--");
  const at = end < 0 ? rest.length : end;
  return rest.length === 0 ? globals : [...rest.slice(0, at), ...globals, ...rest.slice(at)];
}

/** The program with the verb that is wanted loaded; the others are known by name and help. */
async function buildProgram(rest: readonly string[], starts: Starts): Promise<Command> {
  const program = new Command("postvarta")
    .description("Stands guard over a Postfix server.")
    .version(version(), "--version", "print the version")
    .helpCommand(false)
    .showSuggestionAfterError(true);
  for (const verb of verbs) {
    const command =
      verb.name === rest[0] ? await verb.load(starts, rest[1]) : new Command(verb.name).description(verb.help);
    program.addCommand(command);
  }
  addGlobalOptions(program);
  program.addHelpText(
    "after",
    "\nEvery verb has --help with an example.\nExample:\n  postvarta policy apply /etc/postvarta/rules.toml",
  );
  prepare(program);
  return program;
}

/** Errors are thrown to us, and a verb's own options may have the names of the program's. */
function prepare(command: Command): void {
  command
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({ outputError: () => {} });
  for (const inner of command.commands) prepare(inner);
}

function withExample(command: Command, example: string): Command {
  return command.addHelpText("after", `\nExample:\n  ${example}`);
}

function reportEnd(error: unknown, json: boolean): number {
  if (!(error instanceof CommanderError)) return reportError(error, json);
  if (error.exitCode === 0) return exitCodes.ok;
  // A group of verbs without one of them: commander has printed its help.
  if (error.code === "commander.help") return exitCodes.usage;
  const [message = "", ...more] = error.message.replace(/^error: /, "").split("\n");
  const hint = more.join(" ").trim();
  return reportError(new Problem(message, { code: "usage", hint: hint === "" ? "see postvarta --help" : hint }), json);
}
