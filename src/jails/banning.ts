// The acting half of the jails, built as one: who is trusted, what stands, and the firewall that is made equal to it.

import type { Config } from "../config/config.ts";
import type { RunAction } from "../core/action.ts";
import type { Ban } from "../core/ban.ts";
import type { Clock } from "../core/clock.ts";
import type { Firewall } from "../core/firewall.ts";
import type { Log } from "../core/log.ts";
import { pruneBans } from "../store/bans.ts";
import type { Fact, Store } from "../store/db.ts";
import { pruneTrusts } from "../store/trusts.ts";
import { readActionBook } from "./action-book.ts";
import { banValues } from "./ban-values.ts";
import { Enforcer, type EnforcerState } from "./enforce.ts";
import { CommandFirewall, type CommandOptions } from "./firewalls/command.ts";
import { firewalls } from "./firewalls/index.ts";
import { Tools } from "./firewalls/tools.ts";
import { readMynetworks } from "./mynetworks.ts";
import { demandOwned } from "./owned-files.ts";
import { listFileOf, pfSettings } from "./pf-settings.ts";
import { ShellActions } from "./shell-actions.ts";
import { Trust } from "./trust.ts";

export interface BanningOptions {
  readonly config: Pick<Config, "jails" | "node" | "postfix">;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** The firewall in another process, in the place of one of our own. */
  readonly helper?: Firewall;
  /** Runs commands of actions elsewhere, in the place of a shell of our own. */
  readonly runAction?: RunAction;
}

/** Firewalls that do themselves what they recognise of an action; the rest of it is run beside them. */
const nativeFirewalls: ReadonlySet<string> = new Set(["nftables", "ipset", "pf"]);

/** What became of bans is kept a year: it makes the next ones longer, and explains them. */
const historyMs = 366 * 86_400_000;

export class Banning implements AsyncDisposable {
  readonly trust: Trust;
  readonly enforcer: Enforcer;
  /** What a person bans is enforced. */
  readonly enforces: boolean;
  readonly #options: BanningOptions;
  /** Makes the commands hold that the firewall does not do itself. */
  #beside: Enforcer | undefined;
  #isBesideBusy = false;

  constructor(options: BanningOptions) {
    this.#options = options;
    const { config, store, clock, log } = options;
    this.enforces = config.jails.mode === "enforce";
    const tools = new Tools();
    this.trust = new Trust({
      addresses: config.jails.trust.addresses,
      mynetworks: () => readMynetworks(tools, config.postfix.config_directories),
      ...{ store, node: config.node.name, clock, log },
    });
    const firewall = options.helper ?? createFirewall(config, tools, log, () => this.#commandParts());
    this.enforcer = new Enforcer({
      ...{ store, firewall, trust: this.trust.check, clock, log, listFile: listFileOf(config.jails) },
      askedOnly: config.jails.mode === "observe" && firewall.name !== "policy-only",
    });
    this.trust.onChange(() => this.enforcer.hear("trusts"));
  }

  /** Gathers who is trusted. */
  async startTrust(): Promise<void> {
    await this.trust.readRows();
    await this.trust.due();
  }

  /** Knows who is trusted before it bans anybody. */
  async start(): Promise<void> {
    await this.startTrust();
    await this.enforcer.start();
    this.#startBeside();
    this.#options.store.changes.onChange((fact) => this.#hear(fact));
  }

  async #hear(fact: Fact): Promise<void> {
    if (fact === "trusts") await this.trust.readRows();
    // A command that takes long is waited for by nobody.
    void this.#beside?.hear(fact);
    await this.enforcer.hear(fact);
  }

  /** Never twice at a time: commands may take longer than what is due takes to come again. */
  async #besideDue(): Promise<void> {
    if (this.#isBesideBusy) return;
    this.#isBesideBusy = true;
    await this.#beside?.due().catch((error: unknown) => {
      this.#options.log.error("jails.actions", { error: String(error) });
    });
    this.#isBesideBusy = false;
  }

  /** How each firewall stands. */
  get states(): readonly EnforcerState[] {
    return this.#beside === undefined ? [this.enforcer.state] : [this.enforcer.state, this.#beside.state];
  }

  /** Takes every rule of ours away. Why not, when it did not work. */
  async flush(): Promise<string | undefined> {
    const beside = await this.#beside?.flush();
    return (await this.enforcer.flush()) ?? beside;
  }

  #startBeside(): void {
    const { config, store, clock, log } = this.#options;
    const { jails } = config;
    if (jails.mode !== "enforce" || !nativeFirewalls.has(jails.firewall)) return;
    try {
      const own = readActionBook(jails);
      if (own.size === 0) return;
      const firewall = new CommandFirewall({ log, ...this.#commandParts() });
      const concerns = ({ jail }: Ban) => own.has(jail);
      this.#beside = new Enforcer({ store, firewall, trust: this.trust.check, clock, log, listFile: "", concerns });
      void this.#beside.start();
    } catch (error) {
      log.error("jails.actions", { error: error instanceof Error ? error.message : String(error) });
    }
  }

  #commandParts(): Omit<CommandOptions, "log"> {
    const { config, store, clock, runAction } = this.#options;
    let shell: ShellActions | undefined;
    return {
      readBook: () => {
        const book = readActionBook(config.jails, runAction === undefined ? demandOwned : undefined);
        shell = new ShellActions(book);
        return book;
      },
      run: async (call) => {
        if (runAction !== undefined) return runAction(call);
        if (shell === undefined) throw new Error("the actions have not been read");
        return shell.run(call);
      },
      valuesOf: banValues(store, clock),
    };
  }

  /** Called about once a second. */
  async due(): Promise<void> {
    await this.trust.due();
    await this.enforcer.due();
    void this.#besideDue();
  }

  async prune(now: number): Promise<void> {
    await pruneBans(this.#options.store, { before: now - historyMs });
    await pruneTrusts(this.#options.store, now);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#beside?.[Symbol.asyncDispose]();
    await this.enforcer[Symbol.asyncDispose]();
  }
}

/** `command`: how commands are run; where nobody says, they are run elsewhere. */
export function createFirewall(
  { jails }: Pick<Config, "jails">,
  tools: Tools,
  log: Log,
  command?: () => Omit<CommandOptions, "log">,
): Firewall {
  const pf = () => pfSettings(jails);
  if (jails.firewall !== "command") return firewalls[jails.firewall].create({ tools, log, pf });
  return command === undefined ? firewalls["policy-only"].create() : firewalls.command.create({ log, command });
}
