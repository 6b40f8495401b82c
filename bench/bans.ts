// A hundred thousand bans: from the rows into the kernel, read back, and one more among them. `node bench/bans.ts [COUNT]`, as root.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WantedBan } from "../src/core/ban.ts";
import { steadyClock } from "../src/core/clock.ts";
import { silentLog } from "../src/core/log.ts";
import { Enforcer } from "../src/jails/enforce.ts";
import { NftablesFirewall } from "../src/jails/firewalls/nftables.ts";
import { Tools } from "../src/jails/firewalls/tools.ts";
import { banNow } from "../src/store/bans.ts";
import { openStore } from "../src/store/open.ts";
import { NetRig } from "../tests/net-rig.ts";

const count = Number(process.argv[2] ?? 100_000);
const singles = 50;
const folder = mkdtempSync(join(tmpdir(), "postvarta-bench-"));
const clock = steadyClock();

function wanted(n: number): WantedBan {
  const now = clock.now();
  return {
    address: { ip: { family: 4, words: [0x0b000000 + n, 0, 0, 0] }, length: 32 },
    ...{ jail: "bench", from: now, until: now + 3_600_000, reason: "bench", origin: "import" },
    ...{ ports: undefined, enforce: true, node: "bench", evidence: "" },
  };
}

/** Wall seconds, and CPU seconds of this process. */
async function measure(name: string, work: () => Promise<unknown>): Promise<void> {
  const cpu = process.cpuUsage();
  const from = performance.now();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  console.log(
    `${name}: ${((performance.now() - from) / 1_000).toFixed(2)} s, own CPU ${((user + system) / 1e6).toFixed(2)} s`,
  );
}

{
  using rig = new NetRig();
  await using store = await openStore(`sqlite:${join(folder, "bans.db")}`, { clock });
  const author = { by: "bench", now: clock.now() };
  const trust = () => undefined;
  await measure(`${count} bans into rows`, () =>
    banNow(
      store,
      Array.from({ length: count }, (_, n) => wanted(n)),
      trust,
      author,
    ),
  );
  const firewall = new NftablesFirewall(new Tools({ prefix: rig.prefix }));
  await using enforcer = new Enforcer({ store, firewall, trust, clock, log: silentLog, listFile: "" });
  await measure("start: rows into an empty kernel", () => enforcer.start());
  console.log(`verified ${enforcer.state.verified}, error ${enforcer.state.error ?? "none"}`);
  await measure("read back and compare", () => enforcer.readBack(undefined));
  store.changes.onChange((fact) => enforcer.hear(fact));
  const times: number[] = [];
  for (let n = 0; n < singles; n++) {
    const from = performance.now();
    await banNow(store, [wanted(count + n)], trust, author);
    times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  console.log(
    `one ban, row to kernel: p50 ${times[singles >> 1]?.toFixed(1)} ms, p95 ${times[Math.floor(singles * 0.95)]?.toFixed(1)} ms`,
  );
}
rmSync(folder, { recursive: true });
