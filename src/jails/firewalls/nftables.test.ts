import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, test } from "node:test";
import { testEnforced } from "../../../tests/contracts/enforced.ts";
import { type FirewallUnderTest, testFirewall } from "../../../tests/contracts/firewall.ts";
import { needs } from "../../../tests/needs.ts";
import { NetRig } from "../../../tests/net-rig.ts";
import { openSession } from "../../../tests/net-session.ts";
import { NftablesFirewall } from "./nftables.ts";
import { Tools } from "./tools.ts";

const skip = needs("root", "netns", "nft");
const rigs = new Map<string, NetRig>();
after(() => {
  for (const rig of rigs.values()) rig[Symbol.dispose]();
});

function rigOf(place: string): NetRig {
  const rig = rigs.get(place);
  assert.ok(rig);
  return rig;
}

function create(place?: string) {
  const rig = (place === undefined ? undefined : rigs.get(place)) ?? new NetRig();
  rigs.set(rig.host, rig);
  return { firewall: new NftablesFirewall(new Tools({ prefix: rig.prefix })), place: rig.host, rig };
}

const nft = (place: string, ...args: readonly string[]) =>
  execFileSync("ip", ["netns", "exec", place, "nft", ...args], { encoding: "utf8" });

const kind: FirewallUnderTest = {
  name: "nftables",
  create: async (place) => create(place),
  wipe: async (place) => void nft(place, "flush", "ruleset"),
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
    nft(place, ...way);
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
