import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fail2banFolder } from "../../tests/fail2ban-folder.ts";
import { checkFirewall } from "./firewall-check.ts";

const files = {
  "jail.conf": "[sasl]\nenabled = true\nfilter = sasl\naction = mine\nlogpath = /nonexistent/log\n",
  "filter.d/sasl.conf": "[Definition]\nfailregex = failed <HOST>\n",
  "action.d/mine.conf": "[Definition]\nactionban = logger <ip>\n",
};

const codes = (jails: Parameters<typeof checkFirewall>[0]) => checkFirewall(jails, "").map(({ code }) => code);
const enforce = { mode: "enforce", fail2ban: "", action: "" } as const;

test("programs of pf are missing where there is no pf, and only where jails enforce", () => {
  const findings = checkFirewall({ ...enforce, firewall: "pf" }, "");
  assert.deepEqual(
    findings.map(({ what }) => what),
    ["there is no program pfctl", "there is no program tcpdrop"],
  );
  assert.deepEqual(codes({ ...enforce, mode: "observe", firewall: "pf" }), []);
  assert.deepEqual(codes({ ...enforce, firewall: "policy-only" }), []);
});

test("where commands are run, bans without one are told, and so are files that others can change", (t) => {
  const fail2ban = fail2banFolder(t, files);
  assert.deepEqual(codes({ ...enforce, firewall: "command" }), ["firewall-without-action"]);
  assert.deepEqual(codes({ ...enforce, firewall: "command", fail2ban, action: "mine" }), []);
  assert.deepEqual(codes({ ...enforce, firewall: "command", fail2ban, action: "nowhere" }), ["actions-refused"]);
  chmodSync(join(fail2ban, "action.d/mine.conf"), 0o666);
  assert.deepEqual(codes({ ...enforce, firewall: "command", fail2ban, action: "mine" }), ["actions-refused"]);
});
