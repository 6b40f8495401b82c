import { ok, strictEqual } from "node:assert/strict";
import { test } from "node:test";
import { Recent } from "./recent.ts";

test("what is asked for again stays through a flood, what is not is forgotten", () => {
  const recent = new Recent<string, number>(100);
  recent.set("kept", 1);
  recent.set("left", 2);
  let known = 0;
  for (let n = 0; n < 1_000; n++) {
    recent.set(`flood ${n}`, n);
    if (n % 50 === 0) strictEqual(recent.get("kept"), 1);
  }
  for (let n = 0; n < 1_000; n++) if (recent.get(`flood ${n}`) === n) known++;
  strictEqual(recent.get("left"), undefined);
  ok(known >= 100 - 1 && known <= 200, `${known} are known`);
  recent.clear();
  strictEqual(recent.get("kept"), undefined);
});
