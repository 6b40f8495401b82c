// The whole daemon with jails: a line in the log becomes a row within a second, over restarts and kill -9; who is spared; who is not.

import assert from "node:assert/strict";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { writeSeedFail2ban } from "../seed-fail2ban.ts";
import { until } from "../until.ts";
import type { DaemonChild } from "./daemon.ts";
import { JailDaemon, line, listed, refused, testFolder } from "./jail-daemon.ts";

/** What fail2ban-client prints of a daemon that has banned 198.51.100.2 and 198.51.100.3. */
async function answersClient(daemon: DaemonChild, path: string): Promise<void> {
  const session: readonly (readonly [string, number, RegExp])[] = [
    ["ping", 0, /^Server replied: pong\n$/],
    ["status", 0, /^Status\n\|- Number of jail:\t\d+\n`- Jail list:\t.*postfix-sasl, postfix-conlim, postfix-overlim/],
    ["status postfix-sasl", 0, new RegExp(`File list:\t${path}\n[^]*Banned IP list:\t198\\.51\\.100\\.2\n$`)],
    ["status nope", 255, /^Sorry but the jail 'nope' does not exist\n$/],
    ["get postfix-sasl bantime", 0, /^360000\n$/],
    ["set postfix-sasl banip 198.51.100.44", 0, /^1\n$/],
    ["set postfix-sasl banip 198.51.100.44", 0, /^0\n$/],
    ["banned 198.51.100.44", 0, /^\[\['postfix-sasl'\]\]\n$/],
    ["get postfix-sasl banip --with-time", 0, /198\.51\.100\.44 \t.* \+ 3600\d\d = /],
    ["set postfix-sasl unbanip 198.51.100.44", 0, /^1\n$/],
    ["set postfix-sasl unbanip --report-absent 198.51.100.44", 255, /^not banned: \['198\.51\.100\.44'\]\n$/],
    ["reload", 255, /^$/],
  ];
  for (const [words, code, text] of session) {
    const outcome = await daemon.command("fail2ban-client", ...words.split(" "));
    assert.equal(outcome.code, code, `${words}: ${outcome.stderr}`);
    assert.match(outcome.stdout, text, words);
  }
}

describe("jails in the daemon", () => {
  test("the fourth wrong password is a row within moments, only observed by default", async () => {
    await using house = await JailDaemon.start();
    for (let i = 0; i < 3; i++) appendFileSync(house.path, refused("192.0.2.7", "ceo@example.org"));
    appendFileSync(house.path, refused("192.0.2.7", "ceo@example.org"));
    const begun = performance.now();
    await until("the ban", () => house.bans().length > 0);
    const tookMs = performance.now() - begun;
    assert.deepEqual(
      house.bans().map((row) => ({ ...row })),
      [{ address: "192.0.2.7", jail: "wrong-password", enforce: 0, reason: "4 wrong passwords within 10m" }],
    );
    assert.ok(tookMs < 5_000, `${tookMs} ms`);
  });

  test("a restart and kill -9 lose no count", async () => {
    await using house = await JailDaemon.start({ jails: 'mode = "enforce"' });
    const { daemon } = house;
    await house.settle(refused("192.0.2.7", "a@example.org"), refused("192.0.2.7", "a@example.org"));
    await daemon.kill("SIGKILL");
    await daemon.run();
    await house.settle(refused("192.0.2.7", "a@example.org"));
    assert.ok(!house.banned.some((row) => row.startsWith("192.0.2.7 ")));
    await daemon.kill("SIGTERM");
    await daemon.run();
    await house.settle(refused("192.0.2.7", "a@example.org"));
    assert.deepEqual(
      house
        .bans()
        .filter(({ address }) => address === "192.0.2.7")
        .map(({ jail, enforce }) => ({ jail, enforce })),
      [{ jail: "wrong-password", enforce: 1 }],
    );
  });

  test("jail list, jail show and explain tell what was counted, and why somebody is banned", async () => {
    await using house = await JailDaemon.start();
    const { daemon } = house;
    await house.settle(...[1, 2, 3, 4].map(() => refused("192.0.2.7", "ceo@example.org")), refused("192.0.2.8", "x"));
    await listed(daemon, "two tickets", (jails) => jails.some(({ counts }) => (counts["tickets"] ?? 0) >= 2));
    const show = JSON.parse((await daemon.command("jail", "show", "wrong-password", "--json")).stdout);
    assert.ok(
      show.failing_now.some(({ id, count }: { id: string; count: number }) => id === "192.0.2.8" && count === 1),
    );
    assert.ok(show.bans.some(({ address }: { address: string }) => address === "192.0.2.7"));
    const explain = JSON.parse((await daemon.command("explain", "192.0.2.7", "--json")).stdout);
    const [ban] = explain.bans;
    assert.equal(ban.lines.length, 4);
    assert.deepEqual(
      ban.curve.map(({ count }: { count: number }) => count),
      [1, 2, 3, 4],
    );
    const text = await daemon.command("explain", "192.0.2.7");
    assert.match(text.stdout, /because {3}4 wrong passwords within 10m[\s\S]*sasl_username=ceo@example\.org/);
    assert.equal((await daemon.command("jail", "show", "wrong-pasword")).code, 4);
  });

  test("Fail2ban's jails follow their own log and count on over a restart", async () => {
    const directory = testFolder();
    const path = join(directory, "maillog");
    writeFileSync(path, "");
    writeSeedFail2ban(directory, path);
    const off = "enabled = false\n";
    const jails = `mode = "enforce"\nfail2ban = "${directory}"\n[jails.wrong_password]\n${off}[jails.spraying]\n${off}[jails.quota_refusal]\n${off}`;
    await using house = await JailDaemon.start({ jails });
    const { daemon } = house;
    const plain = (ip: string) =>
      line(`postfix/smtpd[7]: warning: unknown[${ip}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6`);
    const over = (ip: string) =>
      line(
        `postfix/smtpd[7]: NOQUEUE: reject: RCPT from unknown[${ip}]: 554 5.7.1 <a@example.net>: Recipient address rejected: LIMIT AT QUOTAUSE; from=<u@example.org> to=<a@example.net> proto=ESMTP helo=<c>`,
      );
    for (let i = 0; i < 4; i++) appendFileSync(path, over("198.51.100.3"));
    for (let i = 0; i < 3; i++) appendFileSync(path, plain("198.51.100.1"));
    for (let i = 0; i < 4; i++) appendFileSync(path, plain("198.51.100.2"));
    await until("the fourth bans", () => house.banned.includes("198.51.100.2 postfix-sasl"));
    assert.deepEqual(house.banned, ["198.51.100.2 postfix-sasl", "198.51.100.3 postfix-overlim"]);
    await daemon.kill("SIGKILL");
    await daemon.run();
    await listed(daemon, "the jails run", (jails) => jails.length > 0);
    await answersClient(daemon, path);
    appendFileSync(path, plain("198.51.100.1"));
    await until("the count goes on", () => house.banned.length === 3);
    assert.deepEqual(house.banned[0], "198.51.100.1 postfix-sasl");
    assert.ok(house.bans().every(({ enforce }) => enforce === 1));
  });
});
