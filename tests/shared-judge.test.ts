// Accounts of several nodes on one PostgreSQL: an attack that is spread over two mail servers is seen as one, whichever node judges;
// when that one dies the other goes on; what a person does on one holds on all.

import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { burst, home, limitedGroup, quietDays } from "./account-lines.ts";
import { DaemonChild } from "./e2e/daemon.ts";
import { needs } from "./needs.ts";
import { PolicyClient } from "./policy-client.ts";
import { PostgresRig } from "./postgres-rig.ts";
import { until } from "./until.ts";

const user = "olena@poshta.example";
const folder = mkdtempSync(join(tmpdir(), "postvarta-shared-"));

interface Shown {
  readonly level: string;
  readonly score: number;
  readonly logins: number;
  readonly recent: readonly { readonly ip: string }[];
}

/** Logins of the last day from elsewhere: our own questions are asked from home. */
async function foreign(daemon: DaemonChild): Promise<number | undefined> {
  return (await show(daemon))?.recent.filter(({ ip }) => ip !== home).length;
}

async function show(daemon: DaemonChild): Promise<Shown | undefined> {
  const { stdout, code } = await daemon.command("accounts", "show", user, "--json");
  return code === 0 ? (JSON.parse(stdout) as Shown) : undefined;
}

async function isLimited(daemon: DaemonChild): Promise<boolean> {
  return (await answerOf(daemon)).includes("LIMIT AT QUOTAUSE");
}

async function answerOf(daemon: DaemonChild): Promise<string> {
  using client = await PolicyClient.connect({ port: daemon.port });
  return await client.ask({
    ...{ protocol_state: "RCPT", instance: `i${process.hrtime.bigint()}`, sasl_username: user, sender: user },
    ...{ recipient: "x@there.example", client_address: home },
  });
}

/** Every second message of a burst came through the other server. */
function spread(text: string): readonly [string, string] {
  const messages = text.split(/(?<=\n)(?=\S+ mx1 postfix\/submission)/);
  const ofNode = (node: number) => messages.filter((_, i) => i % 2 === node).join("");
  return [ofNode(0), ofNode(1).replaceAll(" mx1 ", " mx2 ")];
}

describe("two daemons on one PostgreSQL judge accounts as one", { skip: needs("postgres") }, () => {
  let rig: PostgresRig;
  let one: DaemonChild;
  let two: DaemonChild;
  const log = (node: string) => join(folder, `${node}.log`);
  before(async () => {
    rig = await PostgresRig.start();
    const storeUrl = await rig.createDatabase();
    writeFileSync(log("mx1"), quietDays(user, Date.now()));
    writeFileSync(log("mx2"), "");
    const start = (node: string) => {
      const sections = `[[logs]]\npath = "${log(node)}"\nfrom = "start"\n[accounts]\nmode = "enforce"\n[postfix]\nconfig_directories = ["${folder}/none"]\n`;
      return DaemonChild.start({ rules: limitedGroup, storeUrl, node, sections });
    };
    one = await start("mx1");
    two = await start("mx2");
  });
  after(async () => {
    await one?.[Symbol.asyncDispose]();
    await two?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const judge = async () => {
    const rows = await rig.query("select node from node_roles where role = 'judge'");
    return String(rows[0]?.["node"] ?? "");
  };
  const levels = () => rig.query("select level from account_levels order by id");

  test("what either server's log tells is one history, shown alike by both", async () => {
    await until("the history is whole on the first", async () => (await show(one))?.logins === 24);
    await until("and on the second", async () => (await show(two))?.logins === 24);
    const nodes = await rig.query("select distinct node from account_told");
    assert.ok(nodes.length <= 2 && (await judge()) !== "");
  });

  test("an attack spread over both is under watch, once, and both obey", async () => {
    const [first, second] = spread(burst(user, Date.now() - 60_000));
    appendFileSync(log("mx1"), first);
    appendFileSync(log("mx2"), second);
    await until("the first obeys", () => isLimited(one));
    await until("the second obeys", () => isLimited(two));
    assert.equal((await rig.query("select account from watches")).length, 1);
    await until("all of it is judged", async () => (await foreign(two)) === 12);
    const shown = [await show(one), await show(two)];
    assert.deepEqual([shown[0]?.level, shown[0]?.score], [shown[1]?.level, shown[1]?.score]);
    const risen = (await levels()).map(({ level }) => level);
    assert.deepEqual(risen, [...new Set(risen)], "each level is reached once");
  });

  test("the node that judges is killed: the other goes on where it stood, and doubles nothing", async () => {
    const first = await judge();
    const [dead, alive, node] = first === "mx1" ? [one, two, "mx2"] : [two, one, "mx1"];
    const before = (await levels()).length;
    await dead.kill();
    appendFileSync(log(node), burst(user, Date.now() - 2_000, 3, 500).replaceAll(" mx1 ", ` ${node} `));
    await until("the other one judges", async () => (await judge()) === node);
    await until("and knows all of it", async () => (await foreign(alive)) === 15);
    assert.equal((await levels()).length, before);
    await dead.run();
    await until("the one that was dead tells what it missed", async () => (await foreign(dead)) === 15);
    assert.equal(await judge(), node, "nobody is pushed aside");
  });

  test("contained on one node it may not send on the other; released there it may on both", async () => {
    const act = async (daemon: DaemonChild, ...words: readonly string[]) => {
      const { code, stdout, stderr } = await daemon.command("accounts", ...words, "--yes", "--json");
      assert.equal(code, 0, stderr);
      const { steps } = JSON.parse(stdout) as { steps: { step: string; result: string; detail: string }[] };
      return new Map(steps.map((step) => [step.step, step]));
    };
    const contained = await act(one, "contain", user);
    assert.deepEqual([contained.get("freeze")?.result, contained.get("ban")?.result], ["done", "done"]);
    assert.ok(!(contained.get("ban")?.detail ?? "").includes(home));
    // Without a helper each node says what somebody has to run there.
    for (const step of ["hold", "kick"]) assert.equal(contained.get(step)?.result, "by_hand");
    assert.match(contained.get("hold")?.detail ?? "", /^mx1: postsuper -h \w+.*; mx2: postsuper -h \w+/);
    assert.match(contained.get("kick")?.detail ?? "", /^mx1: doveadm kick .*; mx2: doveadm kick /);
    for (const daemon of [one, two]) await until("it is frozen", async () => /suspended/.test(await answerOf(daemon)));
    assert.ok((await rig.query("select * from bans where jail = 'account'")).length >= 10);
    const released = await act(two, "release", user, "--password-changed", "--probation", "0s");
    assert.equal(released.get("reset")?.result, "done", JSON.stringify(released.get("reset")));
    assert.match(released.get("unhold")?.detail ?? "", /^mx2: postsuper -d \w+.*; mx1: postsuper -d \w+/);
    assert.deepEqual(await rig.query("select * from bans"), []);
    for (const daemon of [one, two]) await until("it may send", async () => (await answerOf(daemon)) === "DUNNO");
    await until("all is calm", async () => (await show(one))?.level === "calm");
    assert.deepEqual(await rig.query("select * from watches"), []);
  });

  test("a mark made beside the judge counts, and an account erased there is gone everywhere", async () => {
    const [judging, beside] = (await judge()) === "mx1" ? [one, two] : [two, one];
    appendFileSync(log("mx1"), burst(user, Date.now() - 20_000, 6, 500));
    await until("a second attack is seen", async () => ((await show(judging))?.score ?? 0) > 30);
    const loud = (await show(judging))?.score ?? 0;
    const marked = await beside.command("accounts", "mark", user, "--mine", "all");
    assert.equal(marked.code, 0, marked.stderr);
    await until("the judge takes it", async () => ((await show(judging))?.score ?? 100) < loud);
    const erased = await beside.command("accounts", "erase", user);
    assert.equal(erased.code, 0, erased.stderr);
    assert.deepEqual([await show(judging), await show(beside)], [undefined, undefined]);
    await until("nothing of it is left", async () => {
      const tables = ["account_histories", "account_mails", "account_levels", "watches", "account_marks"];
      const counts = await Promise.all(tables.map((table) => rig.query(`select * from ${table}`)));
      const told = await rig.query(`select body from account_told where body like '%olena%'`);
      return counts.every((rows) => rows.length === 0) && told.length === 0;
    });
    await judging.kill("SIGTERM");
    await judging.run();
    assert.equal(await show(beside), undefined);
  });
});
