// The log in Fail2ban's form, written by the daemon and read by a jail of it: who is banned again and again is banned for longer. A
// rotation loses nothing, and a full disk stops no ban.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { needs } from "../needs.ts";
import { until } from "../until.ts";
import { JailDaemon, refused, testFolder } from "./jail-daemon.ts";

/** A jail that counts the bans of all others. */
function writeRecidive(logpath: string): string {
  const directory = testFolder();
  mkdirSync(join(directory, "filter.d"));
  const pattern = String.raw`^.*fail2ban\.actions\s+\[\d+\]:\s+NOTICE\s+\[(?!again\])[^\]]*\]\s+Ban\s+<HOST>\s*$`;
  writeFileSync(join(directory, "filter.d", "again.conf"), `[Definition]\nfailregex = ${pattern}\n`);
  writeFileSync(
    join(directory, "jail.conf"),
    `[again]\nenabled = true\nfilter = again\nlogpath = ${logpath}\nmaxretry = 2\nfindtime = 1d\nbantime = 1w\n`,
  );
  return directory;
}

/** A daemon that writes its bans to `path`, and reads them. */
async function start(path: string): Promise<JailDaemon> {
  return await JailDaemon.start({
    jails: `mode = "enforce"\nfail2ban = "${writeRecidive(path)}"\nfail2ban_log = "${path}"\n`,
  });
}

function fail(house: JailDaemon, ip: string): void {
  for (let i = 0; i < 4; i++) house.write(refused(ip, "a@example.org"));
}

/** Resolves with all of the file when it holds the text. */
async function says(path: string, text: string): Promise<string> {
  let held = "";
  await until(`${path} says ${text}`, () => {
    held = existsSync(path) ? readFileSync(path, "utf8") : "";
    return held.includes(text);
  });
  return held;
}

async function isBanned({ daemon }: JailDaemon, ip: string): Promise<boolean> {
  return (await daemon.command("bans", "--json")).stdout.includes(`"${ip}"`);
}

describe("the log in Fail2ban's form", () => {
  test("a jail that reads it bans who was banned twice, over a rotation, and a restart tells what stands", async () => {
    const path = join(testFolder(), "fail2ban.log");
    await using house = await start(path);
    fail(house, "192.0.2.7");
    const first = await says(path, "[wrong-password] Ban 192.0.2.7\n");
    assert.match(first, /fail2ban\.filter +\[\d+\]: INFO +\[wrong-password\] Found 192\.0\.2\.7 - 20/);
    renameSync(path, `${path}.1`);
    house.daemon.signal("SIGHUP");
    await house.daemon.command("ban", "192.0.2.7", "--jail", "somebody");
    const second = await says(path, "[again] Ban 192.0.2.7\n");
    assert.match(
      second,
      /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} fail2ban\.actions +\[\d+\]: NOTICE +\[somebody\] Ban/m,
    );
    await house.daemon.command("unban", "192.0.2.7", "--jail", "somebody");
    await says(path, "[somebody] Unban 192.0.2.7\n");
    await house.daemon.kill("SIGTERM");
    await house.daemon.run();
    await says(path, "[again] Restore Ban 192.0.2.7\n");
  });

  test("a full disk stops no ban, and what fits comes when there is room", {
    skip: needs("root", "tmpfs"),
  }, async (t) => {
    const disk = testFolder();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
    t.after(() => spawnSync("umount", [disk]));
    const ballast = join(disk, "ballast");
    try {
      for (;;) appendFileSync(ballast, Buffer.alloc(4_096));
    } catch {
      // Full.
    }
    const path = join(disk, "fail2ban.log");
    await using house = await start(path);
    fail(house, "192.0.2.7");
    await until("he is banned", () => isBanned(house, "192.0.2.7"));
    assert.match(house.daemon.log, /file\.not-written path=\S+ error="ENOSPC/);
    rmSync(ballast);
    await says(path, "[wrong-password] Ban 192.0.2.7\n");
  });
});
