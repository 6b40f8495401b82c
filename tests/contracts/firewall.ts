// What every firewall that holds blocks must do. A firewall's test gives a way to make one over an empty place, and over the same place again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Block, blockKey, type Firewall } from "../../src/core/firewall.ts";
import { parseNetwork } from "../../src/core/ip.ts";
import { parsePorts } from "../../src/core/port-list.ts";

export interface FirewallUnderTest {
  readonly name: string;
  /** Undefined makes a place that nobody used. */
  create(place?: string): Promise<{ readonly firewall: Firewall; readonly place: string }>;
  /** Takes away everything behind the firewall's back; undefined where nobody can. */
  readonly wipe?: (place: string) => Promise<void>;
  /** false: blocks are gone when the firewall is closed. */
  readonly keeps: boolean;
  readonly skip?: false | string;
}

const now = 1_700_000_000_000;
const hour = 3_600_000;

export function block(address: string, ports?: string, until: number | null = now + hour): Block {
  const network = parseNetwork(address);
  assert.ok(network, address);
  return { address: network, until: until ?? undefined, ports: ports === undefined ? undefined : parsePorts(ports) };
}

const change = (adds: readonly Block[], deletes: readonly Block[] = [], renewals: readonly Block[] = []) => ({
  ...{ adds, deletes, renewals },
});

const keys = async (firewall: Firewall) => ((await firewall.readBack(now)) ?? []).map(blockKey).sort();

/** Networks in each other, both families, ports and none. */
const various = [
  ...[block("198.18.2.7"), block("198.18.2.0/24"), block("198.18.0.0/16"), block("198.51.100.9", undefined, null)],
  ...[block("2001:db8::1"), block("2001:db8::/64"), block("2001:db8::/32", "25"), block("198.18.2.7", "25,1000-2000")],
];

export function testFirewall(kind: FirewallUnderTest): void {
  const withFirewall = (sentence: string, body: (firewall: Firewall, place: string) => Promise<void>) =>
    test(`${kind.name}: ${sentence}`, { skip: kind.skip ?? false }, async () => {
      const { firewall, place } = await kind.create();
      await using opened = firewall;
      await opened.open();
      await body(opened, place);
    });

  withFirewall("holds what it was told, networks inside networks too, and lets each go alone", async (firewall) => {
    await firewall.apply(change(various), now);
    assert.deepEqual(await keys(firewall), various.map(blockKey).sort());
    for (const gone of various) {
      await firewall.apply(change([], [gone]), now);
      const left = await keys(firewall);
      assert.equal(left.includes(blockKey(gone)), false, blockKey(gone));
    }
    assert.deepEqual(await keys(firewall), []);
  });

  withFirewall(
    "takes twice what stands, and away what does not, without harm to the rest of the batch",
    async (firewall) => {
      await firewall.apply(change([block("198.18.2.1")]), now);
      await firewall.apply(
        change([block("198.18.2.1"), block("198.18.2.2")], [block("198.18.2.3"), block("10.0.0.0/9")]),
        now,
      );
      assert.deepEqual(await keys(firewall), ["198.18.2.1", "198.18.2.2"]);
    },
  );

  withFirewall("gives a block that stands another end", async (firewall) => {
    await firewall.apply(change([block("198.18.2.1"), block("198.18.2.2")]), now);
    await firewall.apply(
      change([], [], [block("198.18.2.1", undefined, now + 10 * hour), block("198.18.2.2", undefined, null)]),
      now,
    );
    const blocks = (await firewall.readBack(now)) ?? [];
    assert.equal(blocks.length, 2);
    if (!firewall.forgets) return;
    const ends = new Map(blocks.map((one) => [blockKey(one), one.until]));
    assert.ok(Math.abs((ends.get("198.18.2.1") ?? 0) - (now + 10 * hour)) < 60_000);
    assert.equal(ends.get("198.18.2.2"), undefined);
  });

  withFirewall("opened again it finds what stands; flushed it holds nothing and can go on", async (firewall, place) => {
    await firewall.apply(change(various), now);
    await firewall.open();
    assert.equal((await keys(firewall)).length, various.length);
    await firewall[Symbol.asyncDispose]();
    const { firewall: second } = await kind.create(place);
    await using again = second;
    await again.open();
    if (kind.keeps) assert.deepEqual(await keys(again), various.map(blockKey).sort());
    await again.flush();
    await again.flush();
    assert.deepEqual(await keys(again), []);
    await again.open();
    await again.apply(change([block("198.18.2.7")]), now);
    assert.deepEqual(await keys(again), ["198.18.2.7"]);
    await again.flush();
  });

  withFirewall("a batch of thousands stands whole", async (firewall) => {
    const many = Array.from({ length: 3_000 }, (_, i) => block(`10.1.${i >> 8}.${i & 255}`));
    await firewall.apply(change(many), now);
    assert.equal((await keys(firewall)).length, 3_000);
    await firewall.apply(change([], many.slice(1)), now);
    assert.deepEqual(await keys(firewall), [blockKey(many[0] as Block)]);
  });

  if (kind.wipe === undefined) return;
  const { wipe } = kind;
  withFirewall(
    "what a stranger took away is told or read, and stands again when it is applied again",
    async (firewall, place) => {
      await firewall.apply(change(various), now);
      await wipe(place);
      assert.deepEqual(await keys(firewall), []);
      await firewall.apply(change(various), now);
      assert.deepEqual(await keys(firewall), various.map(blockKey).sort());
    },
  );
}
