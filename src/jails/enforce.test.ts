import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import type { WantedBan } from "../core/ban.ts";
import { ManualClock } from "../core/clock.ts";
import { type Block, blockKey, type Firewall, type FirewallChange } from "../core/firewall.ts";
import { type Network, networkOf, parseNetwork } from "../core/ip.ts";
import { silentLog } from "../core/log.ts";
import { TrustList } from "../core/trust-list.ts";
import { readAllBans } from "../store/ban-list.ts";
import { addBans, banNow, unbanNow } from "../store/bans.ts";
import type { Store } from "../store/db.ts";
import { openStore } from "../store/open.ts";
import { Enforcer } from "./enforce.ts";
import { DryRunFirewall } from "./firewalls/dry-run.ts";

const folder = mkdtempSync(join(tmpdir(), "postvarta-enforce-"));
after(() => rmSync(folder, { recursive: true }));

function network(text: string): Network {
  const parsed = parseNetwork(text);
  assert.ok(parsed, text);
  return parsed;
}

const hour = 3_600_000;

interface HouseOptions {
  readonly listFile?: string;
  readonly askedOnly?: boolean;
}

class House implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly store: Store;
  readonly firewall: Firewall;
  readonly enforcer: Enforcer;
  trusted = new TrustList([]);

  private constructor(store: Store, firewall: Firewall, { listFile = "", askedOnly = false }: HouseOptions) {
    this.store = store;
    this.firewall = firewall;
    const trust = (address: Network, now: number) => this.trusted.find(address, now)?.why;
    this.enforcer = new Enforcer({ store, firewall, trust, clock: this.clock, log: silentLog, listFile, askedOnly });
    store.changes.onChange((fact) => this.enforcer.hear(fact));
  }

  static async open(firewall: Firewall = new DryRunFirewall(silentLog), options: HouseOptions = {}): Promise<House> {
    return new House(await openStore("scratch:", { clock: new ManualClock() }), firewall, options);
  }

  wanted(address: string, more: Partial<WantedBan> = {}): WantedBan {
    const now = this.clock.now();
    return {
      ...{ address: network(address), jail: "sasl", from: now, until: now + hour, reason: "", origin: "jail" },
      ...{ ports: undefined, enforce: true, node: "mx1", evidence: "", ...more },
    };
  }

  ban(...bans: readonly WantedBan[]) {
    return banNow(this.store, bans, () => undefined, { by: "test", now: this.clock.now() });
  }

  unban(...addresses: readonly string[]) {
    return unbanNow(this.store, { addresses: addresses.map(network) }, { by: "test", now: this.clock.now() });
  }

  async blocks(): Promise<string[]> {
    return ((await this.firewall.readBack(this.clock.now())) ?? []).map(blockKey).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.enforcer[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
  }
}

test("the firewall equals the rows at the start and after each change, before the change is told to whoever made it", async () => {
  await using house = await House.open();
  await house.ban(house.wanted("192.0.2.1"), house.wanted("192.0.2.2", { enforce: false }));
  await house.enforcer.start();
  assert.deepEqual(await house.blocks(), ["192.0.2.1"]);
  const ports = [{ from: 25, to: 25 }];
  await house.ban(house.wanted("192.0.2.1", { jail: "b" }), house.wanted("192.0.2.1", { jail: "c", ports }));
  assert.deepEqual(await house.blocks(), ["192.0.2.1", "192.0.2.1 25"]);
  await unbanNow(
    house.store,
    { addresses: [network("192.0.2.1")], jail: "sasl" },
    { by: "test", now: house.clock.now() },
  );
  assert.deepEqual(await house.blocks(), ["192.0.2.1", "192.0.2.1 25"]);
  await house.unban("192.0.2.1");
  assert.deepEqual(await house.blocks(), []);
  assert.deepEqual([house.enforcer.state.wanted, house.enforcer.state.verified], [0, 0]);
});

test("a ban that is over leaves, and the longest of two rows counts", async () => {
  await using house = await House.open();
  await house.enforcer.start();
  await house.ban(
    house.wanted("192.0.2.1"),
    house.wanted("192.0.2.1", { jail: "b", until: house.clock.now() + 2 * hour }),
  );
  house.clock.advance(hour);
  await house.enforcer.due();
  assert.deepEqual(await house.blocks(), ["192.0.2.1"]);
  house.clock.advance(hour);
  await house.enforcer.due();
  assert.deepEqual(await house.blocks(), []);
});

/** Refuses everything while `fault` says so. */
class FaultyFirewall extends DryRunFirewall {
  fault: string | undefined;
  override async open(): Promise<void> {
    if (this.fault !== undefined) throw new Error(this.fault);
  }
  override async apply(change: Parameters<DryRunFirewall["apply"]>[0]): Promise<readonly Block[]> {
    if (this.fault !== undefined) throw new Error(this.fault);
    return super.apply(change);
  }
}

test("a firewall that fails is told in the state, tried again with growing pauses, and ends equal to the rows", async () => {
  const firewall = new FaultyFirewall(silentLog);
  await using house = await House.open(firewall);
  firewall.fault = "nft: no such file";
  await house.enforcer.start();
  await house.ban(house.wanted("192.0.2.1"));
  assert.equal(house.enforcer.state.error, "nft: no such file");
  assert.equal(house.enforcer.state.verified, 0);
  const before = house.enforcer.state.retries;
  for (let second = 0; second < 30; second++) {
    house.clock.advance(1_000);
    await house.enforcer.due();
  }
  const tried = house.enforcer.state.retries - before;
  assert.ok(tried >= 3 && tried <= 6, `${tried} tries in 30 s`);
  firewall.fault = undefined;
  house.clock.advance(60_000);
  await house.enforcer.due();
  assert.deepEqual(await house.blocks(), ["192.0.2.1"]);
  assert.deepEqual([house.enforcer.state.error, house.enforcer.state.verified], [undefined, 1]);
});

test("what a stranger adds or takes away in what is ours is mended by reading back", async () => {
  await using house = await House.open();
  await house.enforcer.start();
  await house.ban(house.wanted("192.0.2.1"), house.wanted("192.0.2.2"));
  const [one] = (await house.firewall.readBack(0)) ?? [];
  assert.ok(one);
  const stranger = { ...one, address: network("203.0.113.9") };
  await house.firewall.apply({ adds: [stranger], renewals: [], deletes: [one] }, 0);
  house.clock.advance(301_000);
  await house.enforcer.due();
  assert.deepEqual(await house.blocks(), ["192.0.2.1", "192.0.2.2"]);
  assert.equal(house.enforcer.state.mended, 1);
});

/** Tells of a change whenever it is looked at, and remembers how often that was. */
class RestlessFirewall extends DryRunFirewall {
  reads = 0;
  tell = () => {};
  override onForeignChange(listener?: () => void): void {
    this.tell = listener ?? this.tell;
  }
  override async readBack(): Promise<readonly Block[]> {
    this.reads++;
    if (this.reads < 100) for (let i = 0; i < 10; i++) this.tell();
    await new Promise((resolve) => setTimeout(resolve, 1));
    return super.readBack();
  }
}

test("however often somebody tells of a change, one look waits at a time", async () => {
  const firewall = new RestlessFirewall(silentLog);
  await using house = await House.open(firewall);
  await house.enforcer.start();
  await house.enforcer.readBack(undefined);
  for (let look = 0; look < 1_000 && firewall.reads < 100; look++)
    await new Promise((resolve) => setTimeout(resolve, 2));
  await house.enforcer.readBack(undefined);
  // The hundred that told ten times each, and those that were asked for behind them.
  assert.ok(firewall.reads >= 100 && firewall.reads <= 103, `${firewall.reads} looks`);
});

/** Gives back what ends in .13, and never lets a renewal go. */
class ChoosyFirewall extends DryRunFirewall {
  readonly prolongs = true;
  readonly renewed: string[] = [];
  isChoosy = true;
  /** Gone when the next change is made. */
  lost: readonly Block[] = [];
  override async apply(change: FirewallChange): Promise<readonly Block[]> {
    const isBad = (block: Block) => this.isChoosy && blockKey(block).endsWith(".13");
    this.renewed.push(...change.renewals.map((block) => `${blockKey(block)} ${block.until}`));
    const lost = this.lost;
    this.lost = [];
    await super.apply({
      ...change,
      adds: change.adds.filter((block) => !isBad(block)),
      deletes: [...change.deletes, ...lost],
    });
    return [...change.adds.filter(isBad), ...lost];
  }
}

test("what is given back is not known to hold, and comes again; the rest stands meanwhile", async () => {
  const firewall = new ChoosyFirewall(silentLog);
  await using house = await House.open(firewall);
  await house.enforcer.start();
  await house.ban(house.wanted("192.0.2.12"), house.wanted("192.0.2.13"));
  const { wanted, verified, error } = house.enforcer.state;
  assert.deepEqual([wanted, verified, error], [2, 1, undefined]);
  firewall.isChoosy = false;
  // A row that nobody told of: handing blocks over again is no reason to read all rows.
  const { clock, store } = house;
  await store.facts
    .transaction()
    .execute((tx) => addBans(tx, [house.wanted("192.0.2.14")], { trust: () => undefined, now: clock.now() }));
  clock.advance(2_000);
  await house.enforcer.due();
  assert.deepEqual(await house.blocks(), ["192.0.2.12", "192.0.2.13"]);
  assert.deepEqual([house.enforcer.state.wanted, house.enforcer.state.verified], [2, 2]);
  assert.equal(house.enforcer.state.mended, 0);
});

test("what the firewall lost with a change is not known to hold any more, and comes again", async () => {
  const firewall = new ChoosyFirewall(silentLog);
  await using house = await House.open(firewall);
  await house.enforcer.start();
  await house.ban(house.wanted("192.0.2.1"), house.wanted("192.0.2.2"));
  firewall.lost = (await firewall.readBack()).slice(0, 1);
  await house.ban(house.wanted("192.0.2.3"));
  assert.deepEqual([house.enforcer.state.wanted, house.enforcer.state.verified], [3, 2]);
  house.clock.advance(2_000);
  await house.enforcer.due();
  assert.deepEqual(await house.blocks(), ["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
  assert.deepEqual([house.enforcer.state.wanted, house.enforcer.state.verified], [3, 3]);
});

test("a firewall that hears of ends is told of a longer one", async () => {
  const firewall = new ChoosyFirewall(silentLog);
  await using house = await House.open(firewall);
  await house.enforcer.start();
  await house.ban(house.wanted("192.0.2.12"));
  const until = house.clock.now() + 30 * 24 * hour;
  await house.ban(house.wanted("192.0.2.12", { until }));
  assert.deepEqual(firewall.renewed, [`192.0.2.12 ${until}`]);
});

test("where jails only observe, what was enforced before leaves the firewall, and what is not ours stays", async () => {
  const firewall = new DryRunFirewall(silentLog);
  await using house = await House.open(firewall, { askedOnly: true });
  const old = house.wanted("192.0.2.1");
  const seen = house.wanted("192.0.2.2", { enforce: false });
  const asked = house.wanted("192.0.2.3", { origin: "account", jail: "account" });
  await house.ban(old, seen);
  const adds = ["192.0.2.1", "192.0.2.2", "203.0.113.9"].map((text) => ({
    ...{ address: network(text), until: undefined, ports: undefined },
  }));
  await firewall.apply({ adds, renewals: [], deletes: [] });
  await house.enforcer.start();
  assert.deepEqual(await house.blocks(), ["192.0.2.2", "203.0.113.9"]);
  // Neither do our answers refuse him any more.
  assert.equal(house.enforcer.book.find(old.address.ip, 25, house.clock.now())?.enforce, false);
  await house.ban(asked);
  await house.enforcer.readBack(undefined);
  assert.deepEqual(await house.blocks(), ["192.0.2.2", "192.0.2.3", "203.0.113.9"]);
  const bans = await Array.fromAsync(readAllBans(house.store));
  assert.deepEqual(
    bans.filter((ban) => house.enforcer.isVerified(ban)).map(({ jail }) => jail),
    ["account"],
  );
});

test("where jails only observe, a firewall that does not open is no trouble", async () => {
  const firewall = new FaultyFirewall(silentLog);
  firewall.fault = "no rights";
  await using house = await House.open(firewall, { askedOnly: true });
  await house.ban(house.wanted("192.0.2.1"));
  await house.enforcer.start();
  assert.deepEqual([house.enforcer.state.error, house.enforcer.state.retries], [undefined, 0]);
});

test("flushed, it holds nothing and puts nothing back", async () => {
  await using house = await House.open();
  await house.enforcer.start();
  await house.ban(house.wanted("192.0.2.1"));
  await house.enforcer.flush();
  house.clock.advance(hour / 2);
  await house.enforcer.due();
  assert.deepEqual(await house.blocks(), []);
});

test("the list file has the enforced addresses, one a line, and nothing else is left beside it", async () => {
  const listFile = join(folder, "banned.txt");
  await using house = await House.open(new DryRunFirewall(silentLog), { listFile });
  await house.enforcer.start();
  await house.ban(
    house.wanted("192.0.2.1"),
    house.wanted("2001:db8::/64"),
    house.wanted("192.0.2.9", { enforce: false }),
  );
  await house.enforcer.due();
  assert.equal(readFileSync(listFile, "utf8"), "192.0.2.1\n2001:db8::/64\n");
  await house.unban("192.0.2.1");
  house.clock.advance(1_000);
  await house.enforcer.due();
  assert.equal(readFileSync(listFile, "utf8"), "2001:db8::/64\n");
  assert.deepEqual(readdirSync(folder), ["banned.txt"]);
});

test("whatever rows there are, nothing trusted stands in the firewall", async () => {
  await using house = await House.open();
  house.trusted = new TrustList(
    ["192.0.2.7", "198.51.100.0/24", "2001:db8:1::/48"].map((text) => ({ network: network(text), why: "test" })),
  );
  await house.enforcer.start();
  const word = fc.constantFrom(0xc0000207, 0xc6336401, 0xc633640f, 0x7f000001, 0x0a000001, 0xcb007107);
  const some = fc
    .tuple(word, fc.integer({ min: 0, max: 32 }))
    .map(([a, length]) => networkOf({ family: 4, words: [a, 0, 0, 0] }, length));
  await fc.assert(
    fc.asyncProperty(fc.array(some, { minLength: 1, maxLength: 50 }), async (networks) => {
      await house.ban(...networks.map((address) => house.wanted("192.0.2.1", { address })));
      for (const block of (await house.firewall.readBack(0)) ?? [])
        assert.equal(house.trusted.find(block.address, 0), undefined, blockKey(block));
    }),
    { numRuns: 30 },
  );
});
