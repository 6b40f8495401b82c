// Plays the steps of a case of watch.txt: changes of level, kept in a store as the daemon keeps them.

import assert from "node:assert/strict";
import type { LevelChange } from "../src/accounts/judge.ts";
import { keepWatches } from "../src/accounts/watch-keeper.ts";
import { steadyClock } from "../src/core/clock.ts";
import type { Store } from "../src/store/db.ts";
import { openStore } from "../src/store/open.ts";
import { endWatch, readWatches } from "../src/store/watches.ts";
import { readSpan } from "./takeover-cases.ts";

const begin = Date.UTC(2026, 2, 2, 8);
const breaker = { accounts: 20, share: 0.02 };

export class WatchStory {
  readonly #store: Store;
  #mode: "enforce" | "observe" = "enforce";

  private constructor(store: Store) {
    this.#store = store;
  }

  static async start(): Promise<WatchStory> {
    return new WatchStory(await openStore("scratch:", { clock: steadyClock() }));
  }

  async step(text: string): Promise<void> {
    const rises = /^rises (\w+) (\w+) at (\w+)$/.exec(text);
    if (rises !== null) return await this.#rise(rises[2] ?? "", rises[1] as LevelChange["level"], rises[3] ?? "");
    const removed = /^removed (\w+) at (\w+)$/.exec(text);
    if (removed !== null) return await this.#remove(removed[1] ?? "", begin + readSpan(removed[2] ?? ""));
    if (text === "observe") this.#mode = "observe";
    else await this.#expect(text);
  }

  async #rise(who: string, level: LevelChange["level"], when: string): Promise<void> {
    const now = begin + readSpan(when);
    const count = Number(who);
    const accounts = Number.isInteger(count) ? Array.from({ length: count }, (_, i) => `u${i}`) : [who];
    const changes = accounts.map((account) => changeOf(account, level, now));
    const parts = { now, breaker, mode: this.#mode };
    await this.#store.facts.transaction().execute((tx) => keepWatches(tx, changes, parts));
  }

  async #remove(account: string, now: number): Promise<void> {
    assert.equal(await endWatch(this.#store, account, { by: "olha", now }), true);
  }

  async #expect(text: string): Promise<void> {
    const told = /^told (\w+) (.+)$/.exec(text);
    if (told !== null) {
      const rows = await this.#notices(told[1] ?? "");
      return assert.ok(rows.length > 0 && JSON.stringify(rows).includes(told[2] ?? ""), JSON.stringify(rows));
    }
    const notices = /^notices (\w+) = (\d+)$/.exec(text);
    if (notices !== null) {
      const rows = await this.#notices(notices[1] ?? "");
      return assert.equal(rows.length, Number(notices[2]), text);
    }
    const watches = await readWatches(this.#store.facts, begin);
    const found = /^(watched|rows) =\s*(.*)$/.exec(text);
    assert.ok(found, `a step that is none: ${text}`);
    if (found[1] === "rows") return assert.equal(watches.length, Number(found[2]));
    assert.equal(watches.map(({ account }) => account).join(" "), found[2], text);
  }

  #notices(kind: string): Promise<readonly object[]> {
    return this.#store.facts.selectFrom("notices").selectAll().where("kind", "=", kind).execute();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }
}

function changeOf(account: string, level: LevelChange["level"], at: number): LevelChange {
  const signals = [{ name: "new_networks", points: 50, because: "many networks" }];
  return { account, at, level, score: level === "calm" ? 0 : 60, countries: 3, networks: 9, signals, logins: [] };
}
