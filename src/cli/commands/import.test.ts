import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { fail2banFolder } from "../../../tests/fail2ban-folder.ts";
import { steadyClock } from "../../core/clock.ts";
import { printNetwork } from "../../core/ip.ts";
import { listBans } from "../../store/ban-list.ts";
import { openStore } from "../../store/open.ts";

const program = new URL("../../main.ts", import.meta.url).pathname;

test("import fail2ban takes over the bans that stand, but none of whom is trusted, and says what the configuration needs", async (t) => {
  const folder = fail2banFolder(t, {
    "jail.conf": "[mail]\nenabled = true\naction = act\n[odd]\nenabled = true\nfindtime = soon\nfilter = mail\n",
    "filter.d/mail.conf": "[Definition]\nfailregex = ^login refused from <HOST>$\n",
    "action.d/act.conf": "[Definition]\nactionban = true\n",
  });
  const url = `sqlite:${join(folder, "postvarta.db")}`;
  const file = join(folder, "postvarta.toml");
  writeFileSync(
    file,
    `[store]\nurl = "${url}"\n[jails]\nmode = "enforce"\n[jails.trust]\naddresses = ["198.51.100.0/24"]\n`,
  );
  const db = join(folder, "fail2ban.sqlite3");
  const database = new DatabaseSync(db);
  database.exec(
    "CREATE TABLE bips(ip TEXT, jail TEXT, timeofban INTEGER, bantime INTEGER, bancount INTEGER, data JSON)",
  );
  const insert = database.prepare("INSERT INTO bips VALUES (?, 'mail', ?, ?, 1, '{}')");
  const seconds = Math.floor(Date.now() / 1000);
  insert.run("203.0.113.1", seconds, 86_400);
  insert.run("203.0.113.2", seconds, -1);
  insert.run("198.51.100.7", seconds, 86_400);
  insert.run("203.0.113.3", seconds - 86_400, 600);
  database.close();
  const run = (...more: readonly string[]) => {
    const args = [program, "import", "fail2ban", "--config", file, "--config-dir", folder, "--db", db, ...more];
    return spawnSync(process.execPath, args, { encoding: "utf8" });
  };

  writeFileSync(join(folder, "fail2ban.conf"), `[Definition]\ndbfile = ${db}\n`);
  const named = spawnSync(
    process.execPath,
    [program, "import", "fail2ban", "--config", file, "--config-dir", folder, "--dry-run"],
    { encoding: "utf8" },
  );
  match(named.stdout, /^3 bans to take over\./);

  const dry = run("--dry-run");
  strictEqual(dry.status, 0, dry.stderr);
  match(dry.stdout, /^3 bans to take over\.\n1 passed over: their time is over\./);
  match(dry.stdout, /ERROR .*jail\.conf:6: findtime is soon/);

  const { status, stdout, stderr } = run("--json");
  strictEqual(status, 0, stderr);
  const report = JSON.parse(stdout);
  deepStrictEqual(
    [report.bans, report.expired, report.trusted],
    [2, 1, [{ address: "198.51.100.7", why: "[jails.trust]" }]],
  );
  await using store = await openStore(url, { clock: steadyClock() });
  const bans = await listBans(store, { now: Date.now(), limit: 10 });
  deepStrictEqual(
    bans.map((ban) => [printNetwork(ban.address), ban.jail, ban.origin, ban.until === undefined, ban.enforce]).sort(),
    [
      ["203.0.113.1", "mail", "import", false, true],
      ["203.0.113.2", "mail", "import", true, true],
    ],
  );
});
