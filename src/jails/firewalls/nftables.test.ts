import assert from "node:assert/strict";
import { test } from "node:test";
import { testEnforced } from "../../../tests/contracts/enforced.ts";
import { type FirewallUnderTest, testFirewall } from "../../../tests/contracts/firewall.ts";
import { firewallRigs } from "../../../tests/firewall-rigs.ts";
import { needs } from "../../../tests/needs.ts";
import { openSession } from "../../../tests/net-session.ts";
import { NftablesFirewall } from "./nftables.ts";

const skip = needs("root", "netns", "nft");
const { create, rigOf, run } = firewallRigs((tools) => new NftablesFirewall(tools));

const kind: FirewallUnderTest = {
  name: "nftables",
  create: async (place) => create(place),
  wipe: async (place) => void run(place, "nft", "flush", "ruleset"),
  keeps: true,
  connect: async (place) => openSession(rigOf(place)),
  skip,
};
testFirewall(kind);
testEnforced(kind);

const emptied: readonly (readonly string[])[] = [
  ["flush", "ruleset"],
  ["delete", "table", "inet", "postvarta"],
  ["flush", "chain", "inet", "postvarta", "banned"],
  ["flush", "set", "inet", "postvarta", "b4_32"],
];

test("nftables: each way to empty the table is told, and mended by what is read back", { skip }, async () => {
  const { firewall, place } = create();
  await using opened = firewall;
  await opened.open();
  const ban = {
    address: { ip: { family: 4, words: [0xc0000207, 0, 0, 0] }, length: 32 },
    until: undefined,
    ports: undefined,
  } as const;
  let told = Promise.withResolvers<void>();
  opened.onForeignChange(() => told.resolve());
  for (const way of emptied) {
    await opened.apply({ adds: [ban], renewals: [], deletes: [] }, 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    told = Promise.withResolvers();
    run(place, "nft", ...way);
    await told.promise;
    assert.deepEqual(await opened.readBack(0), [], way.join(" "));
  }
  // What is our own to take away is nobody's news.
  await opened.apply({ adds: [ban], renewals: [], deletes: [] }, 0);
  let heard = 0;
  opened.onForeignChange(() => heard++);
  await opened.apply({ adds: [], renewals: [ban], deletes: [] }, 0);
  await opened.apply({ adds: [], renewals: [], deletes: [ban] }, 0);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(heard, 0);
});
