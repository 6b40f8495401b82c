import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fail2banFolder } from "../../../tests/fail2ban-folder.ts";
import { printNetwork } from "../../core/ip.ts";
import { FilterEngine } from "./filter-engine.ts";
import { readJails } from "./jail-reader.ts";

const raw = String.raw;

/** What mail servers ran beside cluebringer: filters of an own hand, one action for pf. */
const files: Readonly<Record<string, string>> = {
  "jail.conf": `
[DEFAULT]
maxretry = 5
findtime = 10m
logpath = /var/log/maillog
bantime = 360000
[postfix-sasl]
enabled = true
filter = postfix-sasl
action = pf
maxretry = 4
[postfix-conlim]
enabled = true
filter = postfix-conlim
action = pf[name="a, b", port=25]
findtime = 1h 30m
[postfix-overlim]
enabled = yes
filter = postfix-overlim
action = pf
[broken]
enabled = true
filter = broken
[off]
enabled = false
`,
  "filter.d/postfix-sasl.conf": raw`
[Definition]
failregex = (?i): warning: [-._\w]+\[<HOST>\]: SASL (?:LOGIN|PLAIN|(?:CRAM|DIGEST)-MD5) authentication failed(: [ A-Za-z0-9+/]*={0,2})?\s*$
ignoreregex =
`,
  "filter.d/postfix-conlim.conf": raw`
[Definition]
failregex = Connection rate limit exceeded: .* from (.*)\[<HOST>\] for service smtp
`,
  "filter.d/postfix-overlim.conf": raw`
[Definition]
failregex = reject: RCPT from (.*)\[<HOST>\]: .*: LIMIT AT QUOTAUSE;
`,
  "action.d/pf.conf": "[Definition]\nactionban = pfctl -t fail2ban -T add <ip>/32\n",
  "filter.d/broken.conf": raw`
[Definition]
failregex = %(nothing)s
`,
};

test("jails are read with their settings, and a broken one does not stop the others", (t) => {
  const { jails, problems } = readJails(fail2banFolder(t, files));
  deepStrictEqual(
    jails.map((jail) => [jail.name, jail.maxretry, jail.findtimeSeconds, jail.bantimeSeconds]),
    [
      ["postfix-sasl", 4, 600, 360_000],
      ["postfix-conlim", 5, 5400, 360_000],
      ["postfix-overlim", 5, 600, 360_000],
    ],
  );
  deepStrictEqual(
    jails[1]?.actions.map((action) => [action.name, action.settings.get("name"), action.settings.get("port")]),
    [["pf-a, b", "a, b", "25"]],
  );
  deepStrictEqual(jails[0]?.logpaths, [{ glob: "/var/log/maillog", tail: false }]);
  strictEqual(problems.length, 1);
  match(problems[0]?.line ?? "", /filter\.d\/broken\.conf:3: .*nothing, which is set nowhere/);
});

test("filters of an own hand find the lines of their time", (t) => {
  const { jails } = readJails(fail2banFolder(t, files));
  const now = Date.UTC(2012, 5, 1);
  const lines: readonly (readonly [string, string | undefined, string])[] = [
    ["postfix-sasl", "203.0.113.7", "warning: unknown[203.0.113.7]: SASL LOGIN authentication failed: UGFzc3dvcmQ6"],
    ["postfix-sasl", "2001:db8::7", "warning: mail.example[2001:db8:0::7]: SASL plain authentication failed"],
    ["postfix-sasl", undefined, "warning: unknown[203.0.113.7]: SASL LOGIN authentication failed: x, sasl_username=a"],
    [
      "postfix-conlim",
      "198.51.100.9",
      "warning: Connection rate limit exceeded: 51 from unknown[198.51.100.9] for service smtp",
    ],
    [
      "postfix-overlim",
      "198.51.100.9",
      "NOQUEUE: reject: RCPT from unknown[198.51.100.9]: 554 5.7.1 <a@b.example>: Recipient address rejected: LIMIT AT QUOTAUSE; from=<c@d.example>",
    ],
  ];
  for (const [name, host, text] of lines) {
    const jail = jails.find((one) => one.name === name);
    if (jail === undefined) throw new Error(`no jail ${name}`);
    const failure = new FilterEngine(jail.filter, { now: () => now }).see(
      `May 20 10:00:00 mx postfix/smtpd[77]: ${text}`,
    );
    strictEqual(failure?.host, host, text);
    if (failure !== undefined) strictEqual(failure.at, new Date(2012, 4, 20, 10).getTime());
  }
});

/** One jail with these options, and a filter that finds everything. */
function oneJail(t: TestContext, options: string, filter = "", action = "true") {
  return readJails(
    fail2banFolder(t, {
      "jail.conf": `[DEFAULT]\nenabled = true\n[one]\naction = act\n${options}\n`,
      "filter.d/one.conf": `[Definition]\nfailregex = from <HOST>$\n${filter}\n`,
      "action.d/act.conf": `[Definition]\nactionban = ${action}\n`,
    }),
  );
}

test("the options of a jail become values", (t) => {
  const { jails, problems } = oneJail(
    t,
    `logpath = /var/log/a*.log tail
          /var/log/b.log
backend = polling
maxretry = 3
maxmatches = 7
findtime = 1d12h
bantime = -1
bantime.increment = true
bantime.multipliers = 1 2 4
bantime.maxtime = 5w
bantime.rndtime = 10m
bantime.overalljails = yes
ignoreip = 192.0.2.0/24, 198.51.100.0/255.255.255.128 2001:db8::/32 mx.example file:/etc/friends
ignoreself = false
ignorecommand = /usr/bin/friend <ip>
ignorecache = key="<F-USER>@<ip-host>", max-count=50, max-time=10m
logtimezone = UTC+0200
logencoding = UTF-8
maxlines = 4
usedns = no
journalmatch = _SYSTEMD_UNIT=postfix.service + "_COMM=a b"
datepattern = {^LN-BEG}`,
    "maxlines = 2\njournalmatch = _COMM=x\nusedns = yes",
  );
  deepStrictEqual(problems, []);
  const jail = jails[0];
  deepStrictEqual(jail?.logpaths, [
    { glob: "/var/log/a*.log", tail: true },
    { glob: "/var/log/b.log", tail: false },
  ]);
  deepStrictEqual(
    [jail?.backend, jail?.maxretry, jail?.maxmatches, jail?.findtimeSeconds, jail?.bantimeSeconds],
    ["polling", 3, 7, 129_600, -1],
  );
  deepStrictEqual(jail?.growth?.multipliers, [1, 2, 4]);
  deepStrictEqual(
    [jail?.growth?.maxSeconds, jail?.growth?.randomSeconds, jail?.growth?.allJails],
    [3_024_000, 600, true],
  );
  deepStrictEqual(jail?.ignore.networks.map(printNetwork), ["192.0.2.0/24", "198.51.100.0/25", "2001:db8::/32"]);
  deepStrictEqual(
    [jail?.ignore.names, jail?.ignore.files, jail?.ignore.self],
    [["mx.example"], ["/etc/friends"], false],
  );
  strictEqual(jail?.ignore.command?.text, '/usr/bin/friend "$f2bV_ip"');
  deepStrictEqual(jail?.ignore.cache, { key: "<F-USER>@<ip-host>", countMax: 50, maxSeconds: 600 });
  deepStrictEqual([jail?.logtimezoneMinutes, jail?.logencoding], [120, "utf-8"]);
  deepStrictEqual([jail?.filter.maxlines, jail?.filter.usedns], [4, "no"]);
  deepStrictEqual(jail?.filter.journalmatch, [["_SYSTEMD_UNIT=postfix.service", "+", "_COMM=a b"]]);
  deepStrictEqual(jail?.filter.datepattern, ["{^LN-BEG}"]);
});

test("a jail that says nothing has Fail2ban's defaults", (t) => {
  const jail = oneJail(t, "").jails[0];
  deepStrictEqual(
    [jail?.backend, jail?.maxretry, jail?.maxmatches, jail?.findtimeSeconds, jail?.bantimeSeconds, jail?.growth],
    ["auto", 5, 5, 600, 600, undefined],
  );
  deepStrictEqual(
    [jail?.ignore.self, jail?.ignore.command, jail?.ignore.cache, jail?.logencoding, jail?.filter.maxlines],
    [true, undefined, undefined, "auto", 1],
  );
});

const refused: readonly (readonly [string, RegExp])[] = [
  ["findtime = soon", /jail\.conf:5: findtime is soon: a span of time/],
  ["bantime.increment = true\nbantime.formula = __import__('os')", /jail\.conf:6: bantime\.formula is __import__/],
  ["bantime.increment = true\nbantime.multipliers = 1 x", /jail\.conf:6: bantime\.multipliers is 1 x/],
  ["logtimezone = Europe/Kyiv", /jail\.conf:5: logtimezone is Europe\/Kyiv/],
  ["logencoding = klingon", /jail\.conf:5: logencoding is klingon/],
  ["ignorecache = max-count=5", /jail\.conf:5: ignorecache is max-count=5/],
  ["failregex = ^(?P<x>a)|\\k<HOST>", /jail\.conf:5: the regular expression has the escape \\k/],
  ["failregex = nobody here", /jail\.conf:5: the regular expression names nobody/],
  ["maxlines = many", /jail\.conf:5: maxlines is many/],
  ["filter = one two", /jail\.conf:5: the jail one names no single filter/],
];

for (const [options, problem] of refused) {
  test(`a jail with ${options.replaceAll("\n", ", ")} does not run, and the place is told`, (t) => {
    const { jails, problems } = oneJail(t, options);
    deepStrictEqual(jails, []);
    match(problems[0]?.line ?? "", problem);
  });
}

test("a program in Python is left out where another action bans, and stops the jail where none does", (t) => {
  const beside = oneJail(t, "").jails[0];
  strictEqual(beside?.actions.length, 1);
  const files = (action: string) => ({
    "jail.conf": `[one]\nenabled = true\naction = ${action}\n`,
    "filter.d/one.conf": "[Definition]\nfailregex = from <HOST>$\n",
    "action.d/act.conf": "[Definition]\nactionban = true\n",
  });
  const both = readJails(fail2banFolder(t, files('act\n  smtp.py[dest="root"]')));
  deepStrictEqual([both.jails[0]?.actions.length, both.problems.length], [1, 0]);
  match(
    both.jails[0]?.warnings[0]?.line ?? "",
    /jail\.conf:3: the action smtp\.py is a program in Python and is left out/,
  );
  const alone = readJails(fail2banFolder(t, files("smtp.py")));
  deepStrictEqual(alone.jails, []);
  match(alone.problems[0]?.line ?? "", /jail\.conf:3: the action smtp\.py is a program in Python/);
});

test("an option of the filter that the jail names as known is the filter's", (t) => {
  const jail = oneJail(
    t,
    "failregex = %(known/failregex)s\n  by <HOST>$\nlogpath = %(known/place)s",
    "place = /var/log/%%x",
  ).jails[0];
  deepStrictEqual(jail?.filter.failregex, ["from <HOST>$", "by <HOST>$"]);
  deepStrictEqual(jail?.logpaths, [{ glob: "/var/log/%x", tail: false }]);
});
