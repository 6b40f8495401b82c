import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fail2banFolder } from "../../../tests/fail2ban-folder.ts";
import { needs } from "../../../tests/needs.ts";

const raw = String.raw;
const program = new URL("../../main.ts", import.meta.url).pathname;

/** The configuration that ran beside cluebringer for years, and a jail that cannot run. */
function seed(t: TestContext): string {
  return fail2banFolder(t, {
    "jail.conf": `[DEFAULT]
bantime = 360000
maxretry = 4
logpath = /var/log/maillog
enabled = true
action = pf
[postfix-sasl]
filter = postfix-sasl
[postfix-conlim]
filter = postfix-conlim
[postfix-overlim]
filter = postfix-overlim
[odd]
filter = odd
[off]
enabled = false
filter = nowhere
`,
    "filter.d/postfix-sasl.conf": raw`[Definition]
failregex = (?i): warning: [-._\w]+\[<HOST>\]: SASL (?:LOGIN|PLAIN|(?:CRAM|DIGEST)-MD5) authentication failed(: [ A-Za-z0-9+/]*={0,2})?\s*$
`,
    "filter.d/postfix-conlim.conf": raw`[Definition]
failregex = Connection rate limit exceeded: .* from (.*)\[<HOST>\] for service smtp
`,
    "filter.d/postfix-overlim.conf": raw`[Definition]
failregex = reject: RCPT from (.*)\[<HOST>\]: .*: LIMIT AT QUOTAUSE;
`,
    "filter.d/odd.conf": raw`[Definition]
failregex = a (?P=later) (?P<later>b) <HOST>
`,
    "action.d/pf.conf": raw`[Definition]
actionban = pfctl -t fail2ban -T add <ip>/32
actionunban = pfctl -t fail2ban -T delete <ip>/32
`,
  });
}

interface Told {
  readonly code: string;
  readonly severity: string;
  readonly where: string;
  readonly jails: readonly string[];
}

function run(...args: readonly string[]): { status: number | null; stdout: string } {
  const { status, stdout } = spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
  return { status, stdout };
}

test("jail check tells every verdict on the own filters with its place", (t) => {
  const { status, stdout } = run("jail", "check", "--config-dir", seed(t), "--postfix", "3.7.11", "--json");
  const told: Told[] = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  const serious = told.filter((one) => one.severity !== "info");
  deepStrictEqual(
    serious.map((one) => [one.code, ...one.jails]),
    [
      ["jail-cannot-run"],
      ["jail-warning", "postfix-sasl"],
      ["jail-warning", "postfix-conlim"],
      ["jail-warning", "postfix-overlim"],
      ["filter-matches-nothing", "postfix-sasl"],
      ["filter-forgeable", "postfix-sasl"],
      ["filter-misses", "postfix-conlim"],
      ["filter-forgeable", "postfix-conlim"],
      ["filter-forgeable", "postfix-overlim"],
    ],
  );
  match(serious[0]?.where ?? "", /filter\.d\/odd\.conf:2$/);
  match(serious[4]?.where ?? "", /filter\.d\/postfix-sasl\.conf:2$/);
  strictEqual(status, 1);
});

test("jail check of a configuration that is well says so", (t) => {
  const directory = fail2banFolder(t, {
    "jail.conf": "[one]\nenabled = true\naction = act\n",
    "filter.d/one.conf": "[Definition]\nfailregex = ^login refused from <HOST>$\n",
    "action.d/act.conf": "[Definition]\nactionban = true\n",
  });
  deepStrictEqual(run("jail", "check", "--config-dir", directory), { status: 0, stdout: "Nothing to mend.\n" });
});

test("doctor tells the same of the configured directory", { skip: needs("postfix") }, (t) => {
  const directory = seed(t);
  const file = join(directory, "postvarta.toml");
  writeFileSync(file, `[jails]\nfail2ban = "${directory}"\n`);
  const { status, stdout } = run("doctor", "--config", file);
  match(stdout, /postfix-overlim\.conf:2 \(postfix-overlim\): failregex 1 names whom a stranger wants\./);
  match(stdout, /Mend: failregex = \^/);
  strictEqual(status, 1);
});
