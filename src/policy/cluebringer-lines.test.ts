import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { silentLog } from "../core/log.ts";
import { openStore } from "../store/open.ts";
import { checks } from "./checks/index.ts";
import { CluebringerLines } from "./cluebringer-lines.ts";
import { compileRules } from "./compiled-rules.ts";
import { PolicyEngine } from "./engine.ts";
import { parseRequestText } from "./protocol.ts";
import { Raises } from "./raises.ts";
import { parseRules } from "./rules-file.ts";

const rules = `
[[policies]]
name = "blocked"
priority = 10
members = [{ destination = "@bad.example" }]
[[policies.access]]
verdict = "reject"
text = "hit"
[[policies]]
name = "all"
priority = 20
members = [{ source = "any" }]
[[policies.quotas]]
name = "hour"
track = "Sender:user@domain"
verdict = "defer"
limits = [{ count = "recipients", max = 2, per = "1h" }, { count = "kilobytes", max = 1000, per = "1d" }]
[[policies.quotas]]
name = "narrow"
track = "Recipient:user@domain"
verdict = "hold"
text = "wait"
limits = [{ count = "recipients", max = 1, per = "1h" }]
[[policies.quotas]]
name = "watched"
mode = "observe"
track = "Policy"
verdict = "reject"
limits = [{ count = "recipients", max = 1, per = "1h" }]
`;

test("lines are cluebringer's to the byte", async () => {
  const clock = new ManualClock();
  await using store = await openStore("scratch:", { clock });
  const options = { internal: "", timeZone: "UTC", canonical: (login: string) => login };
  const book = new CluebringerLines();
  const lines: string[] = [];
  const engine = new PolicyEngine({
    ...{ cells: store.cells, clock, log: silentLog, checks, raises: new Raises() },
    rules: compileRules(parseRules(rules, "rules.toml").rules, { ...options, mode: "enforce", onError: "pass" }),
    onSettled: (question, findings) => lines.push(...book.of(question, findings)),
  });
  const ask = (to: string, instance: string, more = "") => {
    const client = "sender=a@ex.com\nclient_address=192.0.2.10\nhelo_name=mail.ex.com";
    const text = `protocol_state=RCPT\n${client}\nrecipient=${to}\ninstance=${instance}${more}`;
    return engine.decide(parseRequestText(text), { current: undefined });
  };
  for (const to of ["b@ex.org", "c@ex.org", "d@ex.org"]) await ask(to, to);
  await ask("x@bad.example", "i4");
  await ask("a, to=root@localhost, x@ex.org", "i5");
  await ask("b@ex.org", "i6", "\nsender=z@ex.com");
  const mail = (to: string) => `host=192.0.2.10, helo=mail.ex.com, from=a@ex.com, to=${to}`;
  const limit = "policy=2, quota=1, limit=1, track=Sender:a@ex.com, counter=MessageCount";
  const narrow = (to: string) => `policy=2, quota=2, limit=3, track=Recipient:${to}, counter=MessageCount`;
  const watched = "policy=2, quota=3, limit=4, track=Policy, counter=MessageCount";
  const create = (to: string) => `module=Quotas, mode=create, ${mail(to)}, reason=quota_create`;
  const hostile = mail("a??to=root@localhost??x@ex.org");
  assert.deepEqual(lines, [
    `${create("b@ex.org")}, ${limit}, quota=1.00/2 (50.0%)`,
    `${create("b@ex.org")}, ${narrow("b@ex.org")}, quota=1.00/1 (100.0%)`,
    `${create("b@ex.org")}, ${watched}, quota=1.00/1 (100.0%)`,
    `module=Quotas, mode=update, ${mail("c@ex.org")}, reason=quota_update, ${limit}, quota=2.00/2 (100.0%)`,
    `${create("c@ex.org")}, ${narrow("c@ex.org")}, quota=1.00/1 (100.0%)`,
    `module=Quotas, action=defer, ${mail("d@ex.org")}, reason=quota_match, ${limit}, quota=3.00/2 (150.0%)`,
    `module=AccessControl, action=reject, ${mail("x@bad.example")}, reason=verdict`,
    `module=Quotas, action=defer, ${hostile}, reason=quota_match, ${limit}, quota=3.00/2 (150.0%)`,
    `module=Quotas, action=hold, ${mail("b@ex.org").replace("from=a", "from=z")}, reason=quota_match, ${narrow("b@ex.org")}, quota=2.00/1 (200.0%)`,
  ]);
});
