// A banned address that still gets lines into the log, in a network namespace without a way out: the lines are written by the test, the
// ban stands in the kernel. An alarm is a line of our log, a notice, a figure and a warning of `status`.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { needs } from "../needs.ts";
import { JailDaemon, ownNetwork, refused } from "./jail-daemon.ts";

const skip = needs("root", "netns", "nft");

test("lines of a banned address raise an alarm: log, notice, metric and status", { skip }, async () => {
  const jails = 'mode = "enforce"\nfirewall = "nftables"\n';
  const sections = "[postfix]\nconfig_directories = []";
  await using house = await JailDaemon.start({ jails, sections, wrap: ownNetwork });
  const { daemon } = house;
  assert.equal((await daemon.command("ban", "192.0.2.7", "--jail", "somebody")).code, 0);
  // What was under way when the ban came is none: lines come until they are older than that.
  const deadline = performance.now() + 50_000;
  while (!daemon.log.includes("jails.leak") && performance.now() < deadline) {
    house.write(refused("192.0.2.7", "a@example.org"));
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  assert.match(daemon.log, /jails\.leak address=192\.0\.2\.7 ban=192\.0\.2\.7 jail=somebody lines=1/);
  const { notices } = JSON.parse((await daemon.command("notices", "list", "--json")).stdout) as {
    readonly notices: readonly { readonly kind: string; readonly subject: string }[];
  };
  assert.deepEqual(
    notices.filter(({ kind }) => kind === "ban_leak").map(({ subject }) => subject),
    ["192.0.2.7"],
  );
  // The thread reports once a second.
  let status = "";
  while (!status.includes("192.0.2.7 is banned by somebody") && performance.now() < deadline)
    status = (await daemon.command("status", "--json")).stdout;
  assert.match(status, /192\.0\.2\.7 is banned by somebody and gets lines into the log/);
  const ask = `fetch("http://127.0.0.1:${daemon.apiPort}/metrics").then((answer) => answer.text()).then(console.log)`;
  const inside = ["-t", String(daemon.pid), "-n", process.execPath, "-e", ask];
  assert.match(execFileSync("nsenter", inside, { encoding: "utf8" }), /^postvarta_jail_leaks_total [1-9]/m);
});
