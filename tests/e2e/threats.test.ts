// Attackers who can write into the log by what they send, against one whole daemon: whom they cannot get banned, what they cannot break,
// and who is spared. Each case is followed by a witness, whose ban shows that everything before it was counted.

import assert from "node:assert/strict";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Client } from "../../src/cli/client.ts";
import { hostileLines, innocent } from "../hostile-lines.ts";
import { needs } from "../needs.ts";
import { PolicyClient } from "../policy-client.ts";
import { writeSeedFail2ban } from "../seed-fail2ban.ts";
import { until } from "../until.ts";
import { JailDaemon, line, listed, loggedIn, postfixDirectory, refused, testFolder } from "./jail-daemon.ts";

const skip = needs("postfix");
const hour = 3_600_000;
const house: { one?: JailDaemon } = {};
/** What the seed's jails read. */
const fail2banLog = join(testFolder(), "maillog");
const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const ownAddress = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

/** The seed's jails, and one whose pattern has no end. */
function fail2banDirectory(): string {
  const logpath = fail2banLog;
  const directory = writeSeedFail2ban(testFolder(), logpath, "ignoreregex =");
  writeFileSync(join(directory, "filter.d", "endless.conf"), "[Definition]\nfailregex = ^.* endless: (a+)+b <HOST>$\n");
  const jails = ["endless", "../../../etc/passwd"].map(
    (filter, i) => `[odd${i}]\nenabled = true\nfilter = ${filter}\naction = pf\nlogpath = ${logpath}\n`,
  );
  writeFileSync(join(directory, "jail.local"), jails.join("\n"));
  return directory;
}

before(async () => {
  if (skip !== false) return;
  const old = join(testFolder(), "old.log");
  const year = 365 * 24 * hour;
  writeFileSync(old, times(20, () => refused("192.0.2.30", "a@example.org", Date.now() - year)).join(""));
  writeFileSync(fail2banLog, "");
  house.one = await JailDaemon.start({
    rules:
      '[[policies]]\nname = "all"\nmembers = [{}]\n[[policies.quotas]]\nname = "q"\ntrack = "SASLUsername"\nlimits = [{ count = "recipients", max = 100, per = "1d" }]\n',
    sections: `[postfix]\nconfig_directories = ["${postfixDirectory("10.9.0.0/16 [2001:db8:9::]/48")}"]\n[[logs]]\npath = "${old}"\nfrom = "start"\n`,
    jails: `mode = "enforce"\nfail2ban = "${fail2banDirectory()}"\n[jails.trust]\naddresses = ["127.0.0.0/8", "::1", "192.168.7.0/24"]\n`,
  });
});

after(() => house.one?.[Symbol.asyncDispose]());

function one(): JailDaemon {
  assert.ok(house.one);
  return house.one;
}

function socketClient(): Promise<Client> {
  return Client.open({ socket: join(one().daemon.directory, "control.sock") });
}

/** What people read has no character that moves a cursor or turns the writing round. */
const unsafe = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

async function counts(jail: string): Promise<Readonly<Record<string, number>>> {
  const { stdout } = await one().daemon.command("jail", "show", jail, "--json");
  return (JSON.parse(stdout) as { counts: Record<string, number> }).counts;
}

describe("attackers who write into the log", { skip }, () => {
  test("T1 T2 T3 T32: a text in a line makes nobody else guilty, and logs nobody in", async () => {
    await one().settle(...hostileLines.flatMap((text) => times(20, () => line(text))));
    const named = ["bans", "ban_history", "good_logins"].flatMap((table) =>
      one().query(`select address from ${table}`),
    );
    assert.ok(!JSON.stringify([...named, ...one().query("select body from failures")]).includes(innocent));
    assert.equal((await one().daemon.command("accounts", "show", "ceo@example.org")).code, 4);
  });

  test("T4: control characters of a name stand in no text for people, and a name is in one line", async () => {
    const names = ["a\tb", "a\x1b[2Jb", "a\u202eb", "a\x00b", "a\rb", "a\x9bb"];
    await one().settle(...names.flatMap((name) => times(4, () => refused("192.0.2.41", `${name}@example.org`))));
    assert.ok(one().banned.includes("192.0.2.41 wrong-password"));
    for (const words of [
      ["explain", "192.0.2.41"],
      ["jail", "show", "wrong-password"],
      ["bans"],
      ["ip", "192.0.2.41"],
    ]) {
      const { code, stdout } = await one().daemon.command(...words);
      assert.equal(code, 0, words.join(" "));
      assert.doesNotMatch(stdout, unsafe, words.join(" "));
    }
  });

  test("T6: SQL in names and verbs is text, and an overlong value costs its line only", async () => {
    const tables = () => one().query("select name from sqlite_master order by name");
    const [before, bansBefore] = [tables(), one().banned];
    const name = "'; drop table bans;--@example.org";
    const more = ["\\'; delete from bans", "\u02bc or 1=1", '"); drop table trusts; --'];
    await one().settle(
      loggedIn("192.0.2.50", name),
      ...more.map((user) => refused("192.0.2.51", user)),
      refused("192.0.2.52", "x".repeat(8_000_000)),
      refused("192.0.2.51", "the line behind"),
    );
    assert.deepEqual(tables(), before);
    assert.ok(bansBefore.every((row) => one().banned.includes(row)));
    assert.ok(one().banned.includes("192.0.2.51 wrong-password"), "three hostile names and the line behind");
    assert.deepEqual(
      one()
        .query("select account from good_logins where network = '192.0.2.0/24'")
        .map((row) => ({ ...(row as object) })),
      [{ account: name }],
    );
    const client = await socketClient();
    const text = "1.2.3.4'; drop table bans";
    await assert.rejects(client.post("/bans/add", { addresses: [text], by: text }), /no address/);
    await assert.rejects(client.get("/ip", { address: text }));
    assert.deepEqual(tables(), before);
  });

  test("T7: own and trusted networks are never banned, by lines or by hand", async () => {
    const own = [
      "127.0.0.1",
      "::1",
      "::ffff:127.0.0.1",
      "10.9.3.4",
      "2001:db8:9::7",
      "192.168.7.9",
      ...(ownAddress ? [ownAddress] : []),
    ];
    await one().settle(...own.flatMap((ip) => times(9, (i) => refused(ip, `u${i}@example.org`))));
    assert.deepEqual(
      one().others.filter((row) => own.some((ip) => row.startsWith(`${ip} `)) || row.includes("/")),
      [],
    );
    await until(
      "all of them are counted as exempt",
      async () => ((await counts("wrong-password"))["exempt"] ?? 0) >= own.length * 9,
    );
    const wide = ["0.0.0.0/0", "1.2.3.4/0", "::/0", "10.0.0.0/8", "::ffff:127.0.0.1", "192.168.0.0/16", "10.9.3.4"];
    const { code, stdout } = await one().daemon.command("ban", ...wide, "--json");
    assert.equal(code, 5, stdout);
    assert.equal((JSON.parse(stdout) as { refused: unknown[] }).refused.length, wide.length);
  });

  test("T9: an outage of the password service is nobody's failure, and told once", async () => {
    const before = one().others;
    const outage = (i: number) => [
      line(
        `postfix/smtpd[7]: warning: unknown[192.0.2.${100 + (i % 50)}]: SASL LOGIN authentication failed: Connection lost to authentication server`,
      ),
      line(
        `postfix/smtpd[7]: warning: unknown[192.0.2.${100 + (i % 50)}]: SASL PLAIN authentication failed: generic failure`,
      ),
    ];
    await one().settle(...times(500, outage).flat());
    assert.deepEqual(one().others, before);
    const alerts = () => one().daemon.log.match(/ error auth\.down /g)?.length ?? 0;
    await until("it is told", () => alerts() > 0);
    assert.equal(alerts(), 1);
    assert.match((await one().daemon.command("status")).stdout, /Nobody can log in: the password service/);
  });

  test("T11: thousands of wrong passwords for one account ban addresses, and the account goes on sending", async () => {
    const ceo = "boss@example.org";
    await one().settle(
      ...times(2_000, (i) => refused(`10.${20 + (i >> 8)}.${i & 255}.7`, ceo)),
      ...times(4, () => refused("10.30.1.1", ceo)),
    );
    assert.ok(one().banned.includes("10.30.1.1 wrong-password"));
    using client = await PolicyClient.connect({ port: one().daemon.port });
    const asked = { sasl_username: ceo, sender: ceo, client_address: "192.0.2.222", instance: "boss1" };
    assert.equal(await client.ask(asked), "DUNNO");
    assert.deepEqual(one().query("select account from watches"), []);
  });

  test("T12: lines made to be slow cost time by their length, and the next line is right", async () => {
    const hostile = [
      "[".repeat(100_000),
      ", rip=".repeat(20_000),
      "a: ".repeat(100_000),
      "(".repeat(50_000) + ")".repeat(50_000),
      "x".repeat(1_000_000),
      "user=<".repeat(20_000),
    ];
    const programs = [
      "dovecot: imap-login: Disconnected (auth failed, 1 attempts): user=<",
      "postfix/smtpd[7]: warning: unknown[192.0.2.60]: SASL LOGIN authentication failed: ",
      "dovecot: auth: passwd-file(",
    ];
    const lines = hostile.flatMap((text) => programs.map((program) => line(program + text)));
    const megabytes = lines.reduce((sum, text) => sum + text.length, 0) / 1e6;
    const from = cpuSeconds(one().daemon.pid);
    await one().settle(...lines, ...times(4, () => refused("192.0.2.61", "behind@example.org")));
    const took = cpuSeconds(one().daemon.pid) - from;
    assert.ok(one().banned.includes("192.0.2.61 wrong-password"));
    // 50 ms a megabyte, and what a second or two of being awake costs on a machine whose cores others use.
    assert.ok(took < 0.05 * megabytes + 5, `${took} s for ${megabytes} MB`);
  });

  test("T13: names and odd forms in the place of an address are refused, and ban nobody", async () => {
    const before = one().banned;
    const client = await socketClient();
    for (const text of ["localhost", "010.0.0.1", "1.2.3", "0x7f.1", "2130706433", "fe80::1%eth0", "victim.example"])
      await assert.rejects(client.post("/bans/add", { addresses: [text], by: "test" }), /no address/, text);
    assert.deepEqual(one().banned, before);
    const named = (client: string) =>
      line(`postfix/smtpd[7]: warning: ${client}: SASL LOGIN authentication failed: UGFzc3dvcmQ6`);
    await one().settle(
      ...times(9, () =>
        ["victim.example[..]", "localhost[localhost]", "x[010.0.0.1]", "unknown[unknown]"].map(named),
      ).flat(),
    );
    assert.deepEqual(
      one().others,
      before.filter((row) => one().others.includes(row)),
    );
  });

  test("T30 T31: old logs ban nobody, and stamps that cannot be ban nobody for years", async () => {
    assert.ok(!one().banned.some((row) => row.startsWith("192.0.2.30 ")));
    const odd = [
      "1970-01-01T00:00:00+00:00",
      "2036-03-01T12:00:00+00:00",
      "2026-03-01T12:00:60+00:00",
      "2026-03-01T12:00:00+9999",
      "Feb 30 12:00:00",
    ];
    await one().settle(
      ...odd.flatMap((stamp) => times(9, () => refused("192.0.2.70", "a@example.org").replace(/^\S+/, stamp))),
    );
    const [far] = one().query(`select count(*) as rows from bans where until_at > ${Date.now() + 30 * 24 * hour}`) as {
      rows: number;
    }[];
    assert.equal(far?.rows, 0);
  });

  test("T33: a pattern without end, and a filter's name that leads elsewhere, cost that jail only", async () => {
    const endless = line(`app[1]: endless: ${"a".repeat(40)}! 192.0.2.80`);
    const plain = line(
      "postfix/smtpd[7]: warning: unknown[192.0.2.81]: SASL LOGIN authentication failed: UGFzc3dvcmQ6",
    );
    appendFileSync(fail2banLog, [...times(4, () => endless), ...times(4, () => plain)].join(""));
    await until("the line behind bans", () => one().banned.includes("192.0.2.81 postfix-sasl"));
    // What it looks like is told from the start; that it was left alone is told once it ran.
    const { problems } = await listed(one().daemon, "the pattern without end is left alone", (jails) =>
      jails.some(({ name, troubles }) => name === "odd0" && /took too long three times/.test(troubles.join())),
    );
    assert.ok(
      problems.some((text) => text.includes("odd1") || text.includes("passwd")),
      problems.join(),
    );
  });

  test("T36: an address that several good accounts share gets no long ban for the mistakes of one", async () => {
    await one().settle(
      ...times(3, (i) => loggedIn("192.0.2.200", `u${i}@example.org`)),
      ...times(10, () => refused("192.0.2.200", "u1@example.org")),
    );
    assert.ok(!one().banned.some((row) => row.startsWith("192.0.2.200 ")));
  });

  test("faults 23 30: a second daemon leaves the first alone; a store of yesterday bans nobody whose time is over", async () => {
    const { daemon } = one();
    assert.equal((await daemon.command("run")).code === 0, false);
    await daemon.command("ban", "192.0.2.90", "--for", "7d");
    await daemon.kill("SIGTERM");
    const { DatabaseSync } = await import("node:sqlite");
    const db = new DatabaseSync(daemon.storeFile);
    db.exec(`update bans set from_at = from_at - ${48 * hour}, until_at = until_at - ${48 * hour}`);
    db.close();
    assert.equal((await daemon.command("trust", "add", "192.0.2.64/27", "--note", "no daemon runs")).code, 0);
    assert.match((await daemon.command("trust", "list")).stdout, /192\.0\.2\.64\/27/);
    await daemon.run();
    const listed = (await daemon.command("bans", "--json")).stdout.split("\n").filter((text) => text !== "");
    assert.deepEqual(listed, [], "the hour of all others is over, and the ban of seven days is against a trust");
  });
});

/** utime and stime (proc(5)), of all threads. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
