import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
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
  "filter.d/broken.conf": raw`
[Definition]
failregex = %(nothing)s
`,
};

function configuration(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "postvarta-jails-"));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

test("jails are read with their settings, and a broken one does not stop the others", (t) => {
  const { jails, problems } = readJails(configuration(t));
  deepStrictEqual(
    jails.map((jail) => [jail.name, jail.maxretry, jail.findtimeSeconds, jail.bantimeSeconds]),
    [
      ["postfix-sasl", 4, 600, 360_000],
      ["postfix-conlim", 5, 5400, 360_000],
      ["postfix-overlim", 5, 600, 360_000],
    ],
  );
  deepStrictEqual(jails[1]?.actions, [
    { name: "pf", parameters: new Map(Object.entries({ name: "a, b", port: "25" })) },
  ]);
  deepStrictEqual(jails[0]?.logpaths, ["/var/log/maillog"]);
  strictEqual(problems.length, 1);
  match(problems[0]?.line ?? "", /filter\.d\/broken\.conf:3: .*nothing, which is set nowhere/);
});

test("filters of an own hand find the lines of their time", (t) => {
  const { jails } = readJails(configuration(t));
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
