import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { test } from "node:test";
import { fail2banFolder } from "../../../tests/fail2ban-folder.ts";
import { readJails } from "../fail2ban/jail-reader.ts";
import {
  printAbsent,
  printBanned,
  printFixed,
  printJailBanned,
  printJailStatus,
  printNoJail,
  printOption,
  printServerOption,
  printStatus,
} from "./answer.ts";
import { type JailFacts, settingsOf } from "./jail-facts.ts";
import { fail2banLogLine } from "./log-line.ts";

const settings: JailFacts["settings"] = {
  name: "one",
  backend: "polling",
  journalmatch: [],
  prefregex: "",
  failregex: ["bad from <HOST>$", "worse from <HOST>$"],
  ignoreregex: [],
  datepattern: [],
  ignoreip: ["10.0.0.0/8", "::1"],
  actions: [
    { name: "act-x", properties: { actionban: "true", name: "x" } },
    { name: "act-y", properties: { actionban: "true", name: "y" } },
  ],
  plain: { bantime: "600", logencoding: "UTF-8", ignoreself: "True" },
};
const from = new Date(2026, 10, 24, 14, 41, 33).getTime() / 1000;
const one: JailFacts = {
  settings,
  files: ["/var/log/a.log", "/var/log/b.log"],
  failedNow: 2,
  failedTotal: 9,
  bannedTotal: 6,
  bannedNow: 2,
  banned: [
    { address: "192.0.2.9", from, seconds: 604 },
    { address: "2001:db8::1", from, seconds: 600 },
  ],
};
const two: JailFacts = { ...one, settings: { ...settings, name: "two" }, files: [], bannedNow: 0, banned: [] };
const journal: JailFacts = {
  ...two,
  settings: { ...settings, backend: "systemd", journalmatch: [["_SYSTEMD_UNIT=sshd.service", "+", "_COMM=sshd"]] },
};

/** What the client of Fail2ban 1.0.2 prints in the same situation. */
const answers: readonly (readonly [string, string, string])[] = [
  ["ping", printFixed("ping"), "Server replied: pong"],
  ["flushlogs", printFixed("flushlogs"), "logs: rolled over"],
  ["status", printStatus(["one", "two"]), "Status\n|- Number of jail:\t2\n`- Jail list:\tone, two"],
  [
    "status JAIL",
    printJailStatus(one),
    `Status for the jail: one
|- Filter
|  |- Currently failed:\t2
|  |- Total failed:\t9
|  \`- File list:\t/var/log/a.log /var/log/b.log
\`- Actions
   |- Currently banned:\t2
   |- Total banned:\t6
   \`- Banned IP list:\t192.0.2.9 2001:db8::1`,
  ],
  [
    "status JAIL short",
    printJailStatus(two, "short"),
    `Status for the jail: two
|- Filter
|  |- Currently failed:\t2
|  |- Total failed:\t9
|  \`- File list:\t
\`- Actions
   |- Currently banned:\t0
   \`- Total banned:\t6`,
  ],
  ["status of an unknown jail", printNoJail("nope"), "Sorry but the jail 'nope' does not exist"],
  ["banned", printBanned([one, two], []), "[{'one': ['192.0.2.9', '2001:db8::1']}, {'two': []}]"],
  ["banned IP IP", printBanned([one, two], ["192.0.2.9", "192.0.2.77"]), "[['one'], []]"],
  ["get JAIL banned", printJailBanned(one, []), "['192.0.2.9', '2001:db8::1']"],
  ["get JAIL banned IP", printJailBanned(one, ["192.0.2.9"]), "1"],
  ["get JAIL banned IP IP", printJailBanned(one, ["192.0.2.9", "192.0.2.77"]), "[1, 0]"],
  ["unbanip --report-absent", printAbsent(["192.0.2.9"]), "not banned: ['192.0.2.9']"],
  ["get loglevel", printServerOption("loglevel", "INFO"), "Current logging level is 'INFO'"],
  ["get dbpurgeage", printServerOption("dbpurgeage", "86400"), "Current database purge age is:\n`- 86400seconds"],
];

for (const [name, printed, expected] of answers) {
  test(`the answer to ${name} is Fail2ban's`, () => strictEqual(printed, expected));
}

test("a jail that reads the journal tells its matches", () => {
  const line = printJailStatus(journal).split("\n")[4];
  strictEqual(line, "|  `- Journal matches:\t_SYSTEMD_UNIT=sshd.service + _COMM=sshd");
});

const options: readonly (readonly [string, readonly string[], string])[] = [
  ["bantime", [], "600"],
  ["ignoreself", [], "True"],
  ["logencoding", [], "Current log encoding is set to:\nUTF-8"],
  ["ignoreip", [], "These IP addresses/networks are ignored:\n|- 10.0.0.0/8\n`- ::1"],
  ["logpath", [], "Current monitored log file(s):\n|- /var/log/a.log\n`- /var/log/b.log"],
  ["journalmatch", [], "No journal match filter set"],
  [
    "failregex",
    [],
    "The following regular expression are defined:\n|- [0]: bad from <HOST>$\n`- [1]: worse from <HOST>$",
  ],
  ["ignoreregex", [], "No regular expression is defined"],
  ["datepattern", [], "Current date pattern set to: Default Detectors"],
  ["banip", [], "2001:db8::1 192.0.2.9"],
  ["banip", [","], "2001:db8::1,192.0.2.9"],
  [
    "banip",
    ["--with-time"],
    "2001:db8::1 \t2026-11-24 14:41:33 + 600 = 2026-11-24 14:51:33\n192.0.2.9 \t2026-11-24 14:41:33 + 604 = 2026-11-24 14:51:37",
  ],
  ["actions", [], "The jail one has the following actions:\nact-x, act-y"],
  ["action", ["act-x", "actionban"], "true"],
  ["actionproperties", ["act-x"], "The jail one action act-x has the following properties:\nactionban, name"],
];

for (const [option, words, expected] of options) {
  test(`the answer to get JAIL ${[option, ...words].join(" ")} is Fail2ban's`, () =>
    strictEqual(printOption(one, option, words), expected));
}

test("an option that there is not is a mistake", () => {
  const text = "Invalid command (no get action or not yet implemented)";
  deepStrictEqual(printOption(one, "nonsense", []), { verb: "mistake", text });
});

test("the settings of a jail that was read are in the words of Fail2ban", (t) => {
  const { jails } = readJails(
    fail2banFolder(t, {
      "jail.conf": `[one]
enabled = true
action = act[name=x]
ignoreip = 10.0.0.0/8 192.0.2.7 friend.example
bantime.increment = true
bantime.factor = 2
logtimezone = UTC-0330
ignorecommand = /bin/ask <ip>
`,
      "filter.d/one.conf": "[Definition]\nfailregex = from <HOST>$\n",
      "action.d/act.conf": "[Definition]\nactionban = true\n",
    }),
  );
  const got = jails[0] && settingsOf(jails[0]);
  deepStrictEqual(got?.ignoreip, ["10.0.0.0/8", "192.0.2.7", "friend.example"]);
  deepStrictEqual(got?.actions, [{ name: "act-x", properties: { actionban: "true", name: "x", actname: "act-x" } }]);
  deepStrictEqual(
    ["bantime", "maxretry", "usedns", "logtimezone", "bantime.factor", "ignorecommand", "ignorecache"].map(
      (option) => got?.plain[option],
    ),
    ["600", "5", "warn", "UTC-0330", "2", "/bin/ask <ip>", "None"],
  );
});

test("log lines are of the form that watchers of Fail2ban's log read", () => {
  const at = new Date(2026, 10, 24, 14, 46, 15).getTime() + 65;
  const base = { jail: "two", address: "192.0.2.1", at, pid: 29_532 };
  strictEqual(
    fail2banLogLine({ ...base, act: "unban" }),
    "2026-11-24 14:46:15,065 fail2ban.actions        [29532]: NOTICE  [two] Unban 192.0.2.1",
  );
  strictEqual(
    fail2banLogLine({ ...base, act: "found", failedAt: at - 5_000 }),
    "2026-11-24 14:46:15,065 fail2ban.filter         [29532]: INFO    [two] Found 192.0.2.1 - 2026-11-24 14:46:10",
  );
  strictEqual(
    fail2banLogLine({ ...base, act: "increased", growth: { count: 2, from: at, until: at + 90_000_000 } }).slice(24),
    "fail2ban.observer       [29532]: NOTICE  [two] Increase Ban 192.0.2.1 (2 # 1 day, 1:00:00 -> 2026-11-25 15:46:15)",
  );
  strictEqual(fail2banLogLine({ ...base, act: "ban", address: "a\nb" }).split("\n").length, 1);
});
