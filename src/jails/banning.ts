// The acting half of the jails, built as one: who is trusted, what stands, and the firewall that is made equal to it.

import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Firewall } from "../core/firewall.ts";
import type { Log } from "../core/log.ts";
import { pruneBans } from "../store/bans.ts";
import type { Fact, Store } from "../store/db.ts";
import { pruneTrusts } from "../store/trusts.ts";
import { Enforcer } from "./enforce.ts";
import { firewalls } from "./firewalls/index.ts";
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
}

/** What became of bans is kept a year: it makes the next ones longer, and explains them. */
const historyMs = 366 * 86_400_000;

export class Banning implements AsyncDisposable {
  readonly trust: Trust;
  readonly enforcer: Enforcer;
  /** What a person bans is enforced. */
  readonly enforces: boolean;
  readonly #options: BanningOptions;

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
    const firewall = options.helper ?? createFirewall(config, tools, log);
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
    this.#options.store.changes.onChange((fact) => this.#hear(fact));
  }

  async #hear(fact: Fact): Promise<void> {
    if (fact === "trusts") await this.trust.readRows();
    await this.enforcer.hear(fact);
  }

  /** Called about once a second. */
  async due(): Promise<void> {
    await this.trust.due();
    await this.enforcer.due();
  }

  async prune(now: number): Promise<void> {
    await pruneBans(this.#options.store, { before: now - historyMs });
    await pruneTrusts(this.#options.store, now);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.enforcer[Symbol.asyncDispose]();
  }
}

export function createFirewall({ jails }: Pick<Config, "jails">, tools: Tools, log: Log): Firewall {
  return firewalls[jails.firewall].create({ tools, log, pf: () => pfSettings(jails) });
}
