import { deepStrictEqual } from "node:assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { WantedBan } from "../../core/ban.ts";
import { ManualClock } from "../../core/clock.ts";
import { parseNetwork } from "../../core/ip.ts";
import { silentLog } from "../../core/log.ts";
import { banNow, expireBans, unbanNow } from "../../store/bans.ts";
import type { Store } from "../../store/db.ts";
import { openStore } from "../../store/open.ts";
import { Fail2banLog } from "./fail2ban-log.ts";

const root = mkdtempSync(join(tmpdir(), "postvarta-f2blog-"));
after(() => rmSync(root, { recursive: true }));
const hour = 3_600_000;

class House implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly path = join(mkdtempSync(join(root, "l-")), "fail2ban.log");
  readonly store: Store;
  #log: Fail2banLog;

  private constructor(store: Store) {
    this.store = store;
    this.#log = this.#create();
  }

  static async open(): Promise<House> {
    const house = new House(await openStore("scratch:", { clock: new ManualClock() }));
    await house.#log.start();
    return house;
  }

  get log(): Fail2banLog {
    return this.#log;
  }

  async ban(text: string, more: Partial<WantedBan> = {}): Promise<void> {
    const address = parseNetwork(text);
    if (address === undefined) throw new Error(text);
    const now = this.clock.now();
    const ban: WantedBan = {
      ...{ address, jail: "sasl", from: now, until: now + hour, reason: "", origin: "jail", ports: undefined },
      ...{ enforce: true, node: "mx1", evidence: "", ...more },
    };
    await banNow(this.store, [ban], () => undefined, { by: "test", now });
    await this.#log.caughtUp();
  }

  async unban(text: string): Promise<void> {
    const address = parseNetwork(text);
    if (address === undefined) throw new Error(text);
    await unbanNow(this.store, { addresses: [address] }, { by: "test", now: this.clock.now() });
    await this.#log.caughtUp();
  }

  async expire(): Promise<void> {
    await expireBans(this.store, this.clock.now());
    await this.#log.caughtUp();
  }

  async restart(): Promise<void> {
    await this.#log[Symbol.asyncDispose]();
    this.#log = this.#create();
    await this.#log.start();
  }

  /** What stands behind the level, `[jail] …`. */
  async told(): Promise<readonly string[]> {
    await this.#log.caughtUp();
    const lines = readFileSync(this.path, "utf8").trimEnd().split("\n");
    return lines.map((line) => line.replace(/^.*? fail2ban\.\w+ +\[\d+\]: (?:INFO|NOTICE) +/, ""));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#log[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
  }

  #create(): Fail2banLog {
    const { path, store, clock } = this;
    return new Fail2banLog({ path, store, clock, log: silentLog, grows: (jail) => jail === "growing" });
  }
}

describe("the log that Fail2ban would write", () => {
  test("a ban, a second wish, its end by somebody and by time are told, of whatever origin", async () => {
    await using house = await House.open();
    house.log.found("sasl", [{ address: "192.0.2.7", at: house.clock.now() }]);
    await house.ban("192.0.2.7");
    await house.ban("192.0.2.7", { until: house.clock.now() + hour / 2 });
    await house.unban("192.0.2.0/24");
    await house.ban("2001:db8::/64", { jail: "manual", origin: "admin", until: house.clock.now() + 1 });
    house.clock.advance(hour);
    await house.expire();
    const told = await house.told();
    deepStrictEqual(
      told.map((line) => line.replace(/ - .*/, "")),
      [
        "[sasl] Found 192.0.2.7",
        "[sasl] Ban 192.0.2.7",
        "[sasl] 192.0.2.7 already banned",
        "[sasl] Unban 192.0.2.7",
        "[manual] Ban 2001:db8::/64",
        "[manual] Unban 2001:db8::/64",
      ],
    );
  });

  test("a start tells again of what stands, and of nothing else", async () => {
    await using house = await House.open();
    await house.ban("192.0.2.7");
    await house.ban("192.0.2.8");
    await house.unban("192.0.2.8");
    await house.restart();
    deepStrictEqual((await house.told()).slice(3), ["[sasl] Restore Ban 192.0.2.7"]);
  });

  test("what only observes is no ban", async () => {
    await using house = await House.open();
    await house.ban("192.0.2.7", { enforce: false });
    await house.ban("192.0.2.8");
    deepStrictEqual(await house.told(), ["[sasl] Ban 192.0.2.8"]);
  });

  test("a ban that grows, by those before it or while it stands, says so", async () => {
    await using house = await House.open();
    await house.ban("192.0.2.7", { jail: "growing" });
    await house.unban("192.0.2.7");
    house.clock.advance(1_000);
    await house.ban("192.0.2.7", { jail: "growing", until: house.clock.now() + 2 * hour });
    await house.ban("192.0.2.7", { jail: "growing", until: house.clock.now() + 3 * hour });
    deepStrictEqual(
      (await house.told()).map((line) => line.replace(/ -> .*/, "")),
      [
        "[growing] Ban 192.0.2.7",
        "[growing] Unban 192.0.2.7",
        "[growing] Ban 192.0.2.7",
        "[growing] Increase Ban 192.0.2.7 (2 # 2:00:00",
        "[growing] Increase Ban 192.0.2.7 (2 # 3:00:00",
      ],
    );
  });
});
