import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { StatusAnswer } from "../../src/api/contract.ts";
import type {
  BanChangeAnswer,
  BanPage,
  IpAnswer,
  TrustCheckAnswer,
  TrustListAnswer,
} from "../../src/api/contract-bans.ts";
import { House } from "./house.ts";

const house = new House();
before(() => house.start());
after(() => house[Symbol.asyncDispose]());

const ban = (body: object) => house.post<BanChangeAnswer>("/bans/add", { by: "cli:olena", ...body });
const unban = (body: object) => house.post<BanChangeAnswer>("/bans/remove", { by: "cli:olena", ...body });
const standing = async () => (await house.get<BanPage>("/bans")).bans.map(({ address }) => address).sort();
const question = (client: string) => `protocol_state=RCPT\nclient_address=${client}\nrecipient=r@example.net\n`;

test("a ban is refused at the next question, shown with why, and over after unban", async () => {
  assert.equal(await house.ask(question("203.0.113.7")), "dunno");
  const dry = await ban({ addresses: ["203.0.113.7"], dry_run: true });
  assert.deepEqual([dry.dry_run, dry.bans.length, await standing()], [true, 1, []]);
  const { bans, refused } = await ban({ addresses: ["203.0.113.7", "2001:db8:9::/48"], for: "2h", reason: "spam" });
  assert.deepEqual([refused, bans.map((one) => one.verified)], [[], [true, true]]);
  assert.match(await house.ask(question("203.0.113.7")), /^reject .*203\.0\.113\.7 is banned/);
  assert.match(await house.ask(question("2001:db8:9::5")), /^reject /);
  assert.deepEqual(await standing(), ["2001:db8:9::/48", "203.0.113.7"]);
  const known = await house.get<IpAnswer>("/ip?address=203.0.113.7");
  assert.deepEqual(
    [known.bans.length, known.trusted, known.history.length, known.decisions.map(({ rule }) => rule)],
    [1, null, 1, ["bans/manual"]],
  );
  const status = await house.get<StatusAnswer>("/status");
  assert.deepEqual([status.bans.firewall, status.bans.standing, status.bans.error], ["policy-only", 2, null]);
  await unban({ addresses: ["203.0.113.7"], trust: "1h" });
  assert.equal(await house.ask(question("203.0.113.7")), "dunno");
  const again = await ban({ addresses: ["203.0.113.7", "203.0.113.0/24"] });
  assert.deepEqual([again.bans, again.refused.map(({ address }) => address)], [[], ["203.0.113.7", "203.0.113.0/24"]]);
  assert.equal((await unban({ all: true })).bans.length, 1);
});

test("what is trusted is not banned by any form of its address; the administrator's own is trusted when he asks", async () => {
  const addresses = ["192.0.2.25", "::ffff:192.0.2.25", "192.0.2.0/24", "0.0.0.0/0", "127.0.0.1", "::1", "::/0"];
  const { bans, refused } = await ban({ addresses, admin_address: "198.51.100.77" });
  assert.deepEqual([bans.length, refused.length], [0, addresses.length]);
  const mine = await ban({ addresses: ["198.51.100.0/24"] });
  assert.match(mine.refused[0]?.why ?? "", /administrator/);
  const check = await house.get<TrustCheckAnswer>("/trust/check?value=192.0.2.0/24");
  assert.deepEqual([check.trusted, check.by], [true, "192.0.2.25"]);
  const { trusts } = await house.get<TrustListAnswer>("/trust");
  assert.ok(trusts.some(({ address }) => address === "127.0.0.0/8"));
});

test("names, octal and short forms of addresses are refused, and change nothing", async () => {
  const forms = [
    "localhost",
    "010.0.0.1",
    "1.2.3",
    "0x7f.1",
    "2130706433",
    "fe80::1%eth0",
    "1.2.3.4/33",
    "; reboot",
    "",
  ];
  for (const form of forms) {
    const answer = await house.call("POST", "/api/v1/bans/add", JSON.stringify({ addresses: [form], by: "x" }));
    assert.ok(answer.status >= 400 && answer.status < 500, `${form}: ${answer.status}`);
  }
  assert.deepEqual(await standing(), []);
});

test("trust that is added ends a ban, and can be taken back", async () => {
  await ban({ addresses: ["203.0.113.9"] });
  await house.post("/trust/add", { value: "203.0.113.0/28", until: "2h", note: "branch", by: "x" });
  assert.deepEqual(await standing(), []);
  assert.equal((await ban({ addresses: ["203.0.113.9"] })).refused.length, 1);
  await house.post("/trust/remove", { value: "203.0.113.0/28", by: "x" });
  assert.equal((await ban({ addresses: ["203.0.113.9"] })).bans.length, 1);
});

test("a dry run trusts nobody, ends nothing, and says what would", async () => {
  await unban({ all: true });
  await ban({ addresses: ["203.0.113.40", "203.0.113.41"] });
  const admin_address = "203.0.113.40";
  const dry = { dry_run: true, admin_address };
  assert.equal((await ban({ addresses: ["203.0.113.42"], ...dry })).bans.length, 1);
  assert.equal((await unban({ all: true, ...dry })).bans.length, 2);
  const remove = (value: string) =>
    house.post<{ changed: boolean }>("/trust/remove", { value, by: "cli:olena", dry_run: true });
  assert.equal((await remove("198.51.100.200")).changed, false);
  await house.post("/trust/add", { value: "198.51.100.200", by: "cli:olena" });
  assert.equal((await remove("198.51.100.200")).changed, true);
  assert.deepEqual(await standing(), ["203.0.113.40", "203.0.113.41"]);
  await unban({ all: true });
});
