// Programs of firewalls that are missing, fail, hang or print garbage: a ban is a row all the while, nobody is told that it holds, it is
// tried again with growing pauses, and it holds when the program works again.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ManualClock } from "../../src/core/clock.ts";
import type { Firewall } from "../../src/core/firewall.ts";
import { parseNetwork, printNetwork } from "../../src/core/ip.ts";
import { silentLog } from "../../src/core/log.ts";
import { Enforcer } from "../../src/jails/enforce.ts";
import { IpsetFirewall } from "../../src/jails/firewalls/ipset.ts";
import { NftablesFirewall } from "../../src/jails/firewalls/nftables.ts";
import { PfFirewall } from "../../src/jails/firewalls/pf.ts";
import { Tools } from "../../src/jails/firewalls/tools.ts";
import { readAllBans } from "../../src/store/ban-list.ts";
import { banNow } from "../../src/store/bans.ts";
import { openStore } from "../../src/store/open.ts";
import { FakePf } from "../fake-pf.ts";
import { needs } from "../needs.ts";
import { NetRig } from "../net-rig.ts";

const folder = mkdtempSync(join(tmpdir(), "postvarta-tools-"));
after(() => rmSync(folder, { recursive: true }));
const rigs: NetRig[] = [];
after(() => {
  for (const rig of rigs) rig[Symbol.dispose]();
});
let places = 0;

const faults = {
  missing: "exec /nonexistent/program",
  fails: "echo 'Operation not permitted' >&2; exit 1",
  hangs: "exec sleep 600",
  garbage: "head -c 100000 /dev/urandom; head -c 1000 /dev/urandom >&2; exit 0",
} as const;
type Fault = keyof typeof faults;

interface Rigged {
  readonly firewall: Firewall;
  setFault(fault: Fault | undefined): void;
}

/** Programs by these names that do what they should, or what a fault says. */
function wrap(place: string, names: readonly string[], real: (name: string) => string) {
  const programs = join(place, "wrapped");
  mkdirSync(programs, { recursive: true });
  return {
    programs,
    setFault: (fault: Fault | undefined) => {
      for (const name of names) {
        const body = fault === undefined ? `exec ${real(name)} "$@"` : faults[fault];
        const file = join(programs, name);
        // A running script must not change under its shell.
        rmSync(file, { force: true });
        writeFileSync(file, `#!/bin/sh\n${body}\n`);
        chmodSync(file, 0o755);
      }
    },
  };
}

const which = (name: string) => execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();

function inNamespace(names: readonly string[], create: (tools: Tools) => Firewall): Rigged {
  const rig = new NetRig();
  rigs.push(rig);
  const { programs, setFault } = wrap(join(folder, `${++places}`), names, which);
  setFault(undefined);
  const path = `${programs}:${process.env["PATH"]}`;
  return { firewall: create(new Tools({ prefix: [...rig.prefix, "env", `PATH=${path}:/usr/sbin:/sbin`] })), setFault };
}

function besidePf(): Rigged {
  const place = join(folder, `${++places}`);
  const pf = new FakePf(place);
  const { programs, setFault } = wrap(place, ["pfctl"], (name) => join(pf.programs, name));
  setFault(undefined);
  const tools = new Tools({ path: `${programs}:${pf.programs}:${process.env["PATH"]}` });
  return { firewall: new PfFirewall({ tools, log: silentLog, table: "fail2ban", listFile: "" }), setFault };
}

const kinds = [
  {
    name: "nftables",
    skip: needs("root", "netns", "nft"),
    rig: () => inNamespace(["nft"], (tools) => new NftablesFirewall(tools)),
  },
  {
    name: "ipset",
    skip: needs("root", "netns", "ipset"),
    rig: () => inNamespace(["ipset", "iptables", "iptables-restore"], (tools) => new IpsetFirewall(tools)),
  },
  { name: "pf", skip: false, rig: besidePf },
] as const;

/** A hanging program costs fifteen seconds a kind: the default run has one of them. */
const isFull = process.env["POSTVARTA_FULL"] === "1";

for (const { name, skip, rig } of kinds) {
  for (const fault of Object.keys(faults) as Fault[]) {
    if (fault === "hangs" && name !== "nftables" && !isFull) continue;
    test(`${name}: a program with the fault "${fault}" leaves the ban a row that nobody takes to hold, until it works`, {
      skip,
    }, async () => {
      const { firewall, setFault } = rig();
      const clock = new ManualClock();
      await using store = await openStore("scratch:", { clock });
      await using enforcer = new Enforcer({
        store,
        firewall,
        trust: () => undefined,
        clock,
        log: silentLog,
        listFile: "",
      });
      store.changes.onChange((fact) => enforcer.hear(fact));
      const ban = async (address: string) => {
        const network = parseNetwork(address);
        assert.ok(network);
        const now = clock.now();
        const fields = { jail: "sasl", from: now, until: now + 3_600_000, reason: "", origin: "jail" as const };
        const more = { ports: undefined, enforce: true, node: "mx1", evidence: "" };
        await banNow(store, [{ address: network, ...fields, ...more }], () => undefined, { by: "test", now });
      };
      const verified = async () =>
        (await Array.fromAsync(readAllBans(store)))
          .filter((row) => enforcer.isVerified(row))
          .map((row) => printNetwork(row.address))
          .sort();
      await enforcer.start();
      await ban("192.0.2.1");
      assert.deepEqual([await verified(), enforcer.state.error], [["192.0.2.1"], undefined]);
      setFault(fault);
      const begun = performance.now();
      // One that is kept open does not know yet: what is read back does.
      await enforcer.readBack(undefined);
      await ban("192.0.2.2");
      assert.deepEqual([await verified(), enforcer.state.error === undefined], [[], false]);
      assert.equal((await Array.fromAsync(readAllBans(store))).length, 2);
      const { retries } = enforcer.state;
      clock.advance(2_000);
      await enforcer.due();
      assert.ok(enforcer.state.retries > retries);
      // Three tries of five seconds each, and a machine that has other things to do.
      assert.ok(performance.now() - begun < 60_000);
      setFault(undefined);
      clock.advance(60_000);
      await enforcer.due();
      assert.equal(enforcer.state.error, undefined);
      assert.deepEqual(await verified(), ["192.0.2.1", "192.0.2.2"]);
      const standing = (await firewall.readBack(clock.now())) ?? [];
      assert.deepEqual(standing.map(({ address }) => printNetwork(address)).sort(), ["192.0.2.1", "192.0.2.2"]);
      await firewall.flush();
    });
  }
}
