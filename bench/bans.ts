// A hundred thousand bans: from the rows into the kernel, over a restart while a banned address knocks, read back, and one more among
// them. `node bench/bans.ts [COUNT]`, as root, in network namespaces of its own.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WantedBan } from "../src/core/ban.ts";
import { steadyClock } from "../src/core/clock.ts";
import type { Ip } from "../src/core/ip.ts";
import { silentLog } from "../src/core/log.ts";
import { Enforcer } from "../src/jails/enforce.ts";
import { NftablesFirewall } from "../src/jails/firewalls/nftables.ts";
import { Tools } from "../src/jails/firewalls/tools.ts";
import { banNow } from "../src/store/bans.ts";
import { openStore } from "../src/store/open.ts";
import { hostIp, NetRig, strangerIp } from "../tests/net-rig.ts";

const count = Number(process.argv[2] ?? 100_000);
const singles = 100;
const folder = mkdtempSync(join(tmpdir(), "postvarta-bench-"));
const clock = steadyClock();
const author = { by: "bench", now: clock.now() };
const trust = () => undefined;
const stranger = strangerIp.split(".").reduce((word, part) => word * 256 + Number(part), 0);

function wanted(word: number): WantedBan {
  const now = clock.now();
  const ip: Ip = { family: 4, words: [word, 0, 0, 0] };
  return {
    address: { ip, length: 32 },
    ...{ jail: "bench", from: now, until: now + 3_600_000, reason: "bench", origin: "import" },
    ...{ ports: undefined, enforce: true, node: "bench", evidence: "" },
  };
}

/** Wall seconds, and CPU seconds of this process and of the programs that it ran. */
async function measure(name: string, work: () => Promise<unknown>): Promise<void> {
  const own = process.cpuUsage();
  const programs = programsMs();
  const from = performance.now();
  await work();
  const { user, system } = process.cpuUsage(own);
  const seconds = [performance.now() - from, (user + system) / 1_000, programsMs() - programs];
  const [wall, cpu, others] = seconds.map((ms) => (ms / 1_000).toFixed(2));
  console.log(`${name}: ${wall} s, own CPU ${cpu} s, programs' CPU ${others} s`);
}

/** Of children that have ended (proc(5): cutime and cstime, in hundredths). */
function programsMs(): number {
  const fields = readFileSync("/proc/self/stat", "latin1").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

const echo = `require("node:dgram").createSocket("udp4").on("message", () => process.stdout.write(".")).bind(2525, "${hostIp}")`;
const knock = `const s = require("node:dgram").createSocket("udp4").bind(0, "${strangerIp}", () => setInterval(() => { process.stdout.write("."); s.send("x", 2525, "${hostIp}"); }, 2))`;

/** Packets that were sent, and that came through, since the last look. */
function startProbe(rig: NetRig): () => readonly [sent: number, through: number] {
  const counts: [number, number] = [0, 0];
  for (const [i, where, script] of [
    [1, "host", echo],
    [0, "stranger", knock],
  ] as const)
    rig.start(where, process.execPath, "-e", script).stdout?.on("data", (dots: Buffer) => {
      counts[i] += dots.length;
    });
  return () => counts.splice(0, 2, 0, 0) as unknown as readonly [number, number];
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

{
  using rig = new NetRig();
  await using store = await openStore(`sqlite:${join(folder, "bans.db")}`, { clock });
  const bans = [...Array.from({ length: count - 1 }, (_, n) => wanted(0x0b000000 + n)), wanted(stranger)];
  await measure(`${count} bans into rows`, () => banNow(store, bans, trust, author));
  const probe = startProbe(rig);
  await sleep(2_000);
  const [sentBefore, throughBefore] = probe();
  console.log(`before the ban: ${throughBefore} of ${sentBefore} packets came through`);
  const make = () => {
    const firewall = new NftablesFirewall(new Tools({ prefix: rig.prefix }));
    return new Enforcer({ store, firewall, trust, clock, log: silentLog, listFile: "" });
  };
  const first = make();
  await measure("start: rows into an empty kernel", () => first.start());
  console.log(`verified ${first.state.verified}, error ${first.state.error ?? "none"}`);
  await measure("read back and compare", () => first.readBack(undefined));
  await sleep(500);
  probe();
  await measure("stop", async () => first[Symbol.asyncDispose]());
  await using enforcer = make();
  await measure("start: rows beside a kernel that holds them", () => enforcer.start());
  await sleep(500);
  const [sent, through] = probe();
  console.log(`over the restart: ${through} of ${sent} packets of a banned address came through`);
  store.changes.onChange((fact) => enforcer.hear(fact));
  const times: number[] = [];
  for (let n = 0; n < singles; n++) {
    const from = performance.now();
    await banNow(store, [wanted(0x0b000000 + count + n)], trust, author);
    times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  console.log(
    `one ban, row to kernel: p50 ${times[singles >> 1]?.toFixed(1)} ms, p95 ${times[Math.floor(singles * 0.95)]?.toFixed(1)} ms`,
  );
}
rmSync(folder, { recursive: true });
