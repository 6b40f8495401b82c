// The log in Fail2ban's form, written by the daemon and read by a jail of it: who is banned again and again is banned for longer. A
// rotation loses nothing, and a full disk stops no ban.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { needs } from "../needs.ts";
import { DaemonChild } from "./daemon.ts";

const root = mkdtempSync(join(tmpdir(), "postvarta-f2blog-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));

/** A jail that counts the bans of all others. */
function writeRecidive(logpath: string): string {
  const directory = mkdtempSync(join(root, "f2b-"));
  mkdirSync(join(directory, "filter.d"));
  const pattern = String.raw`^.*fail2ban\.actions\s+\[\d+\]:\s+NOTICE\s+\[(?!again\])[^\]]*\]\s+Ban\s+<HOST>\s*$`;
  writeFileSync(join(directory, "filter.d", "again.conf"), `[Definition]\nfailregex = ${pattern}\n`);
  writeFileSync(
    join(directory, "jail.conf"),
    `[again]\nenabled = true\nfilter = again\nlogpath = ${logpath}\nmaxretry = 2\nfindtime = 1d\nbantime = 1w\n`,
  );
  return directory;
}

function refused(ip: string): string {
  const at = new Date().toISOString().replace("Z", "+00:00");
  return `${at} mx1 postfix/smtpd[7]: warning: unknown[${ip}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=a@example.org\n`;
}

class House implements AsyncDisposable {
  readonly folder = mkdtempSync(join(root, "l-"));
  readonly mailLog = join(this.folder, "mail.log");
  readonly path: string;
  daemon!: DaemonChild;

  private constructor(path: string) {
    this.path = path;
  }

  static async start(path: string): Promise<House> {
    const house = new House(path);
    writeFileSync(house.mailLog, "");
    const sections = `[[logs]]\npath = "${house.mailLog}"\n[jails]\nmode = "enforce"\nfail2ban = "${writeRecidive(path)}"\nfail2ban_log = "${path}"\n`;
    house.daemon = await DaemonChild.start({ rules: "", sections });
    return house;
  }

  fail(ip: string, times = 4): void {
    for (let i = 0; i < times; i++) appendFileSync(this.mailLog, refused(ip));
  }

  /** Resolves when the file holds the text. */
  async says(text: string, path = this.path): Promise<string> {
    const deadline = performance.now() + 30_000;
    for (;;) {
      const held = existsSync(path) ? readFileSync(path, "utf8") : "";
      if (held.includes(text)) return held;
      assert.ok(performance.now() < deadline, `${path} never says ${text}:\n${held}\n${this.daemon.log.slice(-2_000)}`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  async isBanned(ip: string): Promise<boolean> {
    return (await this.daemon.command("bans", "--json")).stdout.includes(`"${ip}"`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
  }
}

describe("the log in Fail2ban's form", () => {
  test("a jail that reads it bans who was banned twice, over a rotation, and a restart tells what stands", async () => {
    await using house = await House.start(join(mkdtempSync(join(root, "w-")), "fail2ban.log"));
    house.fail("192.0.2.7");
    const first = await house.says("[wrong-password] Ban 192.0.2.7\n");
    assert.match(first, /fail2ban\.filter +\[\d+\]: INFO +\[wrong-password\] Found 192\.0\.2\.7 - 20/);
    renameSync(house.path, `${house.path}.1`);
    house.daemon.signal("SIGHUP");
    await house.daemon.command("ban", "192.0.2.7", "--jail", "somebody");
    const second = await house.says("[again] Ban 192.0.2.7\n");
    assert.match(
      second,
      /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} fail2ban\.actions +\[\d+\]: NOTICE +\[somebody\] Ban/m,
    );
    await house.daemon.command("unban", "192.0.2.7", "--jail", "somebody");
    await house.says("[somebody] Unban 192.0.2.7\n");
    await house.daemon.kill("SIGTERM");
    await house.daemon.run();
    await house.says("[again] Restore Ban 192.0.2.7\n");
  });

  test("a full disk stops no ban, and what fits comes when there is room", {
    skip: needs("root", "tmpfs"),
  }, async (t) => {
    const disk = mkdtempSync(join(root, "disk-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
    t.after(() => spawnSync("umount", [disk]));
    const ballast = join(disk, "ballast");
    try {
      for (;;) appendFileSync(ballast, Buffer.alloc(4_096));
    } catch {
      // Full.
    }
    await using house = await House.start(join(disk, "fail2ban.log"));
    house.fail("192.0.2.7");
    const deadline = performance.now() + 30_000;
    while (!(await house.isBanned("192.0.2.7")) && performance.now() < deadline);
    assert.ok(await house.isBanned("192.0.2.7"));
    assert.match(house.daemon.log, /file\.not-written path=\S+ error="ENOSPC/);
    rmSync(ballast);
    await house.says("[wrong-password] Ban 192.0.2.7\n");
  });
});
