// A policy service without API and CLI: store, engine and server joined as the daemon joins them, for tests over a real socket.

import { ManualClock } from "../src/core/clock.ts";
import { silentLog } from "../src/core/log.ts";
import type { Mode, RuleSet } from "../src/core/rules.ts";
import { parseCellKey } from "../src/policy/cell-key.ts";
import { checks } from "../src/policy/checks/index.ts";
import { compileRules } from "../src/policy/compiled-rules.ts";
import { PolicyEngine } from "../src/policy/engine.ts";
import type { Asker } from "../src/policy/open-messages.ts";
import { Raises } from "../src/policy/raises.ts";
import { parseRules } from "../src/policy/rules-file.ts";
import { PolicyServer } from "../src/policy/server.ts";
import type { Store } from "../src/store/db.ts";
import { openStore } from "../src/store/open.ts";
import { PolicyClient, type PolicyTarget } from "./policy-client.ts";

export interface HouseOptions {
  /** A policies file. */
  readonly rules: string;
  readonly answerOk?: boolean;
  readonly mode?: Mode;
  /** Default: scratch. */
  readonly storeUrl?: string;
  /** Instead of a URL: how to open the store. */
  readonly open?: (clock: ManualClock) => Promise<Store>;
}

/** `await using house = await startHouse({ rules })`. */
export async function startHouse(options: HouseOptions): Promise<PolicyHouse> {
  const clock = new ManualClock();
  const store = (await options.open?.(clock)) ?? (await openStore(options.storeUrl ?? "scratch:", { clock }));
  const { rules } = parseRules(options.rules, "rules.toml");
  const engine = createEngine(store, clock, rules, options.mode ?? "enforce");
  await engine.restore();
  const server = new PolicyServer<string>({
    listen: [{ host: "127.0.0.1", port: 0 }],
    allow: [],
    decide: (request, connection: Asker) => engine.decide(request, connection),
    answerOk: options.answerOk ?? false,
    log: silentLog,
    descriptors: [],
  });
  await server.start();
  return new PolicyHouse({ clock, store, engine, server });
}

function createEngine(store: Store, clock: ManualClock, rules: RuleSet, mode: Mode): PolicyEngine {
  const canonical = (login: string) => login.toLowerCase();
  const compiled = compileRules(rules, {
    mode,
    internal: "%internal_domains",
    onError: "pass",
    timeZone: "Europe/Kyiv",
    canonical,
  });
  const raises = new Raises();
  return new PolicyEngine({
    cells: store.cells,
    clock,
    log: silentLog,
    checks,
    rules: compiled,
    raises,
  });
}

interface HouseParts {
  readonly clock: ManualClock;
  readonly store: Store;
  readonly engine: PolicyEngine;
  readonly server: PolicyServer<string>;
}

export class PolicyHouse implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly store: Store;
  readonly engine: PolicyEngine;
  readonly #server: PolicyServer<string>;

  constructor(parts: HouseParts) {
    this.clock = parts.clock;
    this.store = parts.store;
    this.engine = parts.engine;
    this.#server = parts.server;
  }

  get target(): PolicyTarget {
    const [address = ""] = this.#server.addresses;
    return { port: Number(address.slice(address.lastIndexOf(":") + 1)) };
  }

  connect(): Promise<PolicyClient> {
    return PolicyClient.connect(this.target);
  }

  /** What the counter of a quota holds; 0 when it was never charged. */
  async used(policy: string, quota: string, count: string, track: string): Promise<number> {
    for (const [prefix, limit] of this.engine.rules.limits) {
      const parts = parseCellKey(prefix + track);
      if (parts?.policy !== policy || parts.quota !== quota || parts.count !== count) continue;
      return limit.algorithm.used(await this.store.cells.peek(prefix + track), limit.cell, this.clock.now());
    }
    throw new Error(`no limit ${policy}/${quota} ${count}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
  }
}
