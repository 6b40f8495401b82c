// Bans against a real kernel: a mail host and a stranger in network namespaces, the daemon beside the host's firewall.

import assert from "node:assert/strict";
import { type ChildProcess, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hostIp, NetRig, strangerIp } from "../net-rig.ts";

const main = join(import.meta.dirname, "../../src/main.ts");
/** Not a stranger's first address: he has several. */
const other = "198.51.100.3";

/** Echoes, and stays open. */
const server = `require("net").createServer((s) => { s.on("error", () => {}); s.pipe(s); }).listen(25, "::", () => console.log("listening"))`;
/** Says `open`, and `closed` when the session ends. */
const session = `const s = require("net").connect({ host: ${JSON.stringify(hostIp)}, port: 25, localAddress: process.argv[1] });
  s.on("connect", () => console.log("open")); s.on("error", () => {}); s.on("close", () => { console.log("closed"); process.exit(0); });`;

export interface KernelUnderTest {
  /** As `[jails] firewall` names it. */
  readonly firewall: string;
  readonly skip: false | string;
  /** Takes away everything that stands. */
  readonly wipe: (rig: NetRig) => void;
  /** What of ours still stands; empty after `stop --flush`. */
  readonly left: (rig: NetRig) => string;
}

/** The circle of a ban with real packets. */
export function testKernelBans({ firewall, skip, wipe, left }: KernelUnderTest): void {
  const folder = mkdtempSync(join(tmpdir(), "postvarta-bans-"));
  const config = join(folder, "postvarta.toml");
  const rig: { net?: NetRig; daemon?: ChildProcess | undefined } = {};

  before(async () => {
    if (skip !== false) return;
    writeFileSync(
      config,
      `[policy]\nlisten = ["127.0.0.1:0"]\n[store]\nurl = "sqlite:${folder}/bans.db"\n[api]\nlisten = "127.0.0.1:0"\n[control]\nsocket = "${folder}/control.sock"\n[postfix]\nconfig_directories = []\n[jails]\nmode = "enforce"\nfirewall = "${firewall}"\nlist_file = "${folder}/banned.txt"\n`,
    );
    const net = new NetRig();
    rig.net = net;
    await says(net.start("host", process.execPath, "-e", server), "listening");
    await startDaemon();
  });

  after(async () => {
    await stopDaemon();
    rig.net?.[Symbol.dispose]();
    rmSync(folder, { recursive: true });
  });

  async function startDaemon(): Promise<void> {
    rig.daemon = rig.net?.start("host", process.execPath, main, "run", "--config", config);
    if (rig.daemon !== undefined) await says(rig.daemon, "policy");
  }

  async function stopDaemon(): Promise<void> {
    const { daemon } = rig;
    if (daemon === undefined || daemon.exitCode !== null) return;
    const ended = new Promise((resolve) => daemon.once("exit", resolve));
    daemon.kill("SIGTERM");
    await ended;
  }

  async function says(child: ChildProcess, word: string): Promise<void> {
    let heard = "";
    for await (const piece of child.stdout ?? []) {
      heard += String(piece);
      if (heard.toLowerCase().includes(word)) return;
    }
    throw new Error(`it ended without ${word}: ${heard}`);
  }

  function postvarta(...args: readonly string[]) {
    const net = rig.net;
    assert.ok(net);
    const argv = [...net.prefix.slice(1), process.execPath, main, ...args, "--config", config];
    return spawnSync("ip", argv, {
      encoding: "utf8",
      timeout: 30_000,
      env: { PATH: process.env["PATH"], HOME: folder },
    });
  }

  /** Whether a connection from this address comes through within a second. */
  function connects(from: string): boolean {
    const script = `const s = require("net").connect({ host: ${JSON.stringify(hostIp)}, port: 25, localAddress: ${JSON.stringify(from)} });
    s.on("connect", () => process.exit(0)); s.on("error", () => process.exit(1)); setTimeout(() => process.exit(2), 1000);`;
    return spawnSync("ip", ["netns", "exec", rig.net?.stranger ?? "", process.execPath, "-e", script]).status === 0;
  }

  async function eventually(what: string, holds: () => boolean): Promise<void> {
    for (let look = 0; look < 100; look++) {
      if (holds()) return;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    assert.fail(what);
  }

  test(`${firewall}: after a ban the next packet is refused and the open session is cut; others pass`, {
    skip,
  }, async () => {
    const open = rig.net?.start("stranger", process.execPath, "-e", session, strangerIp);
    assert.ok(open);
    await says(open, "open");
    const { status, stdout, stderr } = postvarta("ban", strangerIp, "--for", "1h", "--json");
    assert.equal(status, 0, stderr);
    assert.equal((JSON.parse(stdout) as { bans: { verified: boolean }[] }).bans[0]?.verified, true);
    assert.equal(connects(strangerIp), false);
    assert.equal(connects(other), true);
    await eventually(
      "the host still has the session",
      () => !(rig.net?.run("host", "ss", "-Htn", "state", "connected", "dst", strangerIp) ?? "").includes(strangerIp),
    );
  });

  test(`${firewall}: a stranger who flushes the table is noticed, and the ban stands again`, { skip }, async () => {
    if (rig.net !== undefined) wipe(rig.net);
    await eventually("the ban does not stand again", () => !connects(strangerIp));
  });

  test(`${firewall}: while the daemon restarts nothing passes; what was banned meanwhile stands at the start`, {
    skip,
  }, async () => {
    await stopDaemon();
    assert.equal(connects(strangerIp), false);
    const offline = postvarta("ban", other);
    assert.equal(offline.status, 0, offline.stderr);
    await startDaemon();
    assert.deepEqual([connects(strangerIp), connects(other)], [false, false]);
    const listed = postvarta("bans", "--json").stdout.trim().split("\n");
    assert.deepEqual(listed.map((line) => (JSON.parse(line) as { address: string }).address).sort(), [
      strangerIp,
      other,
    ]);
  });

  test(`${firewall}: our own addresses are refused, and unban lets through`, { skip }, async () => {
    const own = postvarta("ban", hostIp, `${hostIp}/24`, "127.0.0.1");
    assert.equal(own.status, 5, own.stdout);
    assert.equal(postvarta("unban", other).status, 0);
    assert.equal(connects(other), true);
    assert.equal(postvarta("unban", other).status, 4);
  });

  test(`${firewall}: stop --flush leaves no rule, and the daemon ends`, { skip }, async () => {
    const { daemon } = rig;
    const ended = new Promise((resolve) => daemon?.once("exit", resolve));
    const stopped = postvarta("stop", "--flush");
    assert.equal(stopped.status, 0, stopped.stderr);
    await ended;
    assert.equal(rig.net && left(rig.net), "");
    assert.equal(connects(strangerIp), true);
  });
}
