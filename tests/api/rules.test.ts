import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ApplyAnswer, RehearseAnswer } from "../../src/api/contract.ts";
import { House, question, rules } from "./house.ts";

describe("rules through the API", () => {
  const house = new House();
  before(() => house.start());
  after(() => house[Symbol.asyncDispose]());

  test("a file is applied, and the next question is answered by it", async () => {
    assert.equal(await house.ask(question("x@bad.example")), "dunno");
    const applied = await house.post<ApplyAnswer>("/policies/apply", {
      text: rules,
      file: "rules.toml",
      by: "cli:test",
    });
    assert.deepEqual(applied.policies.added, ["blocked", "newusers to not internal"]);
    assert.deepEqual(applied.groups.added, ["newuser", "internal_domains"]);
    assert.match(await house.ask(question("x@bad.example")), /^reject hit [0-9A-Z]{12}$/);
  });

  test("applying twice changes nothing, and a dry run says so without doing it", async () => {
    const again = await house.post<ApplyAnswer>("/policies/apply", { text: rules, file: "rules.toml" });
    assert.deepEqual(
      [again.policies, again.groups],
      [
        { added: [], changed: [], removed: [] },
        { added: [], changed: [], removed: [] },
      ],
    );
    const dry = await house.post<ApplyAnswer>("/policies/apply", { text: "", prune: true, dry_run: true });
    assert.deepEqual(dry.policies.removed.toSorted(), ["blocked", "newusers to not internal"]);
    assert.match(await house.ask(question("y@bad.example")), /^reject hit/);
  });

  test("a file with mistakes changes nothing and names all of them with their lines", async () => {
    const text =
      'x = 1\n[[policies]]\nname = "p"\nmembers = [{ source = "%nobody" }]\n[[policies.access]]\nverdict = "explode"\n';
    const problem = await house.fails("POST", "/policies/apply", { text, file: "rules.toml" });
    assert.equal(problem.status, 422);
    assert.deepEqual(problem.problems.map(({ code, where }) => [code, where]).toSorted(), [
      ["rules/bad-value", "rules.toml:6"],
      ["rules/unknown-group", "rules.toml:4"],
      ["rules/unknown-key", "rules.toml:1"],
    ]);
    assert.match(await house.ask(question("z@bad.example")), /^reject hit/);
  });

  test("what is exported applies without a change", async () => {
    const { text } = await house.get<{ text: string }>("/policies/export");
    const again = await house.post<ApplyAnswer>("/policies/apply", { text, prune: true });
    assert.deepEqual(
      [...again.policies.changed, ...again.policies.added, ...again.policies.removed, ...again.groups.changed],
      [],
    );
  });

  test("explain says what would be answered and why, and charges nothing", async () => {
    const ask = { text: "sasl_username=noman@example.org\nrecipient=a@far.example\nsize=2048" };
    for (let i = 0; i < 5; i++) {
      const answer = await house.post<RehearseAnswer>("/policies/explain", ask);
      assert.deepEqual([answer.action, answer.verdict.kind], ["DUNNO", "dunno"]);
      assert.deepEqual(answer.trail[0], {
        kind: "policy",
        policy: "newusers to not internal",
        members: [
          { source: "%newuser", destination: "!%internal_domains", because: ["%newuser holds $noman@example.org"] },
        ],
      });
      assert.deepEqual(
        answer.trail.flatMap((step) => (step.kind === "finding" ? [step.effect, step.quota?.before] : [])),
        ["charged", 0, "looked", 0],
      );
    }
    const blocked = await house.post<RehearseAnswer>("/policies/explain", { text: "recipient=x@bad.example" });
    assert.match(blocked.action, /^REJECT hit/);
  });

  test("a text that is no request is refused with its line", async () => {
    const problem = await house.fails("POST", "/policies/explain", { text: "sender=a@b.example\nrubbish" });
    assert.deepEqual(
      [problem.status, problem.problems[0]?.code, problem.problems[0]?.where],
      [422, "policy/bad-request", "line 2"],
    );
  });
});
