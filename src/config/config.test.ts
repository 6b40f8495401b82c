import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Problems } from "../core/problem.ts";
import { readConfig } from "./config.ts";
import type { Environment } from "./environment.ts";

const root = mkdtempSync(join(tmpdir(), "postvarta-config-"));
after(() => rmSync(root, { recursive: true }));

let directories = 0;

/** A directory with these files, and its postvarta.toml. */
function place(files: Readonly<Record<string, string>>): { directory: string; file: string } {
  const directory = join(root, String(directories++));
  mkdirSync(join(directory, "conf.d"), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return { directory, file: join(directory, "postvarta.toml") };
}

/** The lines of the Problems, without the directory. */
function refusals(files: Readonly<Record<string, string>>, environment: Environment = {}): string[] {
  const { directory, file } = place(files);
  try {
    readConfig({ file, environment });
    return [];
  } catch (error) {
    assert.ok(error instanceof Problems, String(error));
    return error.list.map(({ line }) => line.replaceAll(`${directory}/`, ""));
  }
}

test("an empty file gives every default", () => {
  const { file } = place({ "postvarta.toml": "" });
  const { config, files } = readConfig({ file, environment: {} });
  const loopback = { ip: { family: 4, words: [0x7f000000, 0, 0, 0] }, length: 8 };
  assert.deepEqual(files, [file]);
  const { jails, accounts, ...others } = config;
  const { mode, fail2ban, firewall, list_file, trust } = jails;
  assert.deepEqual(
    { mode, fail2ban, firewall, list_file, trust },
    {
      ...{ mode: "observe", fail2ban: "", firewall: "policy-only", list_file: "" },
      trust: { addresses: [loopback, { ip: { family: 6, words: [0, 0, 0, 1] }, length: 128 }] },
    },
  );
  for (const name of ["wrong_password", "connection_limit", "quota_refusal", "unknown_user", "postscreen"] as const) {
    const { enabled, maxretry, findtime, bantime } = jails[name];
    assert.deepEqual([name, enabled, maxretry, findtime, bantime], [name, true, 4, 600_000, 3_600_000]);
  }
  const { mode: watchMode, watch_group, default_domain, aliases, auth_policy } = accounts;
  assert.deepEqual([watchMode, watch_group, default_domain, aliases], ["observe", "newuser", "", ""]);
  assert.deepEqual([auth_policy.enabled, auth_policy.pilot], [false, true]);
  assert.deepEqual(others, {
    policy: {
      listen: [{ host: "127.0.0.1", port: 10031 }],
      mode: "enforce",
      on_error: "pass",
      allow: [],
      time_zone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
      internal: "%internal_domains",
      answer_ok: false,
      cluebringer_log: false,
      keep_decisions_days: 30,
      keep_decisions: 1_000_000,
    },
    node: { name: hostname() },
    postfix: { config_directories: ["/etc/postfix"] },
    store: { url: "sqlite:/var/lib/postvarta/postvarta.db" },
    api: { listen: { host: "127.0.0.1", port: 8031 } },
    control: { socket: "/run/postvarta/control.sock" },
    helper: { socket: "", user: "" },
    logs: [],
    networks: {
      ...{ directory: "/var/lib/postvarta/networks", hosting: [], mail_cloud: [], satellite: [], access: [] },
      registry: false,
      overrides: [],
    },
    notices: {
      ...{ language: "en", dedupe: 21_600_000, templates: "", digest_at: 480, quiet: undefined, keep_days: 90 },
      ...{ channels: [], rules: [] },
    },
  });
});

test("every key of the interface is read", () => {
  const { file } = place({
    "postvarta.toml": `
[policy]
listen = ["127.0.0.1:10031", "unix:/run/postvarta/policy.sock", "0.0.0.0:10031"]
mode = "observe"
on_error = "defer"
allow = ["192.0.2.25", "2001:db8::/32"]
time_zone = "Europe/Kyiv"
internal = "%internal_domains"
answer_ok = true
[node]
name = "mx1"
[postfix]
config_directories = ["/etc/postfix", "/etc/postfix-out"]
[store]
url = "postgres://user:password@host/db"
[api]
listen = "[::1]:8031"
[control]
socket = "/tmp/control.sock"
[[logs]]
path = "/var/log/mail.log"
from = "start"
[[logs]]
journal = true
[[logs]]
syslog = "127.0.0.1:5514"
[jails]
mode = "enforce"
fail2ban = "/etc/fail2ban"
firewall = "nftables"
list_file = "/etc/fail2ban.txt"
[jails.trust]
addresses = ["198.51.100.0/24"]
[accounts]
mode = "enforce"
watch_group = "watched"
default_domain = "example.com"
aliases = "/etc/aliases.accounts"
`,
  });
  const { config } = readConfig({ file, environment: {} });
  assert.deepEqual(config.policy.listen[1], { unixPath: "/run/postvarta/policy.sock" });
  assert.equal(config.policy.allow.length, 2);
  assert.equal(config.policy.time_zone, "Europe/Kyiv");
  assert.equal(config.store.url, "postgres://user:password@host/db");
  assert.deepEqual(config.logs, [
    { kind: "file", path: "/var/log/mail.log", from: "start" },
    { kind: "journal", from: "end" },
    { kind: "syslog", listen: { host: "127.0.0.1", port: 5514 }, allow: [], tls: undefined },
  ]);
  assert.equal(config.jails.firewall, "nftables");
  assert.equal(config.accounts.aliases, "/etc/aliases.accounts");
});

for (const [text, ...lines] of [
  ["[policy]\nmoed = 'x'", 'postvarta.toml:2: unknown key "moed" in policy: did you mean "mode"?'],
  ["[polcy]\nmode = 'x'", 'postvarta.toml:1: unknown key "polcy" at the top of the file: did you mean "policy"?'],
  ["\n[node]\nx = 1", 'postvarta.toml:3: unknown key "x" in node: known here: name'],
  [
    "__proto__ = 1",
    'postvarta.toml:1: unknown key "__proto__" at the top of the file: known here: policy, node, postfix, store, api, control, logs, jails, helper, accounts, networks, notices',
  ],
  ["[node]\nconstructor = 1", 'postvarta.toml:2: unknown key "constructor" in node: known here: name'],
  ["[policy]\nmode = 'enforced'", 'postvarta.toml:2: policy.mode is "enforced": "enforce" or "observe"'],
  ["[policy]\nanswer_ok = 'yes'", 'postvarta.toml:2: policy.answer_ok is "yes": true or false'],
  [
    "[policy]\nkeep_decisions_days = 1.5",
    "postvarta.toml:2: policy.keep_decisions_days is 1.5: a whole number from 1 to 3650",
  ],
  [
    "[policy]\nkeep_decisions = 1",
    "postvarta.toml:2: policy.keep_decisions is 1: a whole number from 1000 to 100000000",
  ],
  [
    "[policy]\nkeep_decisions = inf",
    "postvarta.toml:2: policy.keep_decisions is Infinity: a whole number from 1000 to 100000000",
  ],
  [
    "policy = 1",
    "postvarta.toml:1: policy is 1: a table with listen, mode, on_error, allow, time_zone, internal, answer_ok, cluebringer_log, keep_decisions_days, keep_decisions",
  ],
  [
    "[policy]\nlisten = '127.0.0.1:1'",
    'postvarta.toml:2: policy.listen is "127.0.0.1:1": a list [ … ] of at most 64 items, each "127.0.0.1:10031", "[::1]:10031" or "unix:/run/postvarta/policy.sock"',
  ],
  [
    "[policy]\nlisten = [\n'127.0.0.1:1',\n'10031']",
    'postvarta.toml:4: policy.listen is "10031": "127.0.0.1:10031", "[::1]:10031" or "unix:/run/postvarta/policy.sock"',
  ],
  [
    "[policy]\nlisten = ['[::]:1']",
    'postvarta.toml:2: policy.listen is open to other machines, and policy.allow is empty: name the Postfix hosts that may ask: allow = ["192.0.2.25"]',
  ],
  [
    "[policy]\ntime_zone = 'Europe/Kiyv'",
    'postvarta.toml:2: policy.time_zone is "Europe/Kiyv": a zone of the IANA time zone database such as "Europe/Kyiv"',
  ],
  [
    "[policy]\nallow = ['192.0.2.0/33']",
    'postvarta.toml:2: policy.allow is "192.0.2.0/33": an address or network such as "192.0.2.7", "192.0.2.0/24" or "2001:db8::/32"',
  ],
  ["[jails]\nmode = 1979-05-27", 'postvarta.toml:2: jails.mode is a date: "enforce" or "observe"'],
  [
    "[jails]\nfirewall = 'iptables'",
    'postvarta.toml:2: jails.firewall is "iptables": "nftables", "ipset", "pf", "command", "policy-only" or "dry-run"',
  ],
  [
    "[jails.trust]\naddresses = ['mx']",
    'postvarta.toml:2: jails.trust.addresses is "mx": an address or network such as "192.0.2.7", "192.0.2.0/24" or "2001:db8::/32"',
  ],
  [
    "\n[[logs]]\nfrom = 'end'",
    'postvarta.toml:2: a [[logs]] entry names no source: one of path = "/var/log/mail.log", journal = true, syslog = "127.0.0.1:5514"',
  ],
  [
    "[[logs]]\npath = '/a'\n[[logs]]\njournal = true\npath = '/b'",
    'postvarta.toml:3: a [[logs]] entry names several sources: one of path = "/var/log/mail.log", journal = true, syslog = "127.0.0.1:5514"',
  ],
  [
    "[accounts]\ndefault_domain = '@x'",
    'postvarta.toml:2: accounts.default_domain is "@x": a domain such as "example.com", without @',
  ],
  [
    "[store]\nurl = ''",
    'postvarta.toml:2: store.url is not allowed: "sqlite:/path/to/file" or "postgres://user:password@host/database"',
  ],
  ["[store]\nurl = 'a'\nurl_file = 'b'", "postvarta.toml:3: store.url and url_file are both given: one of them"],
  ["[store]\nurl_file = 5", "postvarta.toml:2: url_file is no text: the path of a file that holds the secret"],
  ['[control]\nsocket = "a\\nb"', 'postvarta.toml:2: control.socket is "a\\nb": a path in quotes from 1 to 103 bytes'],
  ["a = [", 'postvarta.toml:1: a value is missing: text stands in quotes: key = "value"'],
  [
    "[policy]\nmode = 'x'\n[jails]\nmode = 'y'\n[node]\nz = 1",
    'postvarta.toml:2: policy.mode is "x": "enforce" or "observe"',
    'postvarta.toml:4: jails.mode is "y": "enforce" or "observe"',
    'postvarta.toml:6: unknown key "z" in node: known here: name',
  ],
] as const) {
  test(`${JSON.stringify(text)} is refused with its line and what is allowed`, () => {
    assert.deepEqual(refusals({ "postvarta.toml": text }), lines);
  });
}

test("an open listener with an allow list is allowed", () => {
  assert.deepEqual(refusals({ "postvarta.toml": "[policy]\nlisten = ['[::]:1']\nallow = ['192.0.2.1']" }), []);
});

test("files of conf.d lay themselves upon the first by name; lists replace, tables join", () => {
  const { directory, file } = place({
    "postvarta.toml":
      "[policy]\nmode = 'observe'\nlisten = ['127.0.0.1:1', '127.0.0.1:2']\n[jails.trust]\naddresses = []",
    "conf.d/20-later.toml": "[policy]\non_error = 'pass'\nlisten = ['127.0.0.1:3']",
    "conf.d/10-first.toml": "\n[policy]\non_error = 'defer'",
    "conf.d/.hidden.toml": "[policy]\non_error = 'nonsense'",
    "conf.d/note.txt": "nonsense",
  });
  const { config, files, placeOf } = readConfig({ file, environment: {} });
  const names = ["postvarta.toml", "conf.d/10-first.toml", "conf.d/20-later.toml"];
  assert.deepEqual(
    files,
    names.map((name) => join(directory, name)),
  );
  assert.equal(config.policy.mode, "observe");
  assert.equal(config.policy.on_error, "pass");
  assert.deepEqual(config.policy.listen, [{ host: "127.0.0.1", port: 3 }]);
  assert.equal(placeOf("policy.mode"), `${file}:2`);
  assert.equal(placeOf("policy.on_error"), `${directory}/conf.d/20-later.toml:2`);
  assert.equal(placeOf("policy.listen.0"), `${directory}/conf.d/20-later.toml:3`);
  assert.equal(placeOf("policy.answer_ok"), "default");
});

test("mistakes of several files and variables are told at once", () => {
  const lines = refusals(
    { "postvarta.toml": "[policy]\nmode = 1", "conf.d/a.toml": "x", "conf.d/b.toml": "[node]\nnam = 'x'" },
    { POSTVARTA__API__LISTEN: "8031", POSTVARTA__API__LISTNE: "" },
  );
  assert.deepEqual(lines, [
    'conf.d/a.toml:1: = is missing behind the key: key = "value"',
    'conf.d/b.toml:2: unknown key "nam" in node: did you mean "name"?',
    'postvarta.toml:2: policy.mode is 1: "enforce" or "observe"',
    'environment POSTVARTA__API__LISTEN: api.listen is "8031": "127.0.0.1:8031", "[::1]:8031" or "unix:/run/postvarta/api.sock"',
    "environment POSTVARTA__API__LISTNE: no setting has this name: did you mean POSTVARTA__API__LISTEN?",
  ]);
});

test("a value in the place of an earlier section is refused where it stands", () => {
  const lines = refusals({ "postvarta.toml": "[node]\nname = 'x'", "conf.d/a.toml": "\nnode = 1" });
  assert.deepEqual(lines, ["conf.d/a.toml:2: node is 1: a table with name"]);
});

test("the environment wins, typed by the schema, and says its name", () => {
  const { file } = place({ "postvarta.toml": "[policy]\nmode = 'enforce'" });
  const { config, placeOf } = readConfig({
    file,
    environment: {
      POSTVARTA__POLICY__MODE: "observe",
      POSTVARTA__POLICY__ANSWER_OK: "TRUE",
      POSTVARTA__POLICY__KEEP_DECISIONS_DAYS: "7",
      POSTVARTA__POLICY__LISTEN: "127.0.0.1:1, [::1]:2",
      POSTVARTA__POLICY__ALLOW: "",
      POSTVARTA__JAILS__TRUST__ADDRESSES: '["192.0.2.1"]',
      POSTVARTA__JAILS__LIST_FILE: "/list",
      POSTVARTA__LOGS: '[{"path": "/var/log/mail.log"}, {"journal": true, "from": "start"}]',
      POSTVARTA__NODE__NAME: "5",
      POSTVARTA_FULL: "1",
      OTHER: "x",
    },
  });
  assert.equal(config.policy.mode, "observe");
  assert.equal(config.policy.answer_ok, true);
  assert.equal(config.policy.keep_decisions_days, 7);
  assert.deepEqual(config.policy.listen, [
    { host: "127.0.0.1", port: 1 },
    { host: "::1", port: 2 },
  ]);
  assert.deepEqual(config.policy.allow, []);
  assert.equal(config.jails.trust.addresses.length, 1);
  assert.equal(config.jails.list_file, "/list");
  assert.deepEqual(config.logs, [
    { kind: "file", path: "/var/log/mail.log", from: "end" },
    { kind: "journal", from: "start" },
  ]);
  assert.equal(config.node.name, "5");
  assert.equal(placeOf("policy.mode"), "environment POSTVARTA__POLICY__MODE");
  assert.equal(placeOf("logs.1.journal"), "environment POSTVARTA__LOGS");
});

for (const [name, text, line] of [
  ["POLICY__MOED", "observe", "no setting has this name: did you mean POSTVARTA__POLICY__MODE?"],
  ["POLICY", "x", "no setting has this name: POSTVARTA__SECTION__KEY, with the sections and keys of postvarta.toml"],
  ["__PROTO__", "x", "no setting has this name: POSTVARTA__SECTION__KEY, with the sections and keys of postvarta.toml"],
  ["NODE__NAME_FILE", "x", "no setting has this name: did you mean POSTVARTA__NODE__NAME?"],
  ["POLICY__ANSWER_OK", "yes", 'policy.answer_ok is "yes": true or false'],
  ["POLICY__KEEP_DECISIONS", "many", 'policy.keep_decisions is "many": a whole number from 1000 to 100000000'],
  [
    "LOGS",
    "[{]",
    'logs is "[{]", which begins like JSON and is none: a list [ … ] of at most 64 items, each a table with path, journal, syslog, allow, tls_cert, tls_key, from',
  ],
  [
    "LOGS",
    "/var/log/mail.log",
    'logs is "/var/log/mail.log": a table with path, journal, syslog, allow, tls_cert, tls_key, from',
  ],
  ["STORE__URL", "", 'store.url is not allowed: "sqlite:/path/to/file" or "postgres://user:password@host/database"'],
] as const) {
  test(`the variable POSTVARTA__${name}=${text} is refused by name`, () => {
    const variable = `POSTVARTA__${name}`;
    assert.deepEqual(refusals({ "postvarta.toml": "" }, { [variable]: text }), [`environment ${variable}: ${line}`]);
  });
}

test("a secret is read from a file, named by a key or a variable", () => {
  const { directory, file } = place({
    "postvarta.toml": `[store]\nurl_file = "${root}/secret"`,
    "conf.d/empty.toml": "",
  });
  writeFileSync(join(root, "secret"), "postgres://a:b@c/d\n");
  writeFileSync(join(root, "other"), "sqlite:/x");
  const fromFile = readConfig({ file, environment: {} });
  assert.equal(fromFile.config.store.url, "postgres://a:b@c/d");
  assert.equal(fromFile.placeOf("store.url"), `${directory}/postvarta.toml:2`);
  const fromVariable = readConfig({ file, environment: { POSTVARTA__STORE__URL_FILE: join(root, "other") } });
  assert.equal(fromVariable.config.store.url, "sqlite:/x");
  assert.equal(fromVariable.placeOf("store.url"), "environment POSTVARTA__STORE__URL_FILE");
});

test("a secret that cannot be read is told, and no secret is repeated in a message", () => {
  const lines = refusals({ "postvarta.toml": "[store]\nurl_file = '/nowhere/x'" });
  assert.deepEqual(lines, ["postvarta.toml:2: the secret of url_file cannot be read: there is no such file"]);
  const [line = ""] = refusals({ "postvarta.toml": '[store]\nurl = "hidden\\u0007word"' });
  assert.match(line, /store.url is not allowed/);
  assert.doesNotMatch(line, /hidden/);
});

test("a named file must exist, the default file need not", () => {
  assert.deepEqual(refusals({}), ["postvarta.toml: cannot be read: there is no such file"]);
});

test("a file that is no text is refused", () => {
  const { file } = place({ "postvarta.toml": "" });
  writeFileSync(file, Buffer.from([0x61, 0xff, 0x3d]));
  assert.throws(() => readConfig({ file, environment: {} }), {
    message: `${file}:1: the file is not UTF-8 text: save it as UTF-8`,
  });
});

test("nothing of the configuration can be changed", () => {
  const { config } = readConfig({ file: place({ "postvarta.toml": "" }).file, environment: {} });
  const unfrozen: string[] = [];
  const visit = (value: unknown, path: string) => {
    if (typeof value !== "object" || value === null) return;
    if (!Object.isFrozen(value)) unfrozen.push(path);
    for (const [key, inner] of Object.entries(value)) visit(inner, `${path}.${key}`);
  };
  visit(config, "config");
  assert.deepEqual(unfrozen, []);
});
