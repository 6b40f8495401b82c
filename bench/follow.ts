// What following a log costs: lines a second from file to store, from a written line to its consumer, and CPU at rest.
// `node bench/follow.ts [LINES]`

import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { steadyClock } from "../src/core/clock.ts";
import { silentLog } from "../src/core/log.ts";
import { type Consumer, Follow } from "../src/logs/follow.ts";
import { LogsThread } from "../src/logs/logs-thread.ts";
import { fileSource } from "../src/logs/sources/file.ts";
import { openStore } from "../src/store/open.ts";

const lines = Number(process.argv[2] ?? 1_000_000);
const latencyLines = 2_000;
const restMs = 10_000;

const directory = mkdtempSync(join(tmpdir(), "postvarta-follow-bench-"));
const clock = steadyClock();

const kinds = [
  (n: number) => `mx1 postfix/smtpd[${n % 9999}]: connect from unknown[192.0.2.${n % 250}]`,
  (n: number) => `mx1 postfix/smtpd[${n % 9999}]: disconnect from unknown[192.0.2.${n % 250}] ehlo=1 quit=1 commands=2`,
  (n: number) => `mx1 postfix/qmgr[77]: 4ABCD${n}: from=<a@example.org>, size=4321, nrcpt=1 (queue active)`,
  (n: number) =>
    `mx1 postfix/smtp[78]: 4ABCD${n}: to=<b@example.net>, relay=mx.example.net[198.51.100.1]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 ok)`,
  (n: number) =>
    `mx1 postfix/smtpd[${n % 9999}]: warning: unknown[192.0.2.${n % 250}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=u${n % 500}@example.org`,
  (n: number) => `mx1 sshd[${n % 9999}]: Connection closed by 192.0.2.${n % 250} port ${n % 60_000}`,
];
const lineOf = (n: number) =>
  `Nov 24 07:07:${String(n % 60).padStart(2, "0")} ${(kinds[n % kinds.length] ?? (() => ""))(n)}\n`;

await followAll();
await measureLatency();
rmSync(directory, { recursive: true });

/** The thread of the daemon, with the store on disk: from the first look to the last commit. */
async function followAll(): Promise<void> {
  const path = join(directory, "mail.log");
  for (let n = 0; n < lines; n += 10_000) {
    appendFileSync(path, Array.from({ length: Math.min(10_000, lines - n) }, (_, i) => lineOf(n + i)).join(""));
  }
  const store = await openStore(`sqlite:${join(directory, "p.db")}`, { clock });
  const thread = new LogsThread({
    settings: [{ kind: "file", path, from: "start" }],
    store,
    node: "b",
    clock,
    log: silentLog,
    workerEntry: new URL("../src/logs-worker-main.ts", import.meta.url),
    parts: [],
  });
  const begun = performance.now();
  await thread.start();
  const read = () =>
    thread.state.counts.reduce((sum, one) => sum + Object.values(one.lines).reduce((a, b) => a + b, 0), 0);
  let seconds = 0;
  while (read() < lines) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    seconds = (performance.now() - begun) / 1000;
  }
  console.log(
    `follow: ${lines} lines in at most ${seconds.toFixed(2)} s: ${Math.round(lines / seconds)} lines/s (reports come once a second)`,
  );
  console.log(`follow: resident ${residentMb()} MB in the process of the store and the logs thread`);
  const cpu = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, restMs));
  const { user, system } = process.cpuUsage(cpu);
  console.log(`rest: ${((user + system) / 10 / restMs).toFixed(2)} % of a core`);
  await thread[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
}

/** A line at a time, written beside others; the time is in it. */
async function measureLatency(): Promise<void> {
  const path = join(directory, "latency.log");
  writeFileSync(path, "");
  const tookMs: number[] = [];
  const consumer: Consumer<number> = {
    see({ bytes, starts, ends, count }) {
      const now = performance.now();
      for (let i = 0; i < count; i++) tookMs.push(now - Number(bytes.toString("latin1", starts[i], ends[i])));
      return [1];
    },
  };
  await using follow = new Follow<number>({
    sources: [
      fileSource.create(
        { path, from: "end" },
        { clock, log: silentLog, places: [], claim: () => true, release: () => {} },
      ),
    ],
    consumers: [consumer],
    commit: async () => {},
    clock,
    log: silentLog,
  });
  await follow.start();
  for (let n = 0; n < latencyLines; n++) {
    appendFileSync(path, `${performance.now()}\n`);
    await new Promise((resolve) => setTimeout(resolve, 1 + (n % 5)));
  }
  await follow.settled();
  tookMs.sort((a, b) => a - b);
  const at = (share: number) => (tookMs[Math.floor(tookMs.length * share)] ?? 0).toFixed(2);
  console.log(
    `latency: ${tookMs.length} lines, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${(tookMs.at(-1) ?? 0).toFixed(2)} ms`,
  );
}

function residentMb(): number {
  return Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1]) / 1024);
}
