// The acceptance cases of the policy server, over its real socket: all on the scratch engine, the quotas on SQLite too.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { Problems } from "../src/core/problem.ts";
import { parseRules } from "../src/policy/rules-file.ts";
import { type PolicyCase, readAttributes, readMatchCases, readPolicyCases } from "./policy-cases.ts";
import type { PolicyClient } from "./policy-client.ts";
import { type PolicyHouse, startHouse } from "./policy-house.ts";

describe("the member language", () => {
  for (const { title, rules, request, expected } of readMatchCases()) {
    test(title, async () => {
      if (expected === "refused") return assert.throws(() => parseRules(rules, "rules.toml"), Problems);
      await using house = await startHouse({ rules });
      using client = await house.connect();
      assert.equal(await client.ask(request), expected === "match" ? "REJECT hit" : "DUNNO");
    });
  }
});

for (const name of ["verdicts.txt", "quotas.txt", "algorithms.txt", "compat.txt", "accounting.txt"]) {
  describe(name, () => {
    for (const policyCase of readPolicyCases(name)) test(policyCase.title, () => runCase(policyCase, "scratch:"));
  });
}

describe("quotas.txt on SQLite", () => {
  const directory = mkdtempSync(join(tmpdir(), "postvarta-cases-"));
  after(() => rmSync(directory, { recursive: true }));
  for (const [n, policyCase] of readPolicyCases("quotas.txt").entries()) {
    test(policyCase.title, () => runCase(policyCase, `sqlite:${directory}/${n}.db`));
  }
});

async function runCase(policyCase: PolicyCase, storeUrl: string): Promise<void> {
  const [first = ""] = policyCase.steps;
  if (first.startsWith("refused ")) return assertRefused(policyCase.rules, first.slice("refused ".length));
  await using house = await startHouse({ rules: policyCase.rules, answerOk: policyCase.answerOk, storeUrl });
  using client = await house.connect();
  const run = new CaseRun(house, client, policyCase);
  for (const step of policyCase.steps) await run.step(step);
}

function assertRefused(rules: string, text: string): void {
  assert.throws(
    () => parseRules(rules, "rules.toml"),
    (error) => error instanceof Problems && /^rules\.toml:\d+: /.test(error.message) && error.message.includes(text),
  );
}

const states = { mail: "RCPT", rcpt: "RCPT", data: "DATA", eom: "END-OF-MESSAGE" } as const;

class CaseRun {
  readonly #house: PolicyHouse;
  readonly #client: PolicyClient;
  readonly #case: PolicyCase;
  #messages = 0;

  constructor(house: PolicyHouse, client: PolicyClient, policyCase: PolicyCase) {
    this.#house = house;
    this.#client = client;
    this.#case = policyCase;
  }

  async step(text: string): Promise<void> {
    const [word = ""] = text.split(" ");
    switch (word) {
      case "wait":
        return this.#house.clock.advance(Number(/^wait (\d+)s$/.exec(text)?.[1]) * 1000);
      case "sweep":
        return void (await this.#house.engine.sweep(this.#house.clock.now()));
      case "warned":
        return this.#warned(text.slice("warned ".length));
      case "used":
        return await this.#used(text);
      case "recorded":
        return await this.#recorded(text);
      case "decisions":
        return await this.#decisions(Number(text.slice("decisions ".length)));
      case "accepted":
        return await this.#accepted(text);
      case "every":
        return await this.#every(text);
      default:
        return await this.#ask(text);
    }
  }

  async #ask(text: string): Promise<void> {
    const found = /^(mail|rcpt|data|eom)(?: x(\d+))?(.*?) -> (.+)$/.exec(text);
    assert.ok(found, `a step that is none: ${text}`);
    const [, verb, times = "1", changes = "", expected] = found;
    for (let i = 1; i <= Number(times); i++) {
      const answer = await this.#question(verb as keyof typeof states, readAttributes(changes));
      assert.equal(answer, expected, `${text} (${i} of ${times})`);
    }
  }

  async #question(verb: keyof typeof states, changes: Record<string, string>): Promise<string> {
    const instance = verb === "mail" ? `auto.${++this.#messages}` : "i1";
    const answer = await this.#client.ask({ instance, ...changes, protocol_state: states[verb] });
    if (verb === "mail" && !/^(REJECT|DEFER|[45]\d\d)/.test(answer)) {
      const end = {
        protocol_state: "END-OF-MESSAGE",
        instance,
        queue_id: `Q${instance}`,
        recipient_count: 1,
        size: 1000,
      };
      await this.#client.ask({ ...end, ...changes });
    }
    return answer;
  }

  async #every(text: string): Promise<void> {
    const found = /^every (\d+)s for (\d+)s: (.+)$/.exec(text);
    assert.ok(found, text);
    for (let passed = 0; passed < Number(found[2]); passed += Number(found[1])) {
      this.#house.clock.advance(Number(found[1]) * 1000);
      await this.step(found[3] ?? "");
    }
  }

  /** `decisions N`: so many records there are by now. */
  async #decisions(expected: number): Promise<void> {
    await this.#house.store.cells.flush();
    const rows = await this.#house.store.facts.selectFrom("decisions").select(["verdict", "text"]).execute();
    assert.equal(rows.length, expected, JSON.stringify(rows));
  }

  /** `accepted every 1s for 60s: mail = N`: how many of the tries are let pass. */
  async #accepted(text: string): Promise<void> {
    const found = /^accepted every (\d+)s for (\d+)s: mail = (\d+)$/.exec(text);
    assert.ok(found, text);
    let accepted = 0;
    for (let passed = 0; passed < Number(found[2]); passed += Number(found[1])) {
      this.#house.clock.advance(Number(found[1]) * 1000);
      if ((await this.#question("mail", {})) === "DUNNO") accepted++;
    }
    assert.equal(accepted, Number(found[3]), text);
  }

  #warned(text: string): void {
    const { warnings } = parseRules(this.#case.rules, "rules.toml");
    assert.ok(
      warnings.some((warning) => warning.line.includes(text)),
      `no warning with ${text}`,
    );
  }

  async #used(text: string): Promise<void> {
    const found = /^used (.+?)\/(.+) (\S+) (\S+) = ([\d.]+)$/.exec(text);
    assert.ok(found, text);
    const [, policy = "", quota = "", count = "", track = "", expected] = found;
    assert.equal(await this.#house.used(policy, quota, count, track), Number(expected), text);
  }

  /** `recorded RULE KEY VERDICT COUNTER BEFORE of MAX`: a decision's record says so. */
  async #recorded(text: string): Promise<void> {
    const found = /^recorded (\S+) (\S+) (.+) (\S+) (\d+) of (\d+)$/.exec(text);
    assert.ok(found, text);
    const [, rule, key, verdict, count, before, max] = found;
    await this.#house.store.cells.flush();
    const rows = await this.#house.store.facts.selectFrom("decisions").selectAll().execute();
    const row = rows.find((known) => known.rule === rule && known.key === key && known.verdict === verdict);
    assert.ok(row, `no record for ${text}`);
    const trail = JSON.parse(row.trail);
    const finding = trail.findings.find(
      (known: { effect: string }) => known.effect === "acted" || known.effect === "would",
    );
    assert.deepEqual(
      [finding.quota.count, finding.quota.before, finding.quota.max],
      [count, Number(before), Number(max)],
    );
  }
}
