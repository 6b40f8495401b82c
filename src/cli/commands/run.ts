// `postvarta run`: the daemon in the foreground, until a signal ends it.

import { Command } from "commander";
import { type ReadConfig, readConfig } from "../../config/config.ts";
import { type Log, lineLog } from "../../core/log.ts";
import type { GlobalOptions } from "../global-options.ts";
import { type StartFacts, startText } from "../start-text.ts";
import { version } from "../version.ts";

/** What a verb needs of the daemon; main hands it over, because cli/ does not know daemon.ts. */
export type StartDaemon = (read: ReadConfig, options: StartOptions) => Promise<RunningDaemon>;

/** What root has and a daemon needs not goes to a helper process (rights.ts). */
export type GiveUpRights = (options: {
  readonly config: ReadConfig["config"];
  readonly configFile: string | undefined;
  readonly log: Log;
}) => Promise<AsyncDisposable | undefined>;

interface RunStarts {
  readonly daemon: StartDaemon;
  readonly giveUpRights: GiveUpRights;
}

export interface StartOptions {
  readonly version: string;
  readonly log: Log;
  readonly readAgain: () => ReadConfig;
}

export interface RunningDaemon extends AsyncDisposable {
  readonly policyAddresses: readonly string[];
  readonly apiAddress: string;
  reload(): unknown;
}

/** Exit 0 after SIGTERM or SIGINT. Problems of the start are thrown: 78 for the configuration. */
export function runCommand(starts: RunStarts): Command {
  return new Command("run")
    .description("runs the daemon in the foreground; SIGHUP reads the configuration again, SIGTERM stops")
    .option("--debug", "log more")
    .addHelpText("after", "\nExample:\n  postvarta run --config /etc/postvarta/postvarta.toml")
    .action((options: GlobalOptions & { readonly debug?: boolean }) => run(options, starts));
}

async function run(options: GlobalOptions & { readonly debug?: boolean }, starts: RunStarts): Promise<void> {
  const environment = environmentOf(options);
  const readAgain = () => readConfig({ file: options.config, environment });
  const log = lineLog({
    level: options.debug === true ? "debug" : "info",
    // Set by systemd when stderr is the journal (systemd.exec(5)): it has its own times and wants priorities.
    journald: process.env["JOURNAL_STREAM"] !== undefined,
    write: (line) => void process.stderr.write(line),
  });
  outliveReaders();
  const read = readAgain();
  const stop = stopSignal();
  const reloads = new Reloads();
  await using _ = await starts.giveUpRights({ config: read.config, configFile: options.config, log });
  await using daemon = await starts.daemon(read, { version: version(), log, readAgain });
  log.info("ready", {
    version: version(),
    policy: daemon.policyAddresses.join(" "),
    api: daemon.apiAddress,
    control: read.config.control.socket,
    mode: read.config.policy.mode,
    store: read.config.store.url.replace(/\/\/[^/]*@/, "//***@"),
  });
  if (process.env["JOURNAL_STREAM"] === undefined) process.stdout.write(startText(factsOf(daemon, read)));
  reloads.begin(() => void daemon.reload());
  const signal = await stop;
  reloads.end();
  log.info("stopping", { signal });
}

function factsOf({ policyAddresses, apiAddress }: RunningDaemon, { config }: ReadConfig): StartFacts {
  return { policyAddresses, apiAddress, controlSocket: config.control.socket, mode: config.policy.mode };
}

/** `--socket` wins over the file, as the environment does. */
function environmentOf({ socket }: GlobalOptions): NodeJS.ProcessEnv {
  return socket === undefined ? process.env : { ...process.env, POSTVARTA__CONTROL__SOCKET: socket };
}

/** Whoever reads our output may go away (a terminal, a journald that is killed): other verbs end then, a daemon does not. */
function outliveReaders(): void {
  process.stdout.removeAllListeners("error");
  for (const output of [process.stdout, process.stderr]) output.on("error", () => {});
}

/** SIGHUP from the first moment to the last, which would end the process where nobody takes it: one that comes early is done later. */
class Reloads {
  #isAsked = false;
  #reload = () => {
    this.#isAsked = true;
  };

  constructor() {
    process.on("SIGHUP", () => this.#reload());
  }

  begin(reload: () => void): void {
    this.#reload = reload;
    if (this.#isAsked) reload();
  }

  end(): void {
    this.#reload = () => {};
  }
}

/** The first SIGTERM or SIGINT; a second one ends the process at once. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.once(signal, () => {
        resolve(signal);
        process.once(signal, () => process.exit(1));
      });
    }
  });
}
