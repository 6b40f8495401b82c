// What attackers and local users try against the machine around the daemon: commands in log fields, names that would be looked up, files
// put in the place of logs, files that are too open, and the helper's socket from another user.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { needs } from "../needs.ts";
import { until } from "../until.ts";
import { startHelper } from "./helper-process.ts";
import { JailDaemon, line, ownNetwork, refused, testFolder } from "./jail-daemon.ts";

const nobody = 65_534;
const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** Loopback, and nobody else; every program that is started and every address that is called is written down. */
function watched(trace: string): readonly string[] {
  const calls = ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-s", "4096", "-e", "trace=execve,connect", "-o", trace];
  return [...ownNetwork, ...calls];
}

describe("commands and names in what a log says", { skip: needs("root", "netns", "nft", "strace") }, () => {
  test("T5 T13: fixed programs are run with fixed words, nothing of a line is, and no name is looked up", async () => {
    const folder = testFolder();
    const trace = join(folder, "trace");
    const users = [
      `$(touch ${folder}/pwn)`,
      `\`touch ${folder}/pwn\``,
      `; touch ${folder}/pwn`,
      "-f /etc/passwd",
      "%s%n%x",
      "|reboot",
    ];
    const list = join(folder, "banned.txt");
    const jails = `mode = "enforce"\nfirewall = "nftables"\nlist_file = "${list}"\n`;
    await using house = await JailDaemon.start({
      ...{ jails, wrap: watched(trace), sections: "[postfix]\nconfig_directories = []" },
    });
    const named = (i: number) =>
      line(`postfix/smtpd[7]: warning: victim${i}.example[..]: SASL LOGIN authentication failed: UGFzc3dvcmQ6`);
    await house.settle(
      ...users.flatMap((user, i) => times(4, () => refused(`192.0.2.${10 + i}`, user))),
      ...times(9, named),
    );
    for (const [i] of users.entries())
      assert.ok(house.banned.includes(`192.0.2.${10 + i} wrong-password`), house.banned.join());
    await until("the list is written", () => existsSync(list) && readFileSync(list, "utf8").includes("192.0.2.15"));
    await house.daemon.kill("SIGTERM");
    assert.ok(!existsSync(join(folder, "pwn")));
    const calls = readFileSync(trace, "utf8");
    const ran = [...calls.matchAll(/execve\("([^"]+)", \[(.*?)\], /g)];
    const programs = new Set(ran.map(([, program]) => basename(program ?? "")));
    assert.deepEqual(
      [...programs].filter((name) => !["node", "nft", "ss"].includes(name)),
      [],
    );
    assert.ok(programs.has("nft"));
    for (const [whole, , words = ""] of ran) assert.doesNotMatch(words, /touch|passwd|%s|reboot|victim/, whole);
    assert.doesNotMatch(calls, /htons\(53\)/);
  });
});

describe("files in the place of a log", { skip: needs("root") }, () => {
  test("T26: a link of another user, a FIFO and a folder are not read, and hold no other log up", async () => {
    const folder = testFolder();
    chmodSync(folder, 0o777);
    const [linked, pipe, gone] = ["linked.log", "pipe.log", "gone.log"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const path of [linked, pipe, gone])
      writeFileSync(path, line("postfix/smtpd[7]: connect from unknown[192.0.2.1]"));
    const sections = [linked, pipe, gone].map((path) => `[[logs]]\npath = "${path}"`).join("\n");
    await using house = await JailDaemon.start({ jails: 'mode = "enforce"\n', sections });
    const secret = join(testFolder(), "shadow");
    writeFileSync(secret, times(8, () => refused("192.0.2.26", "a@example.org")).join(""));
    for (const path of [linked, pipe, gone]) renameSync(path, `${path}.1`);
    symlinkSync(secret, `${linked}.made`);
    lchownSync(`${linked}.made`, nobody, nobody);
    renameSync(`${linked}.made`, linked); // in one step: a link is the superuser's until it is given away
    execFileSync("mkfifo", [pipe]);
    mkdirSync(gone);
    await until(
      "it is told that the pipe is no regular file",
      async () => /pipe\.log: it is no regular file/.test((await house.daemon.command("log", "status")).stdout),
      20_000,
    );
    appendFileSync(secret, times(8, () => refused("192.0.2.26", "a@example.org")).join(""));
    await house.settle(...times(4, () => refused("192.0.2.27", "b@example.org")));
    assert.ok(house.banned.includes("192.0.2.27 wrong-password"));
    assert.ok(!house.banned.some((row) => row.startsWith("192.0.2.26 ")), house.banned.join());
  });
});

describe("state and sockets", { skip: needs("root") }, () => {
  test("T27: with the widest umask no other user may read or write what we keep", async () => {
    const folder = testFolder();
    const jails = `mode = "enforce"\nfail2ban_log = "${join(folder, "fail2ban.log")}"\n`;
    await using house = await JailDaemon.start({ jails, wrap: ["sh", "-c", 'umask 000 && exec "$@"', "sh"] });
    await house.settle(...times(4, () => refused("192.0.2.7", "a@example.org")));
    await until("the log in Fail2ban's form is written", () => existsSync(join(folder, "fail2ban.log")));
    const own = readdirSync(house.daemon.directory).filter(
      (name) => name.startsWith("postvarta.db") || name.endsWith(".sock"),
    );
    const kept = [...own.map((name) => join(house.daemon.directory, name)), join(folder, "fail2ban.log")];
    assert.ok(kept.length >= 4, kept.join());
    for (const path of kept)
      assert.equal(statSync(path).mode & 0o007, 0, `${path} ${(statSync(path).mode & 0o777).toString(8)}`);
  });

  test("T28: another user cannot open the socket of the helper", async () => {
    const folder = testFolder();
    const config = join(folder, "postvarta.toml");
    const socket = join(folder, "helper", "helper.sock");
    writeFileSync(
      config,
      `[helper]\nsocket = "${socket}"\n[jails]\nmode = "enforce"\nfirewall = "dry-run"\n[postfix]\nconfig_directories = []\n`,
    );
    await using _ = await startHelper(config);
    const script = `const s = require("net").connect(${JSON.stringify(socket)}); s.on("connect", () => { console.log("through"); process.exit(0); }); s.on("error", (e) => { console.log(e.code); process.exit(0); });`;
    const asUser = [
      "--reuid",
      String(nobody),
      "--regid",
      String(nobody),
      "--clear-groups",
      process.execPath,
      "-e",
      script,
    ];
    assert.equal(spawnSync("setpriv", asUser, { encoding: "utf8" }).stdout.trim(), "EACCES");
    assert.equal(spawnSync(process.execPath, ["-e", script], { encoding: "utf8" }).stdout.trim(), "through");
  });
});
