// Bans against a real kernel: a mail host and a stranger in network namespaces, the daemon beside the host's firewall.

import assert from "node:assert/strict";
import { type ChildProcess, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hostIp, NetRig, strangerIp } from "../net-rig.ts";
import { says, startServer, startSession } from "../net-session.ts";
import { until } from "../until.ts";

const main = join(import.meta.dirname, "../../src/main.ts");
/** Not a stranger's first address: he has several. */
const other = "198.51.100.3";

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
    await startServer(net);
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

  /** How often something was put back into the kernel. */
  function mended(): number {
    const { stdout } = postvarta("status", "--json");
    return (JSON.parse(stdout) as { bans: { mended: number } }).bans.mended;
  }

  /** Whether a connection from this address comes through within a second. */
  function connects(from: string): boolean {
    const script = `const s = require("net").connect({ host: ${JSON.stringify(hostIp)}, port: 25, localAddress: ${JSON.stringify(from)} });
    s.on("connect", () => process.exit(0)); s.on("error", () => process.exit(1)); setTimeout(() => process.exit(2), 1000);`;
    return spawnSync("ip", ["netns", "exec", rig.net?.stranger ?? "", process.execPath, "-e", script]).status === 0;
  }

  test(`${firewall}: after a ban the next packet is refused and the open session is cut; others pass`, {
    skip,
  }, async () => {
    assert.ok(rig.net);
    const session = await startSession(rig.net);
    const { status, stdout, stderr } = postvarta("ban", strangerIp, "--for", "1h", "--json");
    assert.equal(status, 0, stderr);
    assert.equal((JSON.parse(stdout) as { bans: { verified: boolean }[] }).bans[0]?.verified, true);
    assert.equal(connects(strangerIp), false);
    assert.equal(connects(other), true);
    await until("the host has no such session", () => !session.isOpen());
  });

  test(`${firewall}: a stranger who flushes the table is noticed, and the ban stands again`, { skip }, async () => {
    assert.ok(rig.net);
    const before = mended();
    wipe(rig.net);
    await until("it is noticed", () => mended() > before);
    await until("the ban stands again", () => !connects(strangerIp));
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
