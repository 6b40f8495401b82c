// The acting half of the jails, built as one: who is trusted, what stands, and the firewall that is made equal to it.

import type { Config } from "../config/config.ts";
import type { RunAction } from "../core/action.ts";
import type { Ban } from "../core/ban.ts";
import type { Clock } from "../core/clock.ts";
import type { Firewall } from "../core/firewall.ts";
import type { Log } from "../core/log.ts";
import { messageOf } from "../core/problem.ts";
import { pruneBans } from "../store/bans.ts";
import type { Fact, Store } from "../store/db.ts";
import { pruneTrusts } from "../store/trusts.ts";
import { readActionBook } from "./action-book.ts";
import { createCommands } from "./commands.ts";
import { Enforcer, type EnforcerState } from "./enforce.ts";
import { firewalls, isNative } from "./firewalls/index.ts";
import { Tools } from "./firewalls/tools.ts";
import { readMynetworks } from "./mynetworks.ts";
import { listFileOf, pfSettings } from "./pf-settings.ts";
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

/** What became of bans is kept a year: it makes the next ones longer, and explains them. */
const historyMs = 366 * 86_400_000;

export class Banning implements AsyncDisposable {
  readonly trust: Trust;
  /** Knows every ban; its firewall takes all of them at once. */
  readonly enforcer: Enforcer;
  /** What a person bans is enforced. */
  readonly enforces: boolean;
  readonly #options: BanningOptions;
  /** Makes commands hold that the firewall does not do itself, or all of them. They may take long, and nobody waits for them. */
  #commands: Enforcer | undefined;
  #areCommandsDue = false;

  constructor(options: BanningOptions) {
    this.#options = options;
    const { config, store, clock, log } = options;
    const { jails } = config;
    this.enforces = jails.mode === "enforce";
    const tools = new Tools();
    this.trust = new Trust({
      addresses: jails.trust.addresses,
      mynetworks: () => readMynetworks(tools, config.postfix.config_directories),
      ...{ store, node: config.node.name, clock, log },
    });
    const firewall = options.helper ?? createFirewall(config, tools, log);
    this.enforcer = new Enforcer({
      ...{ store, firewall, trust: this.trust.check, clock, log, listFile: listFileOf(jails) },
      askedOnly: jails.mode === "observe",
    });
    this.trust.onChange(() => this.#tell("trusts"));
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
    this.#commands = this.#createCommands();
    void this.#commands?.start();
    this.#options.store.changes.onChange((fact) => this.#hear(fact));
  }

  /** How each firewall stands. */
  get states(): readonly EnforcerState[] {
    return this.#commands === undefined ? [this.enforcer.state] : [this.enforcer.state, this.#commands.state];
  }

  /** How the firewall of `[jails]` stands. */
  get state(): EnforcerState {
    return this.#firewall.state;
  }

  /** True when the firewall of `[jails]` is known to hold the ban. */
  isVerified(ban: Ban): boolean {
    return this.#firewall.isVerified(ban);
  }

  /** Takes every rule of ours away. Why not, when it did not work. */
  async flush(): Promise<string | undefined> {
    this.#commands ??= this.#createCommands();
    const beside = await this.#commands?.flush();
    return (await this.enforcer.flush()) ?? beside;
  }

  get #firewall(): Enforcer {
    return (this.#options.config.jails.firewall === "command" ? this.#commands : undefined) ?? this.enforcer;
  }

  async #hear(fact: Fact): Promise<void> {
    if (fact === "trusts") await this.trust.readRows();
    await this.#tell(fact);
  }

  /** A command that takes long is waited for by nobody. */
  async #tell(fact: Fact): Promise<void> {
    void this.#commands?.hear(fact);
    await this.enforcer.hear(fact);
  }

  /** Never twice at a time: commands may take longer than what is due takes to come again. */
  async #commandsDue(): Promise<void> {
    if (this.#areCommandsDue) return;
    this.#areCommandsDue = true;
    await this.#commands?.due().catch((error: unknown) => {
      this.#options.log.error("jails.actions", { error: messageOf(error) });
    });
    this.#areCommandsDue = false;
  }

  #createCommands(): Enforcer | undefined {
    const { config, store, clock, log } = this.#options;
    const { jails } = config;
    const parts = { store, trust: this.trust.check, clock, log, listFile: "", expires: false };
    const create = () => createCommands(this.#options);
    if (jails.firewall === "command")
      return new Enforcer({ ...parts, firewall: create(), askedOnly: jails.mode === "observe" });
    if (jails.mode !== "enforce" || !isNative(jails.firewall)) return undefined;
    try {
      const own = readActionBook(jails);
      const concerns = ({ jail }: Ban) => own.has(jail);
      return own.size === 0 ? undefined : new Enforcer({ ...parts, firewall: create(), concerns });
    } catch (error) {
      log.error("jails.actions", { error: messageOf(error) });
      return undefined;
    }
  }

  /** Called about once a second. */
  async due(): Promise<void> {
    await this.trust.due();
    await this.enforcer.due();
    void this.#commandsDue();
  }

  async prune(now: number): Promise<void> {
    await pruneBans(this.#options.store, { before: now - historyMs });
    await pruneTrusts(this.#options.store, now);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#commands?.[Symbol.asyncDispose]();
    await this.enforcer[Symbol.asyncDispose]();
  }
}

export function createFirewall({ jails }: Pick<Config, "jails">, tools: Tools, log: Log): Firewall {
  return firewalls[jails.firewall].create({ tools, log, pf: () => pfSettings(jails) });
}
