import assert from "node:assert/strict";
import { test } from "node:test";
import { testEnforced } from "../../../tests/contracts/enforced.ts";
import { block, type FirewallUnderTest, testFirewall } from "../../../tests/contracts/firewall.ts";
import { firewallRigs } from "../../../tests/firewall-rigs.ts";
import { needs } from "../../../tests/needs.ts";
import { openSession } from "../../../tests/net-session.ts";
import { IpsetFirewall } from "./ipset.ts";

const skip = needs("root", "netns", "ipset");
const { create, rigOf, run } = firewallRigs((tools) => new IpsetFirewall(tools, { glanceMs: 200 }));

const wipe = (place: string) => {
  run(place, "iptables", "-t", "mangle", "-F");
  run(place, "ip6tables", "-t", "mangle", "-F");
  run(place, "ipset", "flush");
};

const kind: FirewallUnderTest = {
  name: "ipset",
  create: async (place) => create(place),
  wipe: async (place) => wipe(place),
  keeps: true,
  connect: async (place) => openSession(rigOf(place)),
  skip,
};
testFirewall(kind);
testEnforced(kind);

const ways: readonly (readonly string[])[] = [
  ["ipset", "flush"],
  ["ipset", "del", "postvarta4", "192.0.2.7"],
  ["iptables", "-t", "mangle", "-F"],
  ["iptables", "-t", "mangle", "-D", "PREROUTING", "-j", "postvarta"],
  ["iptables", "-t", "mangle", "-F", "postvarta"],
  ["ip6tables", "-t", "mangle", "-F"],
];

test("ipset: each way to empty the sets or to take the rules away is noticed, and mended by what is read back", {
  skip,
}, async () => {
  const { firewall, place } = create();
  await using opened = firewall;
  await opened.open();
  const adds = [block("192.0.2.7", undefined, null), block("2001:db8::7", "25", null)];
  let told = Promise.withResolvers<void>();
  opened.onForeignChange(() => told.resolve());
  const sorted = async () => (await opened.readBack(0)).map(({ address }) => address.ip.family).sort();
  for (const way of ways) {
    const standing = await opened.readBack(0);
    await opened.apply({ adds: standing.length === 2 ? [] : adds, renewals: [], deletes: [] }, 0);
    assert.deepEqual(await sorted(), [4, 6], way.join(" "));
    told = Promise.withResolvers();
    run(place, ...way);
    await told.promise;
    assert.notDeepEqual(await sorted(), [4, 6], way.join(" "));
  }
});

test("ipset: a rule that somebody changed, or a second start, leaves one chain, one jump and no rule twice", {
  skip,
}, async () => {
  const { firewall, place } = create();
  await using opened = firewall;
  const many = Array.from({ length: 12 }, (_, i) => `${1000 + 10 * i}-${1005 + 10 * i}`).join(",");
  for (let start = 0; start < 3; start++) {
    await opened.open();
    await opened.apply(
      { adds: [block("192.0.2.7"), block("192.0.2.8", "25"), block("192.0.2.9", many)], renewals: [], deletes: [] },
      0,
    );
  }
  const rules = run(place, "iptables", "-t", "mangle", "-S").trim().split("\n");
  assert.equal(rules.filter((rule) => rule.startsWith("-A PREROUTING")).length, 1);
  // The twelve ranges are 24 ports of multiport, which takes 15 in a rule.
  assert.equal(rules.filter((rule) => rule.startsWith("-A postvarta")).length, 5);
  assert.equal(new Set(rules).size, rules.length);
  assert.deepEqual((await opened.readBack(0)).length, 3);
  await opened.flush();
  assert.doesNotMatch(run(place, "iptables", "-t", "mangle", "-S"), /postvarta/);
  assert.equal(run(place, "ipset", "list", "-name"), "");
});
