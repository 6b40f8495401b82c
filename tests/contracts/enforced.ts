// What every firewall must come to under the enforcer: rows of the store become blocks, and the firewall stays equal to them.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ban, WantedBan } from "../../src/core/ban.ts";
import { type Clock, steadyClock } from "../../src/core/clock.ts";
import { blockKey, type Firewall } from "../../src/core/firewall.ts";
import { parseNetwork, printNetwork } from "../../src/core/ip.ts";
import { silentLog } from "../../src/core/log.ts";
import { parsePorts } from "../../src/core/port-list.ts";
import { TrustList } from "../../src/core/trust-list.ts";
import { Enforcer } from "../../src/jails/enforce.ts";
import { readAllBans } from "../../src/store/ban-list.ts";
import { banNow, unbanNow } from "../../src/store/bans.ts";
import type { Store } from "../../src/store/db.ts";
import { openStore } from "../../src/store/open.ts";
import type { FirewallUnderTest } from "./firewall.ts";

const hour = 3_600_000;
const noticedMs = 60_000;

function network(text: string) {
  const parsed = parseNetwork(text);
  assert.ok(parsed, text);
  return parsed;
}

/** Runs as a kernel's does, and can be moved. */
class MovedClock implements Clock {
  readonly #clock = steadyClock();
  #by = 0;

  now(): number {
    return this.#clock.now() + this.#by;
  }

  advance(ms: number): void {
    this.#by += ms;
  }
}

class House implements AsyncDisposable {
  readonly clock = new MovedClock();
  readonly store: Store;
  readonly enforcer: Enforcer;
  readonly #firewall: Firewall;

  constructor(store: Store, firewall: Firewall) {
    this.store = store;
    this.#firewall = firewall;
    const trusted = new TrustList([{ network: network("192.0.2.99"), why: "test" }]);
    const trust = (address: Ban["address"], now: number) => trusted.find(address, now)?.why;
    this.enforcer = new Enforcer({ store, firewall, trust, clock: this.clock, log: silentLog, listFile: "" });
    store.changes.onChange((fact) => this.enforcer.hear(fact));
  }

  static async open(firewall: Firewall): Promise<House> {
    return new House(await openStore("scratch:", { clock: steadyClock() }), firewall);
  }

  wanted(address: string, ports?: string): WantedBan {
    const now = this.clock.now();
    return {
      ...{ address: network(address), jail: "sasl", from: now, until: now + hour, reason: "", origin: "jail" },
      ...{ ports: ports === undefined ? undefined : parsePorts(ports), enforce: true, node: "mx1", evidence: "" },
    };
  }

  /** As the store would, whatever is trusted. */
  ban(...bans: readonly WantedBan[]) {
    return banNow(this.store, bans, () => undefined, { by: "test", now: this.clock.now() });
  }

  /** What another process did to the firewall. */
  async applyBeside(bans: readonly WantedBan[]): Promise<void> {
    const { grain } = this.#firewall;
    const adds = bans.map(({ address, until, jail }) => ({
      address,
      until,
      ports: undefined,
      ...(grain === "jail" ? { jail } : {}),
    }));
    await this.#firewall.open();
    await this.#firewall.apply({ adds, renewals: [], deletes: [] }, this.clock.now());
  }

  unban(...addresses: readonly string[]) {
    return unbanNow(this.store, { addresses: addresses.map(network) }, { by: "test", now: this.clock.now() });
  }

  /** Addresses that the firewall holds; where nothing can be read, those of bans that are known to be refused. */
  async standing(): Promise<readonly string[]> {
    const blocks = await this.#firewall.readBack(this.clock.now());
    if (blocks !== undefined) return [...new Set(blocks.map(({ address }) => printNetwork(address)))].sort();
    const bans = await Array.fromAsync(readAllBans(this.store));
    const found = bans.filter(
      (ban) => this.enforcer.isVerified(ban) && this.enforcer.book.find(ban.address.ip, 0, this.clock.now()),
    );
    return [...new Set(found.map(({ address }) => printNetwork(address)))].sort();
  }

  async keys(): Promise<readonly string[]> {
    return ((await this.#firewall.readBack(this.clock.now())) ?? []).map(blockKey).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.enforcer[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
  }
}

export function testEnforced(kind: FirewallUnderTest): void {
  const withHouse = (sentence: string, body: (house: House, place: string) => Promise<void>) =>
    test(`${kind.name}, enforced: ${sentence}`, { skip: kind.skip ?? false }, async () => {
      const { firewall, place } = await kind.create();
      await using house = await House.open(firewall);
      await body(house, place);
    });

  withHouse(
    "bans of both families, ranges and mapped forms hold, once each, and end when they are taken back",
    async (house) => {
      await house.enforcer.start();
      const all = ["198.18.0.0/24", "198.18.0.7", "203.0.113.77", "2001:db8::/64", "2001:db8::1"];
      await house.ban(
        ...["198.18.0.7", "198.18.0.0/24", "::ffff:203.0.113.77", "2001:db8::1", "2001:db8::/64"].map((one) =>
          house.wanted(one),
        ),
      );
      assert.deepEqual(await house.standing(), all.toSorted());
      const keys = await house.keys();
      await house.ban(house.wanted("198.18.0.7"), house.wanted("::ffff:203.0.113.77"));
      assert.deepEqual(await house.keys(), keys);
      for await (const ban of readAllBans(house.store)) assert.equal(house.enforcer.isVerified(ban), true);
      await house.unban("203.0.113.77", "2001:db8::/64");
      assert.deepEqual(await house.standing(), ["198.18.0.0/24", "198.18.0.7"]);
    },
  );

  withHouse("what is trusted does not stand, whatever rows there are", async (house) => {
    await house.enforcer.start();
    await house.ban(house.wanted("192.0.2.99"), house.wanted("192.0.2.0/24"), house.wanted("192.0.2.98"));
    if (house.enforcer.state.firewall === "policy-only") return;
    assert.deepEqual(await house.standing(), ["192.0.2.98"]);
  });

  withHouse("what stood is put back at a start, a thousand at once, and then nothing is mended", async (house) => {
    const many = Array.from({ length: kind.batchMax ?? 1_000 }, (_, i) => house.wanted(`10.1.${i >> 8}.${i & 255}`));
    await house.ban(...many);
    await house.enforcer.start();
    assert.equal((await house.standing()).length, many.length);
    assert.equal(house.enforcer.state.error, undefined);
    await house.enforcer.readBack(undefined);
    assert.equal(house.enforcer.state.mended, 0);
  });

  withHouse("a process that died between rows and firewall leaves them equal after the next start", async (house) => {
    const [gone, half, row] = ["198.18.0.1", "198.18.0.2", "198.18.0.3"].map((one) => house.wanted(one));
    assert.ok(gone && half && row);
    // The first process: its firewall took half of the rows, and one whose unban it did not live to do.
    await house.applyBeside([gone, half]);
    await house.ban(half, row);
    await house.enforcer.start();
    const left = await house.standing();
    assert.deepEqual(left, ["198.18.0.2", "198.18.0.3"]);
  });

  withHouse("many changes in a row are taken, and the last one counts", async (house) => {
    await house.enforcer.start();
    const all = Array.from({ length: 15 }, (_, i) => `198.18.1.${i}`);
    const work = all.flatMap((one, i) => [
      house.ban(house.wanted(one)),
      ...(i % 3 === 0 ? [house.ban(house.wanted(one)).then(() => house.unban(one))] : []),
    ]);
    await Promise.all(work);
    const rows = await Array.fromAsync(readAllBans(house.store));
    assert.deepEqual(await house.standing(), rows.map(({ address }) => printNetwork(address)).sort());
    assert.equal(
      house.enforcer.state.wanted,
      house.enforcer.state.firewall === "policy-only" ? rows.length : (await house.keys()).length,
    );
  });

  withHouse("a ban leaves at its time", async (house) => {
    await house.enforcer.start();
    await house.ban(house.wanted("198.18.0.7", "25"), { ...house.wanted("198.18.0.8"), until: undefined });
    house.clock.advance(hour + 1);
    await house.enforcer.due();
    assert.deepEqual(await house.standing(), ["198.18.0.8"]);
  });

  if (kind.wipe === undefined) return;
  const { wipe } = kind;
  withHouse("what a stranger takes away is noticed and stands again", async (house, place) => {
    await house.enforcer.start();
    await house.ban(house.wanted("198.18.0.7"), house.wanted("198.18.0.8", "25"), house.wanted("2001:db8::1"));
    const keys = await house.keys();
    assert.equal(keys.length, 3);
    await wipe(place);
    const until = Date.now() + noticedMs;
    while (house.enforcer.state.mended === 0 && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(house.enforcer.state.mended > 0);
    await house.enforcer.hear("trusts");
    assert.deepEqual(await house.keys(), keys);
    assert.equal(house.enforcer.state.error, undefined);
  });
}
