// The machine's clock jumps: no counter becomes negative, nothing is freed at once for everybody, and no charge stays for
// ever. Time is the injected clock's; a running daemon reads a steady one, so a jump is one over a restart.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { ManualClock } from "../../src/core/clock.ts";
import { algorithms } from "../../src/core/rules.ts";
import { openStore } from "../../src/store/open.ts";
import { type PolicyHouse, startHouse } from "../policy-house.ts";

const hourMs = 3_600_000;
const yearMs = 365 * 24 * hourMs;
const start = new ManualClock().now();
const folder = mkdtempSync(join(tmpdir(), "postvarta-clock-"));
after(() => rmSync(folder, { recursive: true }));

const jumps = [
  ["an hour ahead", hourMs],
  ["an hour back", -hourMs],
  ["a year ahead", yearMs],
  ["a year back", -yearMs],
] as const;

const max = 5;
const rulesOf = (algorithm: string) => `
[[policies]]
name = "p"
members = [{}]
[[policies.quotas]]
name = "q"
track = "SASLUsername"
algorithm = "${algorithm}"
limits = [{ count = "recipients", max = ${max}, per = "1d" }]
`;

/** A house that opens its store at a time of its own. */
async function houseAt(name: string, algorithm: string, now: number): Promise<PolicyHouse> {
  return await startHouse({
    rules: rulesOf(algorithm),
    open: (clock) => {
      clock.set(now);
      return openStore(`sqlite:${join(folder, `${name}.db`)}`, { clock });
    },
  });
}

/** One message; true when it was accepted. */
async function send(house: PolicyHouse, instance: string, account = "ann"): Promise<boolean> {
  using client = await house.connect();
  const common = { instance, sasl_username: account };
  if ((await client.ask(common)) !== "DUNNO") return false;
  const end = { protocol_state: "END-OF-MESSAGE", queue_id: `Q${instance}`, recipient_count: 1, recipient: "" };
  return (await client.ask({ ...common, ...end })) === "DUNNO";
}

async function fill(house: PolicyHouse, prefix: string): Promise<number> {
  let accepted = 0;
  while (accepted <= max + 2 && (await send(house, `${prefix}${accepted}`))) accepted++;
  return accepted;
}

const used = (house: PolicyHouse) => house.used("p", "q", "recipients", "SASLUsername:ann");

describe("the clock jumps over a restart", () => {
  for (const algorithm of algorithms) {
    for (const [what, jumpMs] of jumps) {
      test(`${algorithm}, ${what} and back`, async () => {
        const name = `${algorithm}${jumpMs}`;
        let full: number;
        {
          await using house = await houseAt(name, algorithm, start);
          full = await fill(house, "a");
          assert.ok(full >= max && full <= max + 1, `${full} accepted`);
        }
        {
          await using house = await houseAt(name, algorithm, start + jumpMs);
          // Ahead, the window has passed as far as anyone can tell; back, it has not.
          if (jumpMs < 0) assert.equal(await send(house, "b"), false, "a jump back frees nothing");
          else assert.ok((await used(house)) <= full);
          if (jumpMs === yearMs) assert.equal(await used(house), 0);
          assert.ok((await used(house)) >= 0);
        }
        await using house = await houseAt(name, algorithm, start);
        const back = await used(house);
        assert.ok(back >= 0 && back <= max + 1, `${back} used once the clock is right`);
        assert.ok((await fill(house, "c")) <= full, "never more than one window's worth");
        house.clock.advance(2 * 24 * hourMs);
        assert.equal(await used(house), 0, "no charge stays for ever");
        assert.ok((await fill(house, "d")) >= max);
      });
    }
  }
});

describe("a clock that was ahead is set right for good", () => {
  for (const algorithm of algorithms) {
    test(`${algorithm}: what was charged in the future is over a period later, not in a year`, async () => {
      const name = `${algorithm}-right`;
      {
        await using house = await houseAt(name, algorithm, start + yearMs);
        await fill(house, "a");
      }
      await using house = await houseAt(name, algorithm, start);
      assert.equal(await send(house, "b"), false);
      house.clock.advance(24 * hourMs - 1_000);
      await send(house, "c");
      house.clock.advance(25 * hourMs);
      assert.equal(await send(house, "d"), true);
      house.clock.advance(2 * 24 * hourMs);
      assert.equal(await used(house), 0);
    });
  }
});

describe("the clock jumps while it runs, as only a broken one can", () => {
  for (const algorithm of algorithms) {
    test(`${algorithm}: an hour back and ahead again, the limit holds and nothing is negative`, async () => {
      await using house = await startHouse({ rules: rulesOf(algorithm) });
      const full = await fill(house, "a");
      house.clock.advance(-hourMs);
      assert.ok((await used(house)) >= 0);
      assert.equal(await send(house, "b"), false);
      house.clock.advance(hourMs);
      const there = await used(house);
      assert.ok(there >= 0 && there <= full);
      // What drains drained for an hour of its day, which is a fifth of one recipient.
      assert.ok(there > full - 1);
      if (algorithm !== "compat-decay") assert.equal(await send(house, "c"), false);
    });
  }
});
