import { deepStrictEqual } from "node:assert/strict";
import { test } from "node:test";
import { fail2banFolder } from "../../../tests/fail2ban-folder.ts";
import { readServerSettings } from "./server-settings.ts";

test("what the server's file says is read, local files last", (t) => {
  const directory = fail2banFolder(t, {
    "fail2ban.conf": "[DEFAULT]\nloglevel = INFO\ndbfile = /var/lib/f/f.sqlite3\ndbpurgeage = 1d\n[Definition]\n",
    "fail2ban.local": "[DEFAULT]\ndbpurgeage = 5w\nlogtarget = SYSLOG\n",
  });
  deepStrictEqual(readServerSettings(directory), {
    loglevel: "INFO",
    logtarget: "SYSLOG",
    syslogsocket: "auto",
    dbfile: "/var/lib/f/f.sqlite3",
    dbpurgeageSeconds: 3_024_000,
    dbmaxmatches: 10,
  });
});

test("a server without a database has none", (t) => {
  const directory = fail2banFolder(t, { "fail2ban.conf": "[Definition]\ndbfile = None\ndbmaxmatches = many\n" });
  const { dbfile, dbmaxmatches } = readServerSettings(directory);
  deepStrictEqual([dbfile, dbmaxmatches], [undefined, 10]);
});
