// What is shown of accounts on every engine: a whole daemon that reads a log, restricts, contains and gives back.

import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { burst, home, limitedGroup, quietDays } from "../account-lines.ts";
import { PolicyClient } from "../policy-client.ts";
import { DaemonChild } from "./daemon.ts";

const full = process.env["POSTVARTA_FULL"] === "1";

const root = mkdtempSync(join(tmpdir(), "postvarta-accounts-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));

/** Where a daemon keeps what it knows. */
export interface AccountPlace {
  /** A daemon that reads a log with `text` in it. */
  start(text: string): Promise<StartedDaemon>;
  rows(daemon: DaemonChild, sql: string): Promise<readonly Record<string, unknown>[]>;
}

export interface StartedDaemon {
  readonly daemon: DaemonChild;
  /** Of its log. */
  readonly path: string;
}

export async function startWithLog(text: string, mode = "enforce", storeUrl?: string): Promise<StartedDaemon> {
  const path = join(mkdtempSync(join(root, "l-")), "mail.log");
  writeFileSync(path, text);
  const sections = `[[logs]]\npath = "${path}"\nfrom = "start"\n[accounts]\nmode = "${mode}"\n`;
  const where = storeUrl === undefined ? {} : { storeUrl, node: "mx1" };
  return { daemon: await DaemonChild.start({ rules: limitedGroup, sections, ...where }), path };
}

export const user = "olena@poshta.example";

/** Lines of a log → watch → the group → a question that is limited; what a person ends does not begin again by itself. */
export async function playWatch(place: AccountPlace): Promise<void> {
  const now = Date.now();
  const { daemon, path } = await place.start(quietDays(user, now) + quietDays("petro@poshta.example", now));
  await using _ = daemon;
  await knowsHistory(daemon);
  assert.equal(await isLimited(daemon, user), false);
  appendFileSync(path, burst(user, now - 60_000));
  assert.ok(await until(async () => (await watched(place, daemon)).length > 0));
  const written = performance.now();
  assert.ok(await until(() => isLimited(daemon, user)));
  const ms = performance.now() - written;
  assert.ok(ms < (full ? 2_000 : 5_000), `the next question obeys after ${ms} ms`);
  assert.equal(await isLimited(daemon, "petro@poshta.example"), false);
  assert.deepEqual(await watched(place, daemon), [user]);

  const shown = await show(daemon, user);
  assert.ok(["watch", "high"].includes(shown.level));
  const points = shown.signals.reduce((sum, signal) => sum + signal.points, 0);
  assert.equal(shown.score, Math.min(100, points), "points sum to the score");
  assert.ok(shown.recent.length >= 3);
  for (const { ip, network, country } of shown.recent) assert.ok(ip !== "" && network !== "" && country !== "");
  const map = await daemon.command("accounts", "show", user, "--map");
  assert.match(map.stdout, /\bUA: familiar/);
  assert.match(map.stdout, /\bVN: unfamiliar/);
  assert.match((await daemon.command("accounts", "list")).stdout, /olena@poshta\.example/);
  assert.match((await daemon.command("explain", user)).stdout, /under watch since/);
  const exported = await daemon.command("policy", "export");
  assert.doesNotMatch(exported.stdout, /olena/, "the group's own members are what is exported");
  assert.match((await daemon.command("group", "show", "newuser")).stdout, /\$olena@poshta\.example {2}\(under watch\)/);

  const removed = await daemon.command("group", "remove", "newuser", `$${user}`);
  assert.equal(removed.code, 0, removed.stderr);
  assert.equal(await isLimited(daemon, user), false, "the watch ended before the verb did");
  appendFileSync(path, burst(user, now - 1_000, 3));
  assert.ok(await until(async () => (await show(daemon, user)).logins >= 39));
  assert.deepEqual(await watched(place, daemon), [], "no watch begins again by itself");

  const begun = await daemon.command("accounts", "watch", user, "--until", "2h", "--reason", "a call");
  assert.equal(begun.code, 0, begun.stderr);
  assert.equal(await isLimited(daemon, user), true);
  await daemon.command("accounts", "watch", user, "--end");
  assert.equal(await isLimited(daemon, user), false);
}

/** The checklist that contains an account, and the one that gives it back. */
export async function playContainment(place: AccountPlace): Promise<void> {
  const now = Date.now();
  const { daemon, path } = await place.start(quietDays(user, now));
  await using _ = daemon;
  await knowsHistory(daemon);
  appendFileSync(path, burst(user, now - 60_000, 8));
  assert.ok(await until(async () => (await watched(place, daemon)).length === 1));
  assert.ok(await until(async () => (await show(daemon, user)).logins === 32));

  const planned = await daemon.command("accounts", "contain", user);
  assert.equal(planned.code, 0, planned.stderr);
  assert.match(planned.stdout, /nothing was done/);
  assert.equal(
    (await place.rows(daemon, "select * from freezes")).length +
      (await place.rows(daemon, "select * from bans")).length,
    0,
  );

  const contained = await daemon.command("accounts", "contain", user, "--yes", "--json");
  assert.equal(contained.code, 0, contained.stderr);
  const { steps } = JSON.parse(contained.stdout) as { steps: { step: string; result: string; detail: string }[] };
  const resultOf = (name: string) => steps.find(({ step }) => step === name)?.result;
  assert.deepEqual([resultOf("freeze"), resultOf("ban"), resultOf("notify")], ["done", "done", "done"]);
  assert.equal(resultOf("kick"), "by_hand");
  assert.match(await answerTo(daemon, user), /suspended/, "the next question is refused");
  assert.match(await answerTo(daemon, "petro@poshta.example"), /DUNNO/);
  const banned = (await place.rows(daemon, "select address from bans")).map(({ address }) => String(address));
  assert.equal(banned.length, 8);
  assert.ok(!banned.some((address) => address.startsWith(home)), "never the owner's usual address");
  assert.ok((await place.rows(daemon, "select * from notices where kind = 'account_contained'")).length === 1);

  assert.equal((await daemon.command("accounts", "release", user, "--yes")).code, 5, "the password comes first");
  const released = await daemon.command("accounts", "release", user, "--password-changed", "--yes");
  assert.equal(released.code, 0, released.stderr);
  assert.equal(
    (await place.rows(daemon, "select * from bans")).length +
      (await place.rows(daemon, "select * from freezes")).length,
    0,
  );
  assert.match(await answerTo(daemon, user), /LIMIT AT QUOTAUSE/, "a probation in the watch group");
  assert.ok(await until(async () => (await show(daemon, user)).level === "calm"));
  assert.equal((await place.rows(daemon, "select origin from watches"))[0]?.["origin"], "release");
}

/** Where nodes may share a store, what is read late becomes known some seconds after it was read. */
async function knowsHistory(daemon: DaemonChild): Promise<void> {
  const loginsOf = async () => {
    const { stdout, code } = await daemon.command("accounts", "show", user, "--json");
    return code === 0 ? (JSON.parse(stdout) as Shown).logins : 0;
  };
  assert.ok(await until(async () => (await loginsOf()) === 24));
}

async function watched(place: AccountPlace, daemon: DaemonChild): Promise<unknown[]> {
  return (await place.rows(daemon, "select account from watches order by account")).map(({ account }) => account);
}

export async function until(isTrue: () => boolean | Promise<boolean>, ms = 20_000): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (performance.now() < deadline) {
    if (await isTrue()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

export async function isLimited(daemon: DaemonChild, user: string): Promise<boolean> {
  return (await answerTo(daemon, user)).includes("LIMIT AT QUOTAUSE");
}

async function answerTo(daemon: DaemonChild, user: string): Promise<string> {
  using client = await PolicyClient.connect({ port: daemon.port });
  return await client.ask({
    protocol_state: "RCPT",
    instance: `i${process.hrtime.bigint()}`,
    sasl_username: user,
    sender: user,
    recipient: "x@there.example",
    client_address: home,
  });
}

export interface Shown {
  readonly level: string;
  readonly score: number;
  readonly logins: number;
  readonly signals: readonly { readonly points: number }[];
  readonly recent: readonly { readonly ip: string; readonly network: string; readonly country: string }[];
  readonly marks: readonly { readonly kind: string; readonly value: string; readonly by: string }[];
  readonly watch: { readonly reason: string } | null;
}

export async function show(daemon: DaemonChild, account: string): Promise<Shown> {
  const { stdout, code, stderr } = await daemon.command("accounts", "show", account, "--json");
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Shown;
}
