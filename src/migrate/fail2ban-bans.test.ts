import { deepStrictEqual, match, strictEqual, throws } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { fail2banFolder } from "../../tests/fail2ban-folder.ts";
import { printNetwork } from "../core/ip.ts";
import { readFail2banBans } from "./fail2ban-bans.ts";

const now = Date.UTC(2026, 10, 24, 12);
const seconds = now / 1000;

type Row = readonly [ip: string, jail: string, timeofban: number, bantime: number, bancount: number, data: unknown];

/** A database as Fail2ban 1.0.2 leaves it: the data are bytes. */
function database(t: TestContext, rows: readonly Row[]): string {
  const path = join(fail2banFolder(t, { "jail.conf": "" }), "fail2ban.sqlite3");
  const db = new DatabaseSync(path);
  db.exec(`CREATE TABLE fail2banDb(version INTEGER);
    INSERT INTO fail2banDb VALUES (4);
    CREATE TABLE bips(ip TEXT NOT NULL, jail TEXT NOT NULL, timeofban INTEGER NOT NULL, bantime INTEGER NOT NULL,
      bancount INTEGER NOT NULL default 1, data JSON, PRIMARY KEY(ip, jail))`);
  const insert = db.prepare("INSERT INTO bips VALUES (?, ?, ?, ?, ?, ?)");
  for (const [ip, jail, timeofban, bantime, bancount, data] of rows) {
    const bytes = typeof data === "string" ? data : Buffer.from(JSON.stringify(data));
    insert.run(ip, jail, timeofban, bantime, bancount, bytes);
  }
  db.close();
  return path;
}

const options = { now, node: "mx1", enforce: true, jails: [] };

test("bans that stand are read with their ends, counts and lines", (t) => {
  const path = database(t, [
    [
      "192.0.2.1",
      "sshd",
      seconds - 60,
      600,
      3,
      { matches: [["", "Nov 24 11:59:00", " mx x: bad"], "Nov 24 11:59:00 mx x: worse"], failures: 4 },
    ],
    ["2001:db8::/64", "sshd", seconds - 60, -1, 1, { matches: [], failures: 0 }],
    ["192.0.2.2", "sshd", seconds - 601, 600, 1, {}],
    ["bob@example.org", "webmail", seconds, 600, 1, {}],
    ["192.0.2.3", "sshd", seconds + 9999, 600, 1, "no JSON {"],
  ]);
  const read = readFail2banBans(path, options);
  deepStrictEqual(
    read.bans.map((ban) => [printNetwork(ban.address), ban.jail, ban.from - now, ban.until && ban.until - now]),
    [
      ["192.0.2.1", "sshd", -60_000, 540_000],
      ["2001:db8::/64", "sshd", -60_000, undefined],
      ["192.0.2.3", "sshd", 0, 10_599_000],
    ],
  );
  strictEqual(read.bans[0]?.reason, "Fail2ban: 4 failures, banned for the 3. time");
  deepStrictEqual(JSON.parse(read.bans[0]?.evidence ?? "").lines, [
    "Nov 24 11:59:00 mx x: bad",
    "Nov 24 11:59:00 mx x: worse",
  ]);
  deepStrictEqual([read.expired, read.notAddresses, read.unknownJails], [1, ["bob@example.org"], ["sshd"]]);
});

test("two spellings of one address are one ban, the longer", (t) => {
  const path = database(t, [
    ["2001:db8::1", "sshd", seconds, 600, 1, {}],
    ["2001:db8:0::1", "sshd", seconds, 900, 1, {}],
  ]);
  deepStrictEqual(
    readFail2banBans(path, options).bans.map((ban) => (ban.until ?? 0) - now),
    [900_000],
  );
});

test("a file that is no database of Fail2ban is a mistake with its place", (t) => {
  const folder = fail2banFolder(t, { "text.sqlite3": "no database at all, but long enough to be looked at by SQLite" });
  for (const name of ["text.sqlite3", "absent.sqlite3"]) {
    throws(() => readFail2banBans(join(folder, name), options), /no database of Fail2ban/);
  }
  const other = join(folder, "other.sqlite3");
  new DatabaseSync(other).exec("create table x (y)");
  throws(() => readFail2banBans(other, options), /no such table: bips/);
  writeFileSync(join(folder, "empty"), "");
  throws(
    () => readFail2banBans(join(folder, "empty"), options),
    (error: Error) => {
      match(error.message, /bips/);
      return true;
    },
  );
});
