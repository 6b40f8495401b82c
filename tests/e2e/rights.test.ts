// A daemon that root starts without systemd: the helper keeps the rights, the daemon has none, and both end together.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { needs } from "../needs.ts";
import { until } from "../until.ts";
import { JailDaemon, ownNetwork, refused, testFolder } from "./jail-daemon.ts";

const main = join(import.meta.dirname, "../../src/main.ts");
const nobody = "65534";

/** Real, effective, saved and of the file system, of every thread. */
function usersOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/task`).map((task) => statusOf(`/proc/${pid}/task/${task}`, "Uid").join(" "));
}

function statusOf(process: string, key: string): readonly string[] {
  const line =
    readFileSync(`${process}/status`, "utf8")
      .split("\n")
      .find((one) => one.startsWith(`${key}:`)) ?? "";
  return line
    .split(/\s+/)
    .slice(1)
    .filter((word) => word !== "");
}

function helpersOf(pid: number): readonly number[] {
  const ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return ids.filter((id) => parentOf(id) === String(pid)).map(Number);
}

/** Processes come and go while they are listed. */
function parentOf(id: string): string | undefined {
  try {
    return statusOf(`/proc/${id}`, "PPid")[0];
  } catch {
    return undefined;
  }
}

test("root's daemon becomes the user, its helper bans, and both end together", {
  skip: needs("root", "netns", "nft"),
}, async () => {
  const folder = testFolder();
  const socket = join(folder, "own", "helper.sock");
  const logs = dirname(folder);
  // As a package would leave it: the state is the user's, logs can be read by it.
  const prepare = `for last; do :; done; chmod a+rx "${logs}" "${logs}"/*; chmod a+r "${logs}"/*/mail.log; chown -R ${nobody} "$(dirname "$last")"; exec "$@"`;
  await using house = await JailDaemon.start({
    jails: 'mode = "enforce"\nfirewall = "nftables"\n',
    sections: `[helper]\nsocket = "${socket}"\nuser = "nobody"\n[postfix]\nconfig_directories = []\n`,
    wrap: [...ownNetwork, "sh", "-c", prepare, "sh"],
  });
  const { daemon } = house;
  const rules = () =>
    spawnSync("nsenter", ["--net", "--target", String(daemon.pid), "nft", "list", "ruleset"], { encoding: "utf8" })
      .stdout;
  for (const users of usersOf(daemon.pid)) assert.equal(users, Array(4).fill(nobody).join(" "));
  assert.deepEqual(statusOf(`/proc/${daemon.pid}`, "CapEff"), ["0000000000000000"]);
  assert.deepEqual(statusOf(`/proc/${daemon.pid}`, "Groups"), [nobody]);
  const [helper = 0] = helpersOf(daemon.pid);
  assert.equal(usersOf(helper)[0], "0 0 0 0");
  assert.equal(statSync(socket).mode & 0o777, 0o600);

  await house.settle(...Array.from({ length: 4 }, () => refused("192.0.2.7", "a@example.org")));
  await until("the helper has told the kernel", () => rules().includes("192.0.2.7"));

  await daemon.kill("SIGKILL");
  await daemon.run();
  await until("the helper of a killed daemon ends", () => !existsSync(`/proc/${helper}`));
  const [second = 0] = helpersOf(daemon.pid);
  assert.ok(second > 0 && second !== helper, `${second}`);
  await house.settle(...Array.from({ length: 4 }, () => refused("192.0.2.8", "a@example.org")));
  await until("the second helper has told the kernel", () => rules().includes("192.0.2.8"));

  assert.equal(await daemon.kill("SIGTERM"), 0);
  assert.ok(!existsSync(`/proc/${second}`));
});

test("a user that is not there is named, and nothing starts", { skip: needs("root") }, () => {
  const folder = testFolder();
  const config = join(folder, "postvarta.toml");
  writeFileSync(config, `[helper]\nsocket = "${folder}/own/helper.sock"\nuser = "no-such-user"\n`);
  const { status, stderr } = spawnSync(process.execPath, [main, "run", "--config", config], { encoding: "utf8" });
  assert.match(stderr, /helper\.user: there is no user no-such-user/);
  assert.equal(status, 78);
  assert.ok(!existsSync(join(folder, "own")));
});

test("folders that are made are the user's, and the state's is closed to others", { skip: needs("root") }, async () => {
  const folder = testFolder();
  for (const open of [dirname(folder), folder]) chmodSync(open, 0o755);
  const config = join(folder, "postvarta.toml");
  const settings = `[policy]\nlisten = ["127.0.0.1:0"]\n[api]\nlisten = "127.0.0.1:0"\n[postfix]\nconfig_directories = []\n`;
  const places = `[store]\nurl = "sqlite:${folder}/lib/state/p.db"\n[control]\nsocket = "${folder}/run/control.sock"\n`;
  writeFileSync(config, `${settings}${places}[helper]\nsocket = "${folder}/own/helper.sock"\nuser = "nobody"\n`);
  const daemon = spawn(process.execPath, [main, "run", "--config", config], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(daemon, "exit");
  let log = "";
  daemon.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  try {
    await until("it is ready", () => / ready /.test(log));
    for (const [name, mode] of [
      ["lib/state", 0o700],
      ["run", 0o755],
    ] as const) {
      const found = statSync(join(folder, name));
      assert.deepEqual([found.uid, found.mode & 0o777], [Number(nobody), mode], name);
    }
  } finally {
    daemon.kill("SIGTERM");
    await ended;
  }
});
