// From a written line to the kernel: four wrong passwords of a new address are appended to a log that the daemon follows, and the clock
// stops when the kernel tells that its set has the address. `node bench/line-to-kernel.ts [COUNT] [STANDING]`, as root, in a network
// namespace of its own. STANDING addresses are banned before.

import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { JailDaemon, ownNetwork, refused } from "../tests/e2e/jail-daemon.ts";
import { until } from "../tests/until.ts";

const count = Number(process.argv[2] ?? 200);
const standing = Number(process.argv[3] ?? 0);
const settings = 'mode = "enforce"\nfirewall = "nftables"\n[postfix]\nconfig_directories = []\n';
const pauseMs = 25;
const lateMs = 10_000;

/** Addresses as the kernel tells them. */
class KernelEar implements Disposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<string, () => void>();
  readonly ready: Promise<unknown>;

  constructor(pid: number) {
    this.#child = spawn("nsenter", ["--net", "--target", String(pid), "nft", "monitor", "new", "elements"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.ready = setTimeout(1_000);
    let rest = "";
    this.#child.stdout?.setEncoding("utf8").on("data", (piece: string) => {
      const lines = (rest + piece).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#waiting.get(/\{ ([\d.]+)/.exec(line)?.[1] ?? "")?.();
    });
  }

  /** ms until `address` is there, from now. */
  async hear(address: string): Promise<number> {
    const from = performance.now();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(address, resolve);
    const late = setTimeout(lateMs, "late", { ref: false });
    if ((await Promise.race([promise, late])) === "late") throw new Error(`${address} does not come`);
    return performance.now() - from;
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}

/** Far from each other, or their networks would be banned. */
function address(n: number): string {
  const word = Math.imul(n + 1, 0x9e3779b1) >>> 0;
  return `11.${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}`;
}

const failures = (ip: string) => Array.from({ length: 4 }, () => refused(ip, "somebody@example.org"));

await using house = await JailDaemon.start({ jails: settings, wrap: ownNetwork });
for (let n = 0; n < standing; n += 1_000) {
  house.write(
    ...Array.from({ length: Math.min(1_000, standing - n) }, (_, i) => failures(address(1_000_000 + n + i))).flat(),
  );
}
const rows = () => (house.query("select count(*) as n from bans")[0] as { n: number }).n;
await until("the first bans stand", () => rows() === standing, 300_000);
using ear = new KernelEar(house.daemon.pid);
await ear.ready;
const times: number[] = [];
for (let n = 0; n < count; n++) {
  const heard = ear.hear(address(n));
  house.write(...failures(address(n)));
  times.push(await heard);
  await setTimeout(pauseMs + (n % 7) * 3);
}
times.sort((a, b) => a - b);
const at = (share: number) => times[Math.min(count - 1, Math.floor(count * share))]?.toFixed(1);
console.log(
  `${count} bans beside ${standing}: written line to kernel p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, most ${at(1)} ms`,
);
