// Questions a second beside the limit and the peers, alternating in one run, because absolute figures hold for one machine
// and one hour only: node bench/policy.ts [rounds] [seconds]. Peers that Debian packages are measured where they are
// installed (apt-get install postfwd policyd-rate-limit). One quota, one access rule, 50 connections, 20 000 accounts, the
// charge on disk (synchronous = FULL) before the answer.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../tests/e2e/postfix-rig.ts";
import type { LoadFigures } from "./policy-load.ts";

const connections = 50;
const root = new URL("..", import.meta.url).pathname;
const startTimeoutMs = 20_000;

interface Contender {
  readonly name: string;
  readonly port: number;
  readonly durable: string;
  /** Of one that makes itself a daemon this is the process that ends at once. */
  start(folder: string): ChildProcess;
  /** Ends a daemon that left its parent. */
  stop?(folder: string): void;
  /** Once it answers. */
  prepare?(folder: string): void;
}

const rules = `
[[policies]]
name = "p"
members = [{}]
access = [{ verdict = "reject", text = "x", states = ["DATA"] }]
quotas = [{ name = "q", track = "SASLUsername", limits = [{ count = "recipients", max = 1000000, per = "1h" }] }]
`;

async function contenders(): Promise<readonly Contender[]> {
  const list = [trivial(await freePort()), postvarta(await freePort(), await freePort())];
  if (existsSync("/usr/sbin/postfwd1")) list.push(postfwd(await freePort()));
  return list;
}

function trivial(port: number): Contender {
  const start = () => quiet(process.execPath, [join(root, "bench/trivial-server.ts"), String(port)]);
  return { name: "trivial Node server", port, durable: "nothing to keep", start };
}

function postvarta(port: number, apiPort: number): Contender {
  const options = (folder: string) => ["--config", join(folder, "postvarta.toml")];
  return {
    name: "Postvarta, SQLite",
    port,
    durable: "yes",
    start: (folder) => {
      const config = `[policy]\nlisten = ["127.0.0.1:${port}"]\n[store]\nurl = "sqlite:${folder}/p.db"\n[api]\nlisten = "127.0.0.1:${apiPort}"\n[control]\nsocket = "${folder}/c.sock"\n`;
      writeFileSync(join(folder, "postvarta.toml"), config);
      writeFileSync(join(folder, "rules.toml"), rules);
      return quiet(process.execPath, [join(root, "dist/postvarta.mjs"), "run", ...options(folder)]);
    },
    prepare: (folder) => {
      const words = [
        join(root, "dist/postvarta.mjs"),
        "policy",
        "apply",
        join(folder, "rules.toml"),
        ...options(folder),
      ];
      const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8", timeout: startTimeoutMs });
      if (status !== 0) throw new Error(stderr);
    },
  };
}

/** postfwd 1, one rate rule; its counters live in memory. It makes itself a daemon. */
function postfwd(port: number): Contender {
  const rule = "id=R; protocol_state==RCPT; sasl_username=~.; action=rate(sasl_username/1000000/3600/REJECT slow)";
  const where = ["-d", "-i", "127.0.0.1", "-p", String(port), "-u", "nobody", "-g", "nogroup", "-n", "--summary=0"];
  const pidFile = (folder: string) => join(folder, "pid");
  return {
    name: "postfwd 1",
    port,
    durable: "no",
    start: (folder) => quiet("/usr/sbin/postfwd1", [...where, "-r", rule, "--pidfile", pidFile(folder)]),
    stop: (folder) => void process.kill(Number(readFileSync(pidFile(folder), "utf8"))),
  };
}

function quiet(program: string, words: readonly string[]): ChildProcess {
  return spawn(program, words, { stdio: "ignore" });
}

async function measureOne(contender: Contender, seconds: number): Promise<LoadFigures> {
  const folder = mkdtempSync(join(tmpdir(), "postvarta-bench-"));
  const child = contender.start(folder);
  try {
    await answers(contender.port, contender.stop === undefined ? child : undefined);
    contender.prepare?.(folder);
    const words = [join(root, "bench/policy-load.ts"), String(contender.port), String(connections), String(seconds)];
    const { stdout, stderr } = spawnSync(process.execPath, words, {
      encoding: "utf8",
      timeout: (seconds + 30) * 1_000,
    });
    if (stdout === "") throw new Error(`${contender.name}: ${stderr}`);
    return JSON.parse(stdout) as LoadFigures;
  } finally {
    contender.stop?.(folder);
    // A contender that has ended by itself has told its exit while we were measuring.
    const ended = new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode === null && child.signalCode === null && child.kill("SIGTERM")) await ended;
    rmSync(folder, { recursive: true });
  }
}

async function answers(port: number, child: ChildProcess | undefined): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  while (Date.now() < deadline && (child === undefined || child.exitCode === null)) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.on("close", () => socket.destroy());
      setTimeout(() => socket.destroy(), 200).unref();
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`nothing listens on ${port}`);
}

function fsyncP50(): number {
  const folder = mkdtempSync(join(tmpdir(), "postvarta-fsync-"));
  const file = openSync(join(folder, "f"), "w");
  const page = Buffer.alloc(8_192, 1);
  const waits = Array.from({ length: 200 }, () => {
    writeSync(file, page);
    const from = performance.now();
    fdatasyncSync(file);
    return performance.now() - from;
  });
  closeSync(file);
  rmSync(folder, { recursive: true });
  return median(waits);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

async function main(rounds: number, seconds: number): Promise<void> {
  spawnSync(process.execPath, [join(root, "scripts/build.ts")], { stdio: "ignore" });
  const list = await contenders();
  const figures = new Map<Contender, LoadFigures[]>(list.map((contender) => [contender, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const contender of list) {
      figures.get(contender)?.push(await measureOne(contender, seconds));
      process.stderr.write(`round ${round} of ${rounds}: ${contender.name}\n`);
    }
  }
  const limit = median((figures.get(list[0] as Contender) ?? []).map(({ perSecond }) => perSecond));
  console.log(
    `${connections} connections, ${rounds} rounds of ${seconds} s, medians; fdatasync of 8 kB p50 ${fsyncP50().toFixed(2)} ms`,
  );
  for (const [contender, all] of figures) {
    const perSecond = median(all.map((one) => one.perSecond));
    const row = [
      contender.name.padEnd(20),
      String(perSecond).padStart(7),
      `${(perSecond / limit).toFixed(2)} of the limit`,
    ];
    const p99 = median(all.map((one) => one.p99Ms));
    console.log(
      [...row, `p50 ${median(all.map((one) => one.p50Ms))} ms`, `p99 ${p99} ms`, `durable: ${contender.durable}`].join(
        "  ",
      ),
    );
  }
}

const [rounds = 3, seconds = 5] = process.argv.slice(2).map(Number);
await main(rounds, seconds);
