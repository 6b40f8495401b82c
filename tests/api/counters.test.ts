import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ExplainAnswer, QuotaAnswer, StatusAnswer } from "../../src/api/contract.ts";
import { House, mail, question, rules } from "./house.ts";

describe("counters and decisions through the API", () => {
  const house = new House();
  const key = "newuser hour/SASLUsername:noman@example.org";
  before(async () => {
    await house.start();
    await house.post("/policies/apply", { text: rules });
  });
  after(() => house[Symbol.asyncDispose]());

  const show = async (of: string) =>
    (await house.get<{ quotas: QuotaAnswer[] }>(`/quotas/show?key=${encodeURIComponent(of)}`)).quotas;
  const recipients = async () => (await show("noman@example.org")).find(({ count }) => count === "recipients");

  test("before an account has sent anything its limits are there, with nothing used", async () => {
    const quotas = await show("NoMan@example.org");
    const figures = quotas.map(({ count, used, max, frees_at, empty_at }) => [count, used, max, frees_at, empty_at]);
    assert.deepEqual(figures, [
      ["recipients", 0, 2, null, null],
      ["kilobytes", 0, 51_200, null, null],
    ]);
    assert.deepEqual(
      quotas.map((quota) => quota.key),
      ["SASLUsername:noman@example.org", "SASLUsername:noman@example.org"],
    );
    const explained = await house.get<ExplainAnswer>("/explain/noman@example.org");
    assert.deepEqual([explained.decisions, explained.quotas], [[], quotas]);
    assert.deepEqual(await house.get("/quotas"), { quotas: [], next: null });
  });

  test("what no rule limits and nobody knows is not found", async () => {
    for (const name of ["somebody@else.example", key, "192.0.2.7"]) {
      const path = `/quotas/show?key=${encodeURIComponent(name)}`;
      assert.equal((await house.fails("GET", path)).problems[0]?.code, "quota/unknown-key", name);
    }
    for (const name of ["somebody@else.example", "192.0.2.7", "4QabcZ1x2Y", "a piece of text"]) {
      const path = `/explain/${encodeURIComponent(name)}`;
      assert.equal((await house.fails("GET", path)).problems[0]?.code, "explain/nothing-found", name);
    }
  });

  test("a counter shows what is used, and when the next one fits", async () => {
    const startedAt = house.clock.now();
    for (const i of [1, 2, 3]) await house.ask(mail(`r${i}@far.example`, `i${i}`));
    const found = await recipients();
    assert.deepEqual([found?.used, found?.max, found?.per, found?.key], [2, 2, "1h", "SASLUsername:noman@example.org"]);
    assert.equal(found?.frees_at, new Date(startedAt + 3_600_000).toISOString());
    assert.deepEqual(await show(key), await show("noman@example.org"), "the account has these counters only");
    assert.deepEqual(await show("SASLUsername:NoMan@example.org"), await show(key));
    assert.deepEqual(await show(`newusers to not internal/${key}`), await show(key));
  });

  test("a list comes in pages of the wanted size", async () => {
    for (const name of ["a", "b", "c"]) {
      await house.ask(
        `sasl_username=${name}@branch.example\nsender=${name}@branch.example\nrecipient=x@far.example\ninstance=${name}`,
      );
    }
    const seen: string[] = [];
    let cursor = "";
    for (let page = 0; page < 10; page++) {
      const { quotas, next } = await house.get<{ quotas: QuotaAnswer[]; next: string | null }>(
        `/quotas?limit=1&quota=newuser+hour${cursor}`,
      );
      seen.push(...quotas.map((quota) => quota.key));
      if (next === null) break;
      cursor = `&cursor=${next}`;
    }
    const accounts = ["a@branch.example", "b@branch.example", "c@branch.example", "noman@example.org"];
    assert.deepEqual(
      seen,
      accounts.map((account) => `SASLUsername:${account}`),
    );
  });

  test("a refusal is explained by account, address, queue id, recipient, text and its own id", async () => {
    const ways: readonly (readonly [what: string, as: string])[] = [
      ["noman@example.org", "account"],
      ["192.0.2.7", "client"],
      ["4QabcZ1x2Y", "queue_id"],
      ["r3@far.example", "recipient"],
      ["limit at", "text"],
    ];
    for (const [what, as] of ways) {
      const answer = await house.get<ExplainAnswer>(`/explain/${encodeURIComponent(what)}`);
      assert.equal(answer.found_as, as, what);
      const decision = answer.decisions[0];
      assert.deepEqual(
        [decision?.verdict, decision?.text, decision?.recipient],
        ["reject", "LIMIT AT QUOTAUSE", "r3@far.example"],
      );
      const findings = decision?.trail.flatMap((step) =>
        step.kind === "finding" && step.quota !== null ? [step.quota] : [],
      );
      assert.deepEqual([findings?.[0]?.before, findings?.[0]?.max, findings?.[0]?.amount], [2, 2, 1]);
      const byId = await house.get<ExplainAnswer>(`/explain/${decision?.id.toLowerCase()}`);
      assert.deepEqual([byId.found_as, byId.decisions[0]?.id], ["decision", decision?.id]);
    }
    assert.equal((await house.get<ExplainAnswer>("/explain/noman@example.org")).quotas.length, 2);
  });

  test("a refusal is explained by the line that Postfix logged, by a bounce and by a time", async () => {
    const line = (to: string, at: string) =>
      `${at} mx1 postfix/smtpd[811]: NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 554 5.7.1 <${to}>: Recipient address rejected: LIMIT AT QUOTAUSE; from=<noman@example.org> to=<${to}> proto=ESMTP helo=<laptop>`;
    const now = new Date(house.clock.now()).toISOString();
    const bounce =
      "<r3@far.example>: host mx1.example.org[198.51.100.1] said: 554 5.7.1\n <r3@far.example>: Recipient address rejected: LIMIT AT\n QUOTAUSE (in reply to RCPT TO command)";
    const ways: readonly (readonly [what: string, as: string])[] = [
      [line("r3@far.example", now), "line"],
      [line("shared-the-record@far.example", now), "line"],
      [bounce, "line"],
      [now, "time"],
    ];
    for (const [what, as] of ways) {
      const answer = await house.get<ExplainAnswer>(`/explain/${encodeURIComponent(what)}`);
      assert.equal(answer.found_as, as, what);
      assert.deepEqual(
        [answer.decisions[0]?.recipient, answer.decisions[0]?.text, answer.decisions[0]?.node],
        ["r3@far.example", "LIMIT AT QUOTAUSE", "mx1"],
      );
    }
    const long = new Date(house.clock.now() - 86_400_000).toISOString();
    const other = `/explain/${encodeURIComponent(line("r3@far.example", long))}`;
    assert.equal((await house.fails("GET", other)).problems[0]?.code, "explain/nothing-found");
  });

  test("mail that nobody logged in for is found by its sender", async () => {
    await house.ask("sender=list@out.example\nrecipient=x@bad.example\ninstance=s0");
    const answer = await house.get<ExplainAnswer>("/explain/List@out.example");
    assert.deepEqual(
      [answer.found_as, answer.decisions[0]?.rule, answer.decisions[0]?.account],
      ["sender", "blocked/no", ""],
    );
  });

  test("a reset lets the account send again, a dry run does not", async () => {
    await house.post("/quotas/reset", { key, dry_run: true });
    assert.equal((await recipients())?.used, 2);
    await house.post("/quotas/reset", { key: "noman@example.org", by: "cli:test" });
    assert.equal((await recipients())?.used, 0);
    assert.equal(await house.ask(mail("r4@far.example", "i4")), "dunno");
    assert.equal((await recipients())?.used, 1);
  });

  test("a raise holds until its time and no longer", async () => {
    await house.ask(mail("r5@far.example", "i5"));
    assert.match(await house.ask(mail("r6@far.example", "i6")), /^reject/);
    await house.post("/quotas/raise", { key, to: "3/recipients/1h", until: "10m", by: "cli:test" });
    const raised = await recipients();
    assert.deepEqual([raised?.raised_to, raised?.max, raised?.used, raised?.frees_at], [3, 2, 2, null]);
    assert.equal(await house.ask(mail("r7@far.example", "i7")), "dunno");
    assert.match(await house.ask(mail("r8@far.example", "i8")), /^reject/);
    house.clock.advance(600_001);
    assert.equal((await recipients())?.raised_to, null);
  });

  test("raises that mean nothing are refused with the mend", async () => {
    const cases: readonly (readonly [to: string, until: string, pattern: RegExp])[] = [
      ["500", "2h", /several limits.*500\/recipients\/1h, 500\/kilobytes\/1d/],
      ["2/recipients", "2h", /no raise/],
      ["500/messages", "2h", /no limit of this kind/],
      ["many", "2h", /not a limit/],
      ["500/recipients", "soon", /not a time/],
      ["500/recipients", "2001-01-01", /over/],
      ["500/recipients", "53w", /too far/],
    ];
    for (const [to, until, pattern] of cases) {
      const problem = await house.fails("POST", "/quotas/raise", { key, to, until });
      assert.equal(problem.problems[0]?.code, "quota/bad-raise");
      assert.match(problem.detail, pattern);
    }
  });

  test("an explanation names who changed the policy, its groups and the counter last, before and since", async () => {
    const told = async () => {
      const answer = await house.get<ExplainAnswer>("/explain/noman@example.org");
      return answer.decisions
        .at(0)
        ?.changes.map(({ kind, name, act, by, via, since }) =>
          [since ? "since" : "known", kind, name, act, by, via].join("|"),
        );
    };
    await house.post("/quotas/reset", { key, by: "cli:ann" });
    house.clock.advance(60_001);
    await house.post("/groups/add", { name: "newuser", members: ["$more@example.org"], by: "cli:joe" });
    house.clock.advance(60_001);
    for (const i of [1, 2, 3]) await house.ask(mail(`t${i}@far.example`, `t${i}`));
    const counter = "newusers to not internal/newuser hour/SASLUsername:noman@example.org";
    const over = "(claimed)|control socket";
    const before = [
      `known|group|newuser|changed|cli:joe ${over}`,
      `known|counter|${counter}|reset|cli:ann ${over}`,
      `known|policy|newusers to not internal|added|unknown ${over}`,
      `known|group|internal_domains|added|unknown ${over}`,
    ];
    assert.deepEqual(
      (await told())?.filter((line, i, all) => all.indexOf(line) === i),
      before,
    );
    house.clock.advance(60_001);
    await house.post("/quotas/raise", { key, to: "9/recipients/1h", until: "1h", by: "cli:olena" });
    await house.post("/policies/apply", { text: rules.replace("QUOTAUSE", "QUOTA"), by: "cli:eve" });
    const after = (await told())?.filter((line, i, all) => all.indexOf(line) === i) ?? [];
    assert.deepEqual(after.slice(0, 2).sort(), [
      `since|counter|${counter}|raised|cli:olena ${over}`,
      `since|policy|newusers to not internal|changed|cli:eve ${over}`,
    ]);
    assert.deepEqual(after.slice(2), before);
  });

  test("status counts questions, and warns when Postfix never asks at END-OF-MESSAGE", async () => {
    for (let i = 0; i < 10; i++) await house.ask(question("x@example.org", [`instance=s${i}`]));
    const status = await house.get<StatusAnswer>("/status");
    assert.equal(status.rules.policies, 2);
    assert.ok((status.policy.questions.RCPT ?? 0) >= 10);
    assert.match(status.warnings[0]?.message ?? "", /smtpd_end_of_data_restrictions/);
    await house.ask(question("", ["instance=s1"]).replace("RCPT", "END-OF-MESSAGE"));
    assert.deepEqual((await house.get<StatusAnswer>("/status")).warnings, []);
  });

  test("figures name quotas and states, and no account, address or queue id", async () => {
    const { status, type, body } = await house.call("GET", "/metrics", undefined, true);
    assert.deepEqual([status, type], [200, "text/plain; version=0.0.4; charset=utf-8"]);
    const text = String(body);
    assert.match(text, /^postvarta_build_info\{version="9.9.9"\} 1$/m);
    assert.match(text, /^postvarta_policy_requests_total\{action="reject",state="RCPT"\} [1-9]/m);
    assert.match(
      text,
      /^postvarta_quota_verdicts_total\{mode="enforce",quota="newusers to not internal\/newuser hour",verdict="reject"\} 4$/m,
    );
    assert.doesNotMatch(text, /noman|192\.0\.2|4Qabc/);
  });
});
