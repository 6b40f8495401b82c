import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { silentLog } from "../core/log.ts";
import { findDecisions } from "../store/decisions.ts";
import { openStore } from "../store/open.ts";
import { checks } from "./checks/index.ts";
import { compileRules } from "./compiled-rules.ts";
import { PolicyEngine } from "./engine.ts";
import { parseRequestText } from "./protocol.ts";
import { Raises } from "./raises.ts";
import { parseRules } from "./rules-file.ts";

const file =
  '[[policies]]\nname = "p"\nmembers = [{ source = "any" }]\n[[policies.access]]\nverdict = "reject"\ntext = "no"\n';

test("nodes that share a store write records under ids of their own, all within one second", async () => {
  const clock = new ManualClock();
  await using store = await openStore("scratch:", { clock });
  const options = { internal: "", timeZone: "UTC", canonical: (login: string) => login };
  const rules = compileRules(parseRules(file, "rules.toml").rules, { ...options, mode: "enforce", onError: "pass" });
  const parts = { cells: store.cells, clock, log: silentLog, checks, raises: new Raises(), rules };
  for (const node of ["mx1", "mx2", "mx3"]) {
    const engine = new PolicyEngine({ ...parts, node });
    for (let i = 0; i < 100; i++) {
      const request = parseRequestText(`protocol_state=RCPT\nsender=s${i}@example.org\nrecipient=r@example.net\n`);
      await engine.decide(request, { current: undefined });
    }
  }
  const rows = await findDecisions(store, { limit: 500 });
  assert.equal(rows.length, 300);
  const nodes = Map.groupBy(rows, ({ trail }) => (JSON.parse(trail) as { node: string }).node);
  assert.deepEqual([...nodes.keys()].sort(), ["mx1", "mx2", "mx3"]);
  const marks = [...nodes.values()].map((own) => new Set(own.map(({ id }) => id.slice(6, 9))).size);
  assert.deepEqual(marks, [1, 1, 1]);
});
