import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { test } from "node:test";
import { nextBanSeconds, readBanGrowth } from "./ban-growth.ts";

function read(options: Readonly<Record<string, string>>) {
  const growth = readBanGrowth({
    find: (option) => options[option.replace("bantime.", "")],
    where: (option) => option,
  });
  if (growth === undefined) throw new Error("bans do not grow");
  return growth;
}

const cases: readonly (readonly [string, Readonly<Record<string, string>>, readonly number[]])[] = [
  ["doubles each time by itself", {}, [600, 1200, 2400, 4800]],
  ["stops doubling at the twentieth", { maxtime: "" }, [600, 1200, 2400]],
  ["takes a factor", { factor: "3" }, [600, 3600, 7200]],
  ["never grows beyond maxtime", { maxtime: "30m" }, [600, 1200, 1800, 1800]],
  ["takes multipliers, the last for ever", { multipliers: "1 5 30" }, [600, 3000, 18_000, 18_000]],
  ["takes a formula", { formula: "ban.Time * (ban.Count + 1)" }, [600, 1200, 1800]],
  ["never shrinks below the time itself", { formula: "ban.Time / 10" }, [600, 600, 600]],
  [
    "takes powers of e",
    { formula: "ban.Time * math.exp(float(ban.Count+1)*banFactor)/math.exp(1*banFactor)" },
    [600, 1631],
  ],
];

for (const [name, options, expected] of cases) {
  test(`the time of a ban ${name}`, () => {
    const growth = read({ increment: "true", ...options });
    const times = expected.map((_, count) => Math.round(nextBanSeconds(growth, 600, count, 0.5)));
    deepStrictEqual(times, expected);
  });
}

test("a part by chance is added after the limit", () => {
  const growth = read({ increment: "yes", maxtime: "15m", rndtime: "2m" });
  strictEqual(nextBanSeconds(growth, 600, 3, 0.5), 960);
  strictEqual(nextBanSeconds(growth, 600, 0, 0.5), 600);
});

test("a ban for ever stays so", () => strictEqual(nextBanSeconds(read({ increment: "1" }), -1, 3, 0.5), -1));

test("without increment bans do not grow", () => {
  strictEqual(readBanGrowth({ find: () => undefined, where: (option) => option }), undefined);
});
