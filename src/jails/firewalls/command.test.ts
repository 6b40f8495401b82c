import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { adding, create, folder, memory, read, sasl } from "../../../tests/command-house.ts";
import { testEnforced } from "../../../tests/contracts/enforced.ts";
import { block, type FirewallUnderTest, testFirewall } from "../../../tests/contracts/firewall.ts";
import type { Block } from "../../core/firewall.ts";
import { blockKey } from "../../core/firewall.ts";

const kind: FirewallUnderTest = {
  name: "command",
  create: async (place) => create(place),
  wipe: async (place) => rmSync(join(place, "set"), { force: true }),
  keeps: false,
  batchMax: 40,
};
testFirewall(kind);
testEnforced(kind);

test("command: what a log said reaches a command as a value, whatever it holds", async () => {
  const matches = "$(touch pwn) `id` ; reboot | '\" <ip> %s\\n\nsecond line -f /etc/passwd";
  const log = join(folder, "told");
  const mail = `[Definition]\nactionban = printf '%%s|' "<matches>" <matches> '<ip>' "<failures> <bantime> <F-USER>" <family> <restored> >> ${log}\n`;
  const { firewall } = create(undefined, { actions: { mail }, action: "mail", values: { matches } });
  await using opened = firewall;
  await opened.open();
  assert.deepEqual(await opened.apply(adding(sasl("2001:db8::7"))), []);
  assert.equal(readFileSync(log, "utf8"), `${matches}|${matches}|2001:db8::7|4 3600 |inet6|0|`);
});

test("command: one address that fails is given back, and the others of the batch stand", async () => {
  const file = join(folder, "odd");
  const odd = `[Definition]\nactionban = case <ip> in *.13) echo 'no such luck' >&2; exit 3;; *) echo <ip> >> ${file};; esac\nactionunban = exit 1\n`;
  const { firewall } = create(undefined, { actions: { odd }, action: "odd" });
  await using opened = firewall;
  await opened.open();
  const blocks = ["192.0.2.12", "192.0.2.13", "192.0.2.14"].map(sasl);
  assert.deepEqual((await opened.apply(adding(...blocks))).map(blockKey), ["192.0.2.13 @sasl"]);
  assert.equal(readFileSync(file, "utf8"), "192.0.2.12\n192.0.2.14\n");
  assert.deepEqual((await opened.readBack()).map(blockKey).sort(), ["192.0.2.12 @sasl", "192.0.2.14 @sasl"]);
  // An unban that fails is told and given up.
  assert.deepEqual(await opened.apply({ adds: [], renewals: [], deletes: blocks }), []);
  assert.deepEqual(await opened.readBack(), []);
});

test("command: what hangs is ended with all that it started, and holds up no other jail's bans", async () => {
  const mark = `postvarta-${process.pid}-hang`;
  const slow = `[Definition]\nactionban = sh -c 'sleep 600; : ${mark}'\n[Init]\ntimeout = 1\n`;
  const { firewall, held } = create(undefined, { actions: { slow }, action: "slow", other: "table" });
  await using opened = firewall;
  await opened.open();
  const hanging = [sasl("192.0.2.1"), sasl("192.0.2.2"), sasl("192.0.2.3")];
  const refused = await opened.apply(adding(...hanging, { ...block("192.0.2.9"), jail: "manual" }));
  assert.deepEqual(refused, hanging);
  assert.deepEqual(held(), ["192.0.2.9"]);
  const left = () => execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).includes(mark);
  for (let look = 0; look < 100 && left(); look++) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(left(), false);
});

test("command: a ban that hung when it had done its work is not there twice after the next try", async () => {
  const rules = join(folder, "rules");
  const late = `[Definition]\nactionban = echo <ip> >> ${rules}; test -e ${rules}.ready || sleep 600\nactionunban = sed -i /<ip>/d ${rules}\n[Init]\ntimeout = 1\n`;
  const kept = memory();
  const { firewall } = create(undefined, { actions: { late }, action: "late", memory: kept });
  await using opened = firewall;
  await opened.open();
  const one = sasl("192.0.2.1");
  assert.deepEqual(await opened.apply(adding(one)), [one]);
  assert.deepEqual((await kept.read()).map(blockKey), ["192.0.2.1 @sasl"]);
  writeFileSync(`${rules}.ready`, "");
  assert.deepEqual(await opened.apply({ adds: [], renewals: [one], deletes: [] }), []);
  assert.equal(read(rules), "192.0.2.1\n");
});

test("command: a ban whose command fails is not remembered for the next process", async () => {
  const fails = "[Definition]\nactionban = false\n";
  const kept = memory();
  const { firewall } = create(undefined, { actions: { fails }, action: "fails", memory: kept });
  await using opened = firewall;
  await opened.open();
  await opened.apply(adding(sasl("192.0.2.1")));
  assert.deepEqual(await kept.read(), []);
});

test("command: a change that takes too long gives back what it did not come to", async () => {
  const slow = "[Definition]\nactionban = sleep 0.3\n";
  const { firewall } = create(undefined, { actions: { slow }, action: "slow", budgetMs: 500 });
  await using opened = firewall;
  await opened.open();
  const many = Array.from({ length: 20 }, (_, i) => sasl(`192.0.2.${i}`));
  const refused = await opened.apply(adding(...many));
  assert.ok(refused.length >= 15 && refused.length < 20, `${refused.length} given back`);
  assert.equal((await opened.readBack()).length, 20 - refused.length);
});

test("command: what was there is not started again, and a ban that stood is not there twice", async () => {
  const kept = memory();
  const first = create(undefined, { memory: kept });
  await first.firewall.open();
  await first.firewall.apply(adding(sasl("192.0.2.1"), sasl("192.0.2.2")));
  await first.firewall[Symbol.asyncDispose]();
  assert.deepEqual(first.held(), ["192.0.2.1", "192.0.2.2"]);
  await using second = create(first.place, { memory: kept }).firewall;
  await second.open();
  // Nobody knows whether they stand still: that they should have ended says so.
  const left = await second.readBack();
  assert.deepEqual(
    left.map((one) => `${blockKey(one)} ${one.until}`),
    ["192.0.2.1 @sasl 0", "192.0.2.2 @sasl 0"],
  );
  // The second ban ended while nobody ran.
  const change = { adds: [], renewals: [sasl("192.0.2.1")], deletes: [sasl("192.0.2.2")], restored: true };
  assert.deepEqual(await second.apply(change), []);
  assert.deepEqual(first.held(), ["192.0.2.1"]);
  assert.deepEqual((await kept.read()).map(blockKey), ["192.0.2.1 @sasl"]);
});

test("command: a flush by another process takes back what commands were run for", async () => {
  const kept = memory();
  const first = create(undefined, { memory: kept });
  await first.firewall.open();
  await first.firewall.apply(adding(sasl("192.0.2.1"), sasl("192.0.2.2")));
  await first.firewall[Symbol.asyncDispose]();
  assert.equal(existsSync(first.file), true);
  await using second = create(first.place, { memory: kept }).firewall;
  await second.flush();
  assert.equal(existsSync(first.file), false);
  assert.deepEqual(await kept.read(), []);
});

test("command: an action is started on demand, once for both families where it has one command, and stopped by a flush", async () => {
  const told = join(folder, "demand");
  const demand = `[Definition]\nactionstart = echo start <kind> >> ${told}\nactionstop = echo stop <kind> >> ${told}\nactionflush = echo flush <kind> >> ${told}\nactionban = echo <ip> >> ${told}\n[Init]\nkind = four\n[Init?family=inet6]\nkind = six\n`;
  const { firewall } = create(undefined, { actions: { demand }, action: "demand\n table" });
  await using opened = firewall;
  await opened.open();
  assert.equal(existsSync(told), false);
  await opened.apply(adding(sasl("192.0.2.1"), sasl("192.0.2.2")));
  assert.equal(readFileSync(told, "utf8"), "start four\n192.0.2.1\n192.0.2.2\n");
  await opened.apply(adding(sasl("2001:db8::1")));
  await opened.flush();
  const lines = readFileSync(told, "utf8").split("\n").slice(3, -1);
  assert.deepEqual(lines, ["start six", "2001:db8::1", "flush six", "stop six", "flush four", "stop four"]);
});

test("command: a notifier that is not for restored bans is left out of a start", async () => {
  const told = join(folder, "restored");
  const mail = `[Definition]\nnorestored = 1\nactionban = echo <ip> >> ${told}\n`;
  const { firewall, held } = create(undefined, { actions: { mail }, action: "table\n mail" });
  await using opened = firewall;
  await opened.open();
  await opened.apply({ ...adding(sasl("192.0.2.1")), restored: true });
  await opened.apply(adding(sasl("192.0.2.2")));
  assert.deepEqual(held(), ["192.0.2.1", "192.0.2.2"]);
  assert.equal(readFileSync(told, "utf8"), "192.0.2.2\n");
});

test("command: a table that is gone is repaired before the next ban, and what it held comes back by the rows", async () => {
  const told = join(folder, "repair");
  const file = join(folder, "repaired");
  const repair = `[Definition]\nactionstart = echo start >> ${told}; : > ${file}\nactionrepair = echo repair >> ${told}; : > ${file}\nactioncheck = test -f ${file}\nactionban = test -f ${file} && echo <ip> >> ${file}\n`;
  const { firewall } = create(undefined, { actions: { repair }, action: "repair" });
  await using opened = firewall;
  await opened.open();
  await opened.apply(adding(sasl("192.0.2.1")));
  rmSync(file);
  // What the table held is given back with what was refused: both are handed over again.
  assert.deepEqual((await opened.apply(adding(sasl("192.0.2.2")))).map(blockKey), ["192.0.2.1 @sasl"]);
  assert.equal(readFileSync(told, "utf8"), "start\nrepair\n");
  assert.deepEqual((await opened.readBack()).map(blockKey), ["192.0.2.2 @sasl"]);
});

test("command: only a look between the changes tells of one from outside", async () => {
  const { firewall, file } = create();
  await using opened = firewall;
  let heard = 0;
  opened.onForeignChange(() => heard++);
  await opened.open();
  await opened.apply(adding(sasl("192.0.2.1")));
  rmSync(file);
  for (let look = 0; look < 200 && heard === 0; look++) await sleep(50);
  assert.equal(heard > 0, true);
  await opened.readBack();
  // An action that is gone after every ban: whoever hands it over learns that from the answer.
  const gone = `[Definition]\nactionstart = true\nactioncheck = false\nactionban = false\n`;
  const broken = create(undefined, { actions: { gone }, action: "gone", glanceMs: 600_000 });
  await using second = broken.firewall;
  second.onForeignChange(() => heard++);
  await second.open();
  const before = heard;
  assert.deepEqual(await second.apply(adding(sasl("192.0.2.1"))), [sasl("192.0.2.1")]);
  await second.readBack();
  assert.equal(heard, before);
});

test("command: an action that is asked and does not answer is not taken to be gone", async () => {
  const told = join(folder, "silent");
  const silent = `[Definition]\nactionstart = echo start >> ${told}\nactionstop = echo stop >> ${told}\nactioncheck = test ! -e ${told}.hangs || sleep 600\nactionban = echo <ip> >> ${told}\n[Init]\ntimeout = 1\n`;
  const { firewall } = create(undefined, { actions: { silent }, action: "silent", glanceMs: 600_000 });
  await using opened = firewall;
  await opened.open();
  await opened.apply(adding(sasl("192.0.2.1")));
  const before = read(told);
  writeFileSync(`${told}.hangs`, "");
  assert.deepEqual((await opened.readBack()).map(blockKey), ["192.0.2.1 @sasl"]);
  await opened.apply(adding(sasl("192.0.2.2")));
  assert.equal(read(told), `${before}192.0.2.2\n`);
});

test("command: nobody to run commands gives the bans back, and nothing that stood is lost", async () => {
  const fault: { error?: Error } = {};
  const { firewall } = create(undefined, {
    run: async () => {
      if (fault.error !== undefined) throw fault.error;
      return { ok: true, hung: false, said: "" };
    },
  });
  await using opened = firewall;
  await opened.open();
  await opened.apply(adding(sasl("192.0.2.1")));
  fault.error = new Error("the helper is gone");
  assert.deepEqual(await opened.apply(adding(sasl("192.0.2.2"))), [sasl("192.0.2.2")]);
  assert.ok((await opened.readBack()).some((one) => blockKey(one) === "192.0.2.1 @sasl" && one.until !== 0));
});

test("command: no command is begun once everything ends", async () => {
  const called: string[] = [];
  const { firewall } = create(undefined, {
    run: async (call) => {
      called.push(`${call.operation} ${call.address}`);
      await sleep(300);
      return { ok: true, hung: false, said: "" };
    },
  });
  await using opened = firewall;
  await opened.open();
  called.length = 0;
  const work = opened.apply(adding(sasl("192.0.2.1"), sasl("192.0.2.2"), sasl("192.0.2.3")));
  for (let look = 0; look < 200 && called.length === 0; look++) await sleep(5);
  opened.hurry();
  const before = called.length;
  assert.equal((await work).length, 3);
  await opened.readBack();
  await opened.apply({ adds: [], renewals: [], deletes: [sasl("192.0.2.4")] });
  await sleep(400);
  assert.equal(called.length, before);
});

test("command: a ban that stood and was not reached at the start is a restored one when its turn comes", async () => {
  const told = join(folder, "later");
  const slow = `[Definition]\nactionban = sleep 0.2; echo <ip> <restored> >> ${told}\n`;
  const mail = `[Definition]\nnorestored = 1\nactionban = echo mail <ip> >> ${told}\n`;
  const { firewall } = create(undefined, { actions: { slow, mail }, action: "slow\n mail", budgetMs: 300 });
  await using opened = firewall;
  await opened.open();
  const all = Array.from({ length: 4 }, (_, i) => sasl(`192.0.2.${i}`));
  let left = await opened.apply({ ...adding(...all), restored: true });
  assert.ok(left.length > 0 && left.length < 4, `${left.length} left`);
  for (let pass = 0; pass < 20 && left.length > 0; pass++) left = await opened.apply(adding(...left));
  assert.deepEqual(left, []);
  assert.equal(read(told), "192.0.2.0 1\n192.0.2.1 1\n192.0.2.2 1\n192.0.2.3 1\n");
});

test("command: a ban that is prolonged runs actionprolong once, and not because another action is tried again", async () => {
  const told = join(folder, "prolong");
  const longer = `[Definition]\nactionban = echo ban >> ${told}\nactionprolong = echo prolong <bantime> >> ${told}\n`;
  const fails = `[Definition]\nactionban = test -e ${told}.ready\n`;
  const { firewall } = create(undefined, { actions: { longer, fails }, action: "longer\n fails" });
  await using opened = firewall;
  await opened.open();
  const one = sasl("192.0.2.1");
  assert.deepEqual(await opened.apply(adding(one)), [one]);
  assert.deepEqual(await opened.apply(adding(one)), [one]);
  writeFileSync(`${told}.ready`, "");
  assert.deepEqual(await opened.apply(adding(one)), []);
  assert.equal(read(told), "ban\n");
  const later = { ...one, until: (one.until ?? 0) + 3_600_000 };
  assert.deepEqual(await opened.apply({ adds: [], renewals: [later], deletes: [] }), []);
  assert.equal(read(told), "ban\nprolong 3600\n");
  assert.deepEqual(await opened.readBack(), [later]);
});

test("command: a ban that was not reached to be prolonged is prolonged when its turn comes, and stands meanwhile", async () => {
  const told = join(folder, "prolonged");
  const slow = `[Definition]\nactionban = true\nactionprolong = sleep 0.2; echo <ip> >> ${told}\n`;
  const { firewall } = create(undefined, { actions: { slow }, action: "slow", budgetMs: 300 });
  await using opened = firewall;
  await opened.open();
  const all = Array.from({ length: 4 }, (_, i) => sasl(`192.0.2.${i}`));
  for (let left: readonly Block[] = all, pass = 0; left.length > 0 && pass < 20; pass++)
    left = await opened.apply(adding(...left));
  let left: readonly Block[] = all.map((one) => ({ ...one, until: (one.until ?? 0) + 3_600_000 }));
  left = await opened.apply({ adds: [], renewals: left, deletes: [] });
  assert.ok(left.length > 0 && left.length < 4, `${left.length} left`);
  assert.deepEqual(
    (await opened.readBack()).filter(({ until }) => until === 0),
    [],
  );
  for (let pass = 0; pass < 20 && left.length > 0; pass++)
    left = await opened.apply({ adds: [], renewals: left, deletes: [] });
  assert.equal(read(told), "192.0.2.0\n192.0.2.1\n192.0.2.2\n192.0.2.3\n");
});

test("command: a block that only some actions took is taken back from those when nobody wants it any more", async () => {
  const fails = "[Definition]\nactionban = false\n";
  const { firewall, held } = create(undefined, { actions: { fails }, action: "table\n fails" });
  await using opened = firewall;
  await opened.open();
  const one = sasl("192.0.2.1");
  assert.deepEqual(await opened.apply(adding(one)), [one]);
  assert.deepEqual(held(), ["192.0.2.1"]);
  // It is not known to hold: its end is over.
  assert.deepEqual(await opened.readBack(), [{ ...one, until: 0 }]);
  await opened.apply({ adds: [], renewals: [], deletes: [one] });
  assert.deepEqual([held(), await opened.readBack()], [[], []]);
});

test("command: an action that fails for many bans is told once a change", async () => {
  const fails = "[Definition]\nactionban = echo no >&2; exit 1\n";
  const { firewall, lines } = create(undefined, { actions: { fails }, action: "fails" });
  await using opened = firewall;
  await opened.open();
  await opened.apply(adding(...Array.from({ length: 10 }, (_, i) => sasl(`192.0.2.${i}`))));
  assert.equal(lines.filter((line) => line.includes("firewall.action")).length, 1, lines.join("\n"));
});

test("command: bans of jails without an action have the one of [jails], or none is claimed", async () => {
  const { firewall } = create();
  await using opened = firewall;
  await opened.open();
  assert.equal(opened.takes({ ...block("192.0.2.1"), jail: "manual" }), false);
  assert.equal(opened.takes(sasl("192.0.2.1")), true);
  const other = create(undefined, { other: "table" });
  await using second = other.firewall;
  await second.open();
  assert.deepEqual(await second.apply(adding({ ...block("192.0.2.1"), jail: "manual" })), []);
  assert.deepEqual(other.held(), ["192.0.2.1"]);
});
