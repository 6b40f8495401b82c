import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ban, BanLookup } from "../../core/ban.ts";
import { ManualClock } from "../../core/clock.ts";
import { contains, parseNetwork } from "../../core/ip.ts";
import { silentLog } from "../../core/log.ts";
import { findDecisions } from "../../store/decisions.ts";
import { openStore } from "../../store/open.ts";
import { compileRules } from "../compiled-rules.ts";
import { PolicyEngine } from "../engine.ts";
import { parseRequestText } from "../protocol.ts";
import { Raises } from "../raises.ts";
import { checks } from "./index.ts";

const address = parseNetwork("192.0.2.0/24");
assert.ok(address);
const ban: Pick<Ban, "address" | "jail" | "until" | "reason" | "enforce"> = {
  ...{ address, jail: "sasl", until: undefined, reason: "4 wrong passwords", enforce: true },
};

async function ask(client: string, find: BanLookup["find"], observes = false) {
  const clock = new ManualClock();
  await using store = await openStore("scratch:", { clock });
  const engine = new PolicyEngine({
    ...{ cells: store.cells, clock, log: silentLog, checks, raises: new Raises() },
    rules: compileRules({ groups: [], policies: [] }, options),
    bans: { find, observes, text: "{address} is banned ({jail})" },
  });
  const request = parseRequestText(`protocol_state=RCPT\nclient_address=${client}\nrecipient=a@b.example\n`);
  const verdict = await engine.decide(request, { current: undefined });
  return { verdict, rows: await findDecisions(store, { limit: 10 }) };
}

const options: Parameters<typeof compileRules>[1] = {
  ...{ mode: "enforce", onError: "pass", timeZone: "UTC", internal: "" },
  canonical: (login: string) => login,
};

const finds: BanLookup["find"] = (ip) => (contains(ban.address, ip) ? ban : undefined);

test("a banned address is refused with the text, and the refusal is recorded with the jail", async () => {
  const { verdict, rows } = await ask("192.0.2.7", finds);
  assert.deepEqual(verdict, { kind: "reject", text: "192.0.2.0/24 is banned (sasl)" });
  assert.deepEqual(
    rows.map((row) => [row.rule, row.verdict, row.client]),
    [["bans/sasl", "reject", "192.0.2.7"]],
  );
});

test("others pass, and so does a banned one where bans or the whole policy service only observe", async () => {
  assert.equal((await ask("203.0.113.7", finds)).verdict.kind, "dunno");
  assert.equal((await ask("unknown", finds)).verdict.kind, "dunno");
  const observed = await ask("192.0.2.7", () => ({ ...ban, enforce: false }));
  assert.equal(observed.verdict.kind, "dunno");
  assert.deepEqual(
    observed.rows.map((row) => row.verdict),
    ["would reject"],
  );
  assert.equal((await ask("192.0.2.7", finds, true)).verdict.kind, "dunno");
});
