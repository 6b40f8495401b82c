import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseOffset, Zone } from "./zone.ts";

function zone(name: string): Zone {
  const found = Zone.parse(name);
  assert.ok(found !== undefined, name);
  return found;
}

for (const [text, hours] of [
  ["Z", 0],
  ["UTC", 0],
  ["+02:00", 2],
  ["-0930", -9.5],
  ["+14", 14],
  ["+9999", undefined],
  ["+1401", undefined],
  ["+02:60", undefined],
  ["2", undefined],
  ["CET", undefined],
] as const) {
  test(`the offset ${text} is ${hours === undefined ? "none" : `${hours} hours`}`, () => {
    assert.equal(parseOffset(text), hours === undefined ? undefined : hours * 3_600_000);
  });
}

test("a name that is no zone is none", () => {
  for (const name of ["", "Europe/Nowhere", "../etc", "__proto__"]) assert.equal(Zone.parse(name), undefined, name);
});

test("any moment, written as local time and read in order, is that moment", () => {
  const zones = ["Europe/Kyiv", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC", "+05:45"].map(zone);
  // From 2000 to 2035, in whole seconds.
  const moments = fc.integer({ min: 946_684_800, max: 2_051_222_400 });
  fc.assert(
    fc.property(moments, fc.constantFrom(...zones), (seconds, one) => {
      const utc = seconds * 1000;
      // What came just before tells the second pass of a doubled hour from the first; the smallest shift is half an hour.
      const before = utc - 1_500_000;
      const last = one.toUtc(before + one.offsetAt(before), before);
      assert.equal(one.toUtc(utc + one.offsetAt(utc), last), utc);
    }),
  );
});

test("the machine's zone has the offsets of its name", () => {
  const { TZ } = process.env;
  try {
    for (const name of ["Europe/Kyiv", "America/New_York", ":Asia/Kolkata", "UTC", "+02:00", "EST5EDT"]) {
      process.env["TZ"] = name;
      const machine = Zone.ofMachine();
      const named = zone(name.replace(":A", "A"));
      for (let day = 0; day < 366; day++) {
        const utc = Date.UTC(2026, 0, 1, 1, 30) + day * 86_400_000;
        assert.equal(machine.offsetAt(utc), named.offsetAt(utc), `${name} ${new Date(utc).toISOString()}`);
      }
    }
  } finally {
    if (TZ === undefined) delete process.env["TZ"];
    else process.env["TZ"] = TZ;
  }
});

test("a day whose offset changes has none of its own", () => {
  const kyiv = zone("Europe/Kyiv");
  assert.equal(kyiv.offsetOfDay(Date.UTC(2026, 10, 24)), 2 * 3_600_000);
  assert.equal(kyiv.offsetOfDay(Date.UTC(2026, 9, 25)), undefined);
  assert.equal(kyiv.offsetOfDay(Date.UTC(2026, 2, 29)), undefined);
});
