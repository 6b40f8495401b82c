// Floods and nonsense at the policy port of the whole daemon, and who may reach it.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { accountQuota } from "../account-quota.ts";
import { DaemonChild } from "../e2e/daemon.ts";
import { needs } from "../needs.ts";
import { PolicyClient, questionText } from "../policy-client.ts";

const full = process.env["POSTVARTA_FULL"] === "1";
const rules = accountQuota(1_000_000);

/** The best of some rounds of 20 clients: what the machine does beside is not our slowness. */
async function bestP99(port: number, rounds = 5): Promise<number> {
  const clients = await Promise.all(Array.from({ length: 20 }, () => PolicyClient.connect({ port }, 15_000)));
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const waits: number[] = [];
    for (let i = 0; i < 20; i++) {
      await Promise.all(
        clients.map(async (client, n) => {
          const from = performance.now();
          assert.equal(await client.ask({ instance: `p${round}.${i}.${n}`, sasl_username: `u${n}` }), "DUNNO");
          waits.push(performance.now() - from);
        }),
      );
    }
    best = Math.min(best, waits.sort((a, b) => a - b)[Math.floor(waits.length * 0.99)] ?? best);
  }
  for (const client of clients) client[Symbol.dispose]();
  return best;
}

const residentMb = (pid: number) =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) / 1_024;

/** Writes until the server closes or `bytesMax` are gone; how many the server let in. */
async function flood(port: number, piece: string, bytesMax: number): Promise<number> {
  using client = await PolicyClient.connect({ port }, 30_000);
  const block = Buffer.from(piece.repeat(Math.ceil(65_536 / piece.length)), "latin1");
  let sent = 0;
  while (!client.isClosed && sent < bytesMax) {
    if (client.socket.write(block)) await new Promise((resolve) => setImmediate(resolve));
    else await Promise.race([new Promise((resolve) => client.socket.once("drain", resolve)), client.closed()]);
    sent += block.length;
  }
  assert.equal(await client.closed(), "", "closed without an answer");
  return sent;
}

test("a gigabyte without a line end and ten million short attributes are cut off, and cost no memory", async () => {
  await using daemon = await DaemonChild.start({ rules });
  await bestP99(daemon.port, 1);
  const before = residentMb(daemon.pid);
  for (const piece of ["a", "a=b\n", "request=smtpd_access_policy\n", "\0"]) {
    const sent = await flood(daemon.port, piece, 1_000_000_000);
    assert.ok(sent < 100_000_000, `${sent} bytes of ${JSON.stringify(piece)} were taken`);
  }
  const grown = residentMb(daemon.pid) - before;
  assert.ok(grown < 64, `${grown} MB more`);
  assert.ok((await bestP99(daemon.port, 1)) < 1_000);
});

test("names that mean something to JavaScript mean nothing to us", async () => {
  await using daemon = await DaemonChild.start({ rules });
  using client = await PolicyClient.connect(daemon);
  const odd = ["constructor", "prototype", "toString", "hasOwnProperty", "__defineGetter__", "__proto__"];
  const attributes = Object.fromEntries(odd.map((name) => [`x${name}`, 1]));
  const text = questionText({ ...attributes, sasl_username: "ann", instance: "odd" }).replaceAll(/^x/gm, "");
  client.write(text);
  assert.equal(await client.answer(), "DUNNO");
  for (const name of odd)
    assert.equal(await client.ask({ sasl_username: name, sender: name, instance: name }), "DUNNO");
  // Of messages without an end the last one on a connection is open, the others were given back.
  const shown = await daemon.command("quota", "show", "q/SASLUsername:__proto__", "--json");
  assert.equal(shown.code, 0, shown.stderr);
  assert.equal(JSON.parse(shown.stdout)[0].used, 1);
});

test("slow, half and torn requests and thousands of idle connections leave the others alone", {
  timeout: 120_000,
}, async () => {
  await using daemon = await DaemonChild.start({ rules });
  await bestP99(daemon.port, 1);
  const before = await bestP99(daemon.port);
  const count = full ? 9_500 : 2_000;
  const held: PolicyClient[] = [];
  const whole = questionText({ sasl_username: "slow", instance: "slow" });
  for (let i = 0; i < count; i += 250) {
    held.push(...(await Promise.all(Array.from({ length: 250 }, () => PolicyClient.connect(daemon, 30_000)))));
  }
  for (const [i, client] of held.entries()) {
    if (i % 4 === 1) client.write(whole.slice(0, i % whole.length));
    if (i % 4 === 2 && i % 8 === 2) client.reset();
    if (i % 16 === 3) void client.writePieces(whole).catch(() => undefined);
  }
  await wait(300);
  const after = await bestP99(daemon.port);
  for (const client of held) client[Symbol.dispose]();
  assert.ok(
    after < Math.max(2 * before, full ? 20 : 60),
    `p99 ${before.toFixed(1)} ms alone, ${after.toFixed(1)} ms beside`,
  );
  assert.ok(residentMb(daemon.pid) < 400);
});

test("with 256 descriptors a flood takes the port's places only: store, API and open connections go on", {
  timeout: 60_000,
}, async () => {
  await using daemon = await DaemonChild.start({ rules, wrap: ["prlimit", "--nofile=256"] });
  using first = await PolicyClient.connect(daemon);
  assert.equal(await first.ask({ sasl_username: "first", instance: "1" }), "DUNNO");
  const clients: PolicyClient[] = [];
  for (let i = 0; i < 500; i++) clients.push(await PolicyClient.connect(daemon));
  for (let tries = 0; tries < 200 && clients.filter((one) => one.isClosed).length < 300; tries++) await wait(20);
  const open = clients.filter((one) => !one.isClosed);
  assert.ok(open.length > 50 && open.length <= 256, `${open.length} of 500 are open`);
  assert.equal(await first.ask({ sasl_username: "first", instance: "2" }), "DUNNO");
  for (const client of open.slice(0, 50)) assert.equal(await client.ask({ sasl_username: "more" }), "DUNNO");
  const status = await daemon.command("status");
  assert.equal(status.code, 0, status.stderr);
  assert.equal((await fetch(`http://127.0.0.1:${daemon.apiPort}/healthz`)).status, 200);
  assert.ok(readdirSync(`/proc/${daemon.pid}/fd`).length <= 256);
  for (const client of clients) client[Symbol.dispose]();
  await wait(200);
  using later = await PolicyClient.connect(daemon);
  assert.equal(await later.ask({ sasl_username: "later" }), "DUNNO");
});

test("every listener is on loopback, and another machine cannot connect", {
  skip: needs("root", "netns"),
}, async () => {
  await using daemon = await DaemonChild.start({ rules });
  const listens = execFileSync("ss", ["-Hltnp"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(`pid=${daemon.pid},`))
    .map((line) => line.trim().split(/\s+/)[3] ?? "");
  assert.deepEqual(new Set(listens), new Set([`127.0.0.1:${daemon.port}`, `127.0.0.1:${daemon.apiPort}`]));
  using other = new OtherMachine();
  for (const port of [daemon.port, daemon.apiPort]) {
    assert.equal(other.connects(other.here, port), false, `port ${port} is open to others`);
  }
  using near = await PolicyClient.connect(daemon);
  assert.equal(await near.ask({ sasl_username: "near" }), "DUNNO");
});

/** A network namespace with a cable to ours. */
class OtherMachine implements Disposable {
  readonly #name = `pv${process.pid}`;
  readonly here = `169.254.${1 + (process.pid % 250)}.1`;

  constructor() {
    const ip = (...words: readonly string[]) => execFileSync("ip", words);
    const inside = this.here.replace(/1$/, "2");
    ip("netns", "add", this.#name);
    ip("link", "add", `${this.#name}a`, "type", "veth", "peer", "name", `${this.#name}b`);
    ip("link", "set", `${this.#name}b`, "netns", this.#name);
    ip("addr", "add", `${this.here}/24`, "dev", `${this.#name}a`);
    ip("link", "set", `${this.#name}a`, "up");
    ip("-n", this.#name, "addr", "add", `${inside}/24`, "dev", `${this.#name}b`);
    ip("-n", this.#name, "link", "set", `${this.#name}b`, "up");
  }

  connects(host: string, port: number): boolean {
    const script = `require("net").connect(${port}, "${host}").on("connect", () => process.exit(0)).on("error", () => process.exit(7)); setTimeout(() => process.exit(7), 3000)`;
    const { status } = spawnSync("ip", ["netns", "exec", this.#name, process.execPath, "-e", script]);
    assert.ok(status === 0 || status === 7, `the look itself failed: ${status}`);
    return status === 0;
  }

  [Symbol.dispose](): void {
    spawnSync("ip", ["link", "del", `${this.#name}a`]);
    spawnSync("ip", ["netns", "del", this.#name]);
  }
}
