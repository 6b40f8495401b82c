// What every engine must do with bans and trust. Part of the engine's suite.

import assert from "node:assert/strict";
import type { WantedBan } from "../../src/core/ban.ts";
import { type Network, parseNetwork, printNetwork } from "../../src/core/ip.ts";
import { parsePorts } from "../../src/core/port-list.ts";
import {
  countBans,
  countPriorBans,
  findBans,
  lastBanChange,
  listBans,
  readAllBans,
  readBanChanges,
  readBanHistory,
} from "../../src/store/ban-list.ts";
import { addBans, banNow, expireBans, pruneBans, unbanNow } from "../../src/store/bans.ts";
import { addCommanded, readCommanded, removeCommanded } from "../../src/store/commanded-bans.ts";
import type { Store } from "../../src/store/db.ts";
import { pruneTrusts, readTrusts, removeTrust, saveTrusts } from "../../src/store/trusts.ts";
import type { WithStore } from "./engine-rows.ts";

function network(text: string): Network {
  const parsed = parseNetwork(text);
  assert.ok(parsed, text);
  return parsed;
}

function wanted(address: string, more: Partial<WantedBan> = {}): WantedBan {
  return {
    ...{ address: network(address), jail: "sasl", from: 1_000, until: 5_000, reason: "4 wrong passwords" },
    ...{ origin: "jail", ports: undefined, enforce: true, node: "mx1", evidence: '["a line"]' },
    ...more,
  };
}

const textOf = (ban: { readonly address: Network; readonly jail: string }) =>
  `${printNetwork(ban.address)} ${ban.jail}`;
const byText = (a: Parameters<typeof textOf>[0], b: typeof a) => (textOf(a) < textOf(b) ? -1 : 1);

const nobody = () => undefined;
const author = { by: "cli:olena", now: 2_000 };

function add(store: Store, bans: readonly WantedBan[], now = 1_000) {
  return store.facts.transaction().execute((tx) => addBans(tx, bans, { trust: nobody, now }));
}

const standing = async (store: Store, now = 1_000) =>
  (await listBans(store, { now, limit: 500 })).map((ban) => `${printNetwork(ban.address)} ${ban.jail} ${ban.until}`);

export function testBans(withStore: WithStore): void {
  withStore("bans whose commands were run are known once, each node's by itself", async (store) => {
    const [one, two] = ["192.0.2.1", "2001:db8::/64"].map((text) => ({ address: network(text), jail: "sasl" }));
    assert.ok(one && two);
    await addCommanded(store, "mx1", [one, two]);
    await addCommanded(store, "mx1", [one, { ...one, jail: "other" }]);
    await addCommanded(store, "mx2", [one]);
    assert.deepEqual(await readCommanded(store, "mx1"), [one, { ...one, jail: "other" }, two].toSorted(byText));
    await removeCommanded(store, "mx1", [one, two]);
    assert.deepEqual(await readCommanded(store, "mx1"), [{ ...one, jail: "other" }]);
    assert.deepEqual(await readCommanded(store, "mx2"), [one]);
  });

  withStore("a ban comes back as it was wished", async (store) => {
    const ban = wanted("2001:db8::/64", { until: undefined, ports: parsePorts("smtp,465"), enforce: false });
    await add(store, [ban]);
    const { evidence: _, ...rest } = ban;
    assert.deepEqual(await listBans(store, { now: 9e12, limit: 10 }), [{ ...rest, count: 1 }]);
    assert.deepEqual(await countBans(store, 0), { all: 1, enforced: 0 });
  });

  withStore("a ban that stands is prolonged and never shortened; its count grows each time", async (store) => {
    const outcomes = await add(store, [
      wanted("192.0.2.1"),
      wanted("192.0.2.1", { from: 1_500, until: 9_000 }),
      wanted("192.0.2.1", { until: 4_000 }),
      wanted("192.0.2.1", { jail: "other" }),
    ]);
    assert.deepEqual(
      outcomes.map((one) => one.outcome),
      ["added", "prolonged", "standing", "added"],
    );
    const again = await add(store, [wanted("192.0.2.1", { until: undefined })]);
    assert.deepEqual(again[0]?.outcome === "prolonged" && [again[0].ban.from, again[0].ban.count], [1_000, 4]);
    // What has ended is no ban that could be prolonged.
    const later = await add(store, [wanted("192.0.2.1", { jail: "other", from: 6_000, until: 7_000 })], 6_000);
    assert.deepEqual(later[0]?.outcome === "added" && [later[0].ban.from, later[0].ban.count], [6_000, 1]);
  });

  withStore("a jail that observes neither prolongs nor ends what is enforced, and gives way to it", async (store) => {
    const outcomes = await add(store, [
      wanted("192.0.2.1"),
      wanted("192.0.2.1", { enforce: false, until: 9_000 }),
      wanted("192.0.2.2", { enforce: false, until: 9_000 }),
      wanted("192.0.2.2"),
    ]);
    assert.deepEqual(
      outcomes.map((one) => one.outcome),
      ["added", "standing", "added", "prolonged"],
    );
    const bans = await listBans(store, { now: 0, limit: 10 });
    assert.deepEqual(
      bans.map((ban) => [ban.enforce, ban.until, ban.count]),
      [
        [true, 5_000, 2],
        [true, 5_000, 2],
      ],
    );
  });

  withStore("what is trusted is not banned, whoever asks; the others of the same call are", async (store) => {
    const trust = (address: Network) => (printNetwork(address) === "192.0.2.7" ? "mynetworks" : undefined);
    const outcomes = await banNow(store, [wanted("192.0.2.7"), wanted("192.0.2.8")], trust, author);
    assert.deepEqual(
      outcomes.map((one) => (one.outcome === "trusted" ? one.why : one.outcome)),
      ["mynetworks", "added"],
    );
    assert.deepEqual(await standing(store), ["192.0.2.8 sasl 5000"]);
  });

  withStore("bans of an address are found with those of networks around and inside it", async (store) => {
    const texts = ["192.0.2.7", "192.0.2.0/24", "192.0.3.0/24", "0.0.0.0/0", "2001:db8::/32", "2001:db8::1"];
    await add(
      store,
      texts.map((text) => wanted(text)),
    );
    const find = async (text: string) =>
      (await findBans(store.facts, [network(text)])).map((ban) => printNetwork(ban.address)).sort();
    assert.deepEqual(await find("192.0.2.7"), ["0.0.0.0/0", "192.0.2.0/24", "192.0.2.7"]);
    assert.deepEqual(await find("192.0.2.0/23"), ["0.0.0.0/0", "192.0.2.0/24", "192.0.2.7", "192.0.3.0/24"]);
    assert.deepEqual(await find("::ffff:192.0.2.7"), ["0.0.0.0/0", "192.0.2.0/24", "192.0.2.7"]);
    assert.deepEqual(await find("2001:db8::2"), ["2001:db8::/32"]);
    assert.deepEqual(await find("2001:db8::/48"), ["2001:db8::/32", "2001:db8::1"]);
    assert.deepEqual(await find("2001:db9::"), []);
  });

  withStore(
    "unban removes what overlaps, keeps its history, and is told with the address even where no ban stood",
    async (store) => {
      await add(store, [
        wanted("192.0.2.7"),
        wanted("192.0.2.7", { jail: "b" }),
        wanted("192.0.2.0/24"),
        wanted("192.0.3.1"),
      ]);
      const seq = await lastBanChange(store);
      const removed = await unbanNow(store, { addresses: [network("192.0.2.7")], jail: "sasl" }, author);
      assert.deepEqual(removed.map((ban) => printNetwork(ban.address)).sort(), ["192.0.2.0/24", "192.0.2.7"]);
      assert.deepEqual((await standing(store)).sort(), ["192.0.2.7 b 5000", "192.0.3.1 sasl 5000"]);
      const { changes } = await readBanChanges(store, seq);
      assert.deepEqual(
        changes?.map(({ act, ban }) => [act, ban]),
        [
          ["removed", undefined],
          ["removed", undefined],
        ],
      );
      const free = await unbanNow(store, { addresses: [network("203.0.113.1")] }, author);
      assert.deepEqual(free, []);
      const [last] = (await readBanChanges(store, seq)).changes?.slice(-1) ?? [];
      assert.deepEqual([last?.act, last && printNetwork(last.address), last?.jail], ["removed", "203.0.113.1", ""]);
      const [past] = await readBanHistory(store, { address: network("192.0.2.7"), jail: "sasl", now: 2_000, limit: 1 });
      assert.deepEqual(
        [past?.ended, past?.isStanding, past?.evidence],
        [{ at: 2_000, by: "cli:olena" }, false, '["a line"]'],
      );
      assert.equal((await unbanNow(store, { addresses: "all" }, author)).length, 2);
      assert.deepEqual(await standing(store), []);
    },
  );

  withStore("what is due leaves, and counts among the earlier bans of its address", async (store) => {
    await add(store, [wanted("192.0.2.1"), wanted("192.0.2.2", { until: undefined })]);
    assert.deepEqual(await expireBans(store, 4_999), []);
    assert.equal((await expireBans(store, 5_000)).length, 1);
    assert.deepEqual(await standing(store), ["192.0.2.2 sasl undefined"]);
    await add(store, [wanted("192.0.2.1", { jail: "b", from: 6_000, until: 7_000 })], 6_000);
    const prior = await countPriorBans(store.facts, [network("192.0.2.1"), network("192.0.2.9")]);
    assert.deepEqual([...prior], [["192.0.2.1", { count: 2, totalMs: 5_000 }]]);
    const inJail = await countPriorBans(store.facts, [network("192.0.2.1")], "b");
    assert.deepEqual(inJail.get("192.0.2.1"), { count: 1, totalMs: 1_000 });
  });

  withStore("a reader takes only what changed, and reads all when too much did", async (store) => {
    await add(store, [wanted("192.0.2.1")]);
    const seq = await lastBanChange(store);
    assert.deepEqual(await readBanChanges(store, seq), { seq, changes: [] });
    await add(store, [wanted("192.0.2.2"), wanted("192.0.2.1", { until: 9_000 })]);
    await expireBans(store, 5_000);
    const { changes, seq: next } = await readBanChanges(store, seq);
    assert.deepEqual(
      changes?.map(({ act, address, ban }) => [act, printNetwork(address), ban?.until]),
      [
        ["added", "192.0.2.1", 9_000],
        ["expired", "192.0.2.2", undefined],
      ],
    );
    assert.ok(next > seq);
    await pruneBans(store, { before: 0, changes: 1 });
    assert.equal((await readBanChanges(store, seq)).changes, undefined);
    assert.deepEqual((await readBanChanges(store, next)).changes, []);
    const all: string[] = [];
    for await (const ban of readAllBans(store)) all.push(printNetwork(ban.address));
    assert.deepEqual(all, ["192.0.2.1"]);
  });

  withStore("a page has at most 500 bans, and the next one goes on behind it", async (store) => {
    const many = Array.from({ length: 1_201 }, (_, i) =>
      wanted(`10.0.${i >> 8}.${i & 255}`, { from: 1_000 + (i % 3) }),
    );
    await add(store, many);
    const seen = new Set<string>();
    let behind: { from: number; address: string; jail: string } | undefined;
    for (let page = 0; page < 5; page++) {
      const bans = await listBans(store, { now: 0, limit: 9_999, ...(behind && { behind }) });
      for (const ban of bans) seen.add(printNetwork(ban.address));
      const last = bans.at(-1);
      if (last === undefined) break;
      assert.ok(bans.length <= 500);
      behind = { from: last.from, address: printNetwork(last.address), jail: last.jail };
    }
    assert.equal(seen.size, 1_201);
  });

  withStore("listeners hear of bans and of trust, and what became trusted is banned no more", async (store) => {
    const told: string[] = [];
    store.changes.onChange((fact) => void told.push(fact));
    await banNow(store, [wanted("192.0.2.7"), wanted("192.0.2.0/24"), wanted("192.0.3.1")], nobody, author);
    const trust = { origin: "added", node: "", until: 9_000, note: "the office" } as const;
    await saveTrusts(
      store,
      [
        { ...trust, value: "192.0.2.7" },
        { ...trust, value: "mail.example.com" },
      ],
      author,
    );
    assert.deepEqual(await standing(store), ["192.0.3.1 sasl 5000"]);
    assert.deepEqual(told, ["bans", "trusts", "bans"]);
    const [first] = await readTrusts(store, 8_999);
    assert.deepEqual(first, { ...trust, value: "192.0.2.7", changedAt: 2_000, changedBy: "cli:olena" });
    assert.deepEqual(await readTrusts(store, 9_000), []);
    assert.equal(await removeTrust(store, "192.0.2.7", author), true);
    assert.equal(await removeTrust(store, "192.0.2.7", author), false);
    await pruneTrusts(store, 9_000);
  });
}
