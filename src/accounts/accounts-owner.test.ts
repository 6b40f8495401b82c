import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { silentLog } from "../core/log.ts";
import { openStore } from "../store/open.ts";
import type { AccountView } from "./account-view.ts";
import { AccountsOwner } from "./accounts-owner.ts";

test("unfamiliar logins carry the name of their block once its registry has told it; nobody waits for that", async () => {
  const clock = new ManualClock();
  await using store = await openStore("scratch:", { clock });
  const asked: string[] = [];
  const names = new Map<string, { name: string }>();
  const owner = new AccountsOwner({
    ...{ store, clock, log: silentLog, node: "mx1", isReading: () => true },
    settings: () => assert.fail("not asked"),
    registries: {
      find: (ip) => {
        asked.push(ip);
        return names.get(ip);
      },
      // A registry that hangs.
      work: () => new Promise(() => {}),
    },
  });
  const login = { at: 1, network: "AS64500", country: "VN", popular: false };
  const recent = [
    { ...login, ip: "115.75.1.1", familiar: false },
    { ...login, ip: "176.8.20.1", familiar: true },
  ];
  owner.use(async () => ({ account: "olena@poshta.example", recent }) as unknown as AccountView);
  const registered = async () => (await owner.view("olena@poshta.example"))?.recent.map((one) => one.registered);
  assert.deepEqual(await registered(), [undefined, undefined]);
  assert.deepEqual(asked, ["115.75.1.1"], "the owner's own address is nobody's question");
  await owner.work();
  await owner.work();
  names.set("115.75.1.1", { name: "FPT-HCM" });
  assert.deepEqual(await registered(), ["FPT-HCM", undefined]);
});
