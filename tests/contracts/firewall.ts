// What every firewall that holds blocks must do. A firewall's test gives a way to make one over an empty place, and over the same place again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Block, blockKey, type Firewall, type FirewallChange } from "../../src/core/firewall.ts";
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
  /** Blocks that it takes in a test's time; undefined: thousands. */
  readonly batchMax?: number;
  /** A connection of somebody to a port that is listened on; `isOpen` looks from our side. Undefined where nothing is cut. */
  readonly connect?: (place: string) => Promise<{ readonly from: string; isOpen(): boolean }>;
  readonly skip?: false | string;
}

const now = 1_700_000_000_000;
const hour = 3_600_000;

export function block(address: string, ports?: string, until: number | null = now + hour): Block {
  const network = parseNetwork(address);
  assert.ok(network, address);
  return { address: network, until: until ?? undefined, ports: ports === undefined ? undefined : parsePorts(ports) };
}

const change = (
  adds: readonly Block[],
  deletes: readonly Block[] = [],
  renewals: readonly Block[] = [],
): FirewallChange => ({ adds, deletes, renewals });

/** The blocks as the firewall tells them apart. */
function fit({ grain }: Firewall, blocks: readonly Block[]): readonly Block[] {
  const fitted = blocks.map((one): Block => {
    if (grain === "ports") return one;
    return grain === "jail" ? { ...one, jail: "sasl" } : { ...one, ports: undefined };
  });
  return [...new Map(fitted.map((one) => [blockKey(one), one])).values()];
}

/** The change as the firewall tells blocks apart; what is refused fails the test. */
async function hand(firewall: Firewall, { adds, deletes, renewals }: FirewallChange): Promise<void> {
  const [a = [], d = [], r = []] = [adds, deletes, renewals].map((list) => fit(firewall, list));
  assert.deepEqual(await firewall.apply({ adds: a, deletes: d, renewals: r }, now), []);
}

const keys = async (firewall: Firewall) => ((await firewall.readBack(now)) ?? []).map(blockKey).sort();
const keysOf = (firewall: Firewall, ...blocks: readonly Block[]) => fit(firewall, blocks).map(blockKey).sort();

/** Networks in each other, both families, a mapped address, ports and none. */
const various = [
  ...[block("198.18.2.7"), block("198.18.2.0/24"), block("198.18.0.0/16"), block("198.51.100.9", undefined, null)],
  ...[block("2001:db8::1"), block("2001:db8::/64"), block("2001:db8::/32", "25"), block("198.18.2.7", "25,1000-2000")],
  ...[block("::ffff:203.0.113.77"), block("198.18.4.0/22", "25")],
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
    await hand(firewall, change(various));
    assert.deepEqual(await keys(firewall), keysOf(firewall, ...various));
    assert.ok((await keys(firewall)).some((key) => key.startsWith("203.0.113.77")));
    for (const gone of fit(firewall, various)) {
      await hand(firewall, change([], [gone]));
      const left = await keys(firewall);
      assert.equal(left.includes(blockKey(gone)), false, blockKey(gone));
    }
    assert.deepEqual(await keys(firewall), []);
  });

  withFirewall(
    "takes twice what stands, and away what does not, without harm to the rest of the batch",
    async (firewall) => {
      await hand(firewall, change([block("198.18.2.1")]));
      await hand(
        firewall,
        change([block("198.18.2.1"), block("198.18.2.2")], [block("198.18.2.3"), block("10.0.0.0/9")]),
      );
      assert.deepEqual(await keys(firewall), keysOf(firewall, block("198.18.2.1"), block("198.18.2.2")));
    },
  );

  withFirewall("gives a block that stands another end", async (firewall) => {
    await hand(firewall, change([block("198.18.2.1"), block("198.18.2.2")]));
    await hand(
      firewall,
      change([], [], [block("198.18.2.1", undefined, now + 10 * hour), block("198.18.2.2", undefined, null)]),
    );
    const blocks = (await firewall.readBack(now)) ?? [];
    assert.equal(blocks.length, 2);
    if (!firewall.forgets) return;
    const ends = new Map(blocks.map((one) => [blockKey(one), one.until]));
    assert.ok(Math.abs((ends.get("198.18.2.1") ?? 0) - (now + 10 * hour)) < 60_000);
    assert.equal(ends.get("198.18.2.2"), undefined);
  });

  withFirewall("opened again it finds what stands; flushed it holds nothing and can go on", async (firewall, place) => {
    await hand(firewall, change(various));
    await firewall.open();
    assert.deepEqual(await keys(firewall), keysOf(firewall, ...various));
    await firewall[Symbol.asyncDispose]();
    const { firewall: second } = await kind.create(place);
    await using again = second;
    await again.open();
    if (kind.keeps) assert.deepEqual(await keys(again), keysOf(firewall, ...various));
    await again.flush();
    await again.flush();
    assert.deepEqual(await keys(again), []);
    await again.open();
    await hand(again, change([block("198.18.2.7")]));
    assert.deepEqual(await keys(again), keysOf(firewall, block("198.18.2.7")));
    await again.flush();
  });

  if (kind.batchMax === undefined)
    withFirewall("a batch of thousands stands whole", async (firewall) => {
      const many = Array.from({ length: 3_000 }, (_, i) => block(`10.1.${i >> 8}.${i & 255}`));
      await hand(firewall, change(many));
      assert.equal((await keys(firewall)).length, 3_000);
      await hand(firewall, change([], many.slice(1)));
      assert.deepEqual(await keys(firewall), keysOf(firewall, many[0] as Block));
    });

  if (kind.connect !== undefined) {
    const { connect } = kind;
    withFirewall("ends the connections of a block, and looks whether they ended", async (firewall, place) => {
      const { from, isOpen } = await connect(place);
      assert.equal(isOpen(), true);
      const blocks = fit(firewall, [block(from)]);
      await firewall.apply(change(blocks), now);
      assert.deepEqual(await firewall.cut(fit(firewall, [block("203.0.113.250")])), { cut: 0, left: 0 });
      const { cut, left } = await firewall.cut(blocks);
      assert.ok(cut >= 1, `${cut} cut`);
      assert.equal(left, 0);
      assert.equal(isOpen(), false);
    });
  }

  if (kind.wipe === undefined) return;
  const { wipe } = kind;
  withFirewall(
    "what a stranger took away is told or read, and stands again when it is applied again",
    async (firewall, place) => {
      await hand(firewall, change(various));
      await wipe(place);
      assert.deepEqual(await keys(firewall), []);
      await hand(firewall, change(various));
      assert.deepEqual(await keys(firewall), keysOf(firewall, ...various));
    },
  );
}
