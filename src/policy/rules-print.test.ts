import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Problems } from "../core/problem.ts";
import {
  type AccessRule,
  accessVerdicts,
  accountingCounters,
  calendarPeriods,
  counters,
  type Group,
  type Limit,
  type Member,
  type Policy,
  type QuotaRule,
  quotaVerdicts,
  type RuleSet,
  ruleStates,
} from "../core/rules.ts";
import { parseRules } from "./rules-file.ts";
import { printRules } from "./rules-print.ts";
import { parseTrack } from "./rules-track.ts";

const long = process.env["POSTVARTA_FULL"] === "1";

const printable = /^[^\p{C}\p{Zl}\p{Zp}]{1,255}$/u;
const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter((text) => printable.test(text));
const note = fc.string({ unit: "binary", maxLength: 20 });
const shared = {
  enabled: fc.boolean(),
  mode: fc.constantFrom("enforce" as const, "observe" as const),
  onError: fc.constantFrom(undefined, "pass" as const, "defer" as const),
};

/** A text its verdict can carry. */
function textFor(verdict: string): fc.Arbitrary<string> {
  if (verdict === "filter") return fc.constantFrom("f:", "smtp:[192.0.2.1]:25");
  if (verdict === "redirect") return fc.constantFrom("x@y.z", '"a"@b');
  if (verdict === "prepend") return fc.constantFrom("X-Note: yes", 'X: "\\"');
  return note.filter((text) => !/^5\d\d/.test(text));
}

function limitsOf(): fc.Arbitrary<Limit[]> {
  const limit = fc.record({
    count: fc.constantFrom(...counters),
    max: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    periodMs: fc.integer({ min: 1_000, max: 3_153_600_000_000 }),
  });
  return fc.uniqueArray(limit, { maxLength: 3, selector: ({ count, periodMs }) => `${count} ${periodMs}` });
}

const track = fc
  .constantFrom(
    "Sender:user@domain",
    "Recipient:@domain",
    "Sender:user@",
    "SASLUsername",
    "SenderIP:/24",
    "SenderIP:/0,/128",
    "Policy",
  )
  .map((text) => parseTrack(text) ?? assert.fail());

const quota: fc.Arbitrary<QuotaRule> = fc.constantFrom(...quotaVerdicts).chain((verdict) =>
  fc.record({
    ...shared,
    name,
    track,
    verdict: fc.constant(verdict),
    text: textFor(verdict),
    algorithm: fc.constantFrom("sliding" as const, "fixed" as const),
    stop: fc.boolean(),
    nullSender: fc.boolean(),
    limits: limitsOf(),
    stages: fc.array(
      fc.record({
        share: fc.integer({ min: 1, max: 1_000 }).map((n) => n / 100),
        action: fc.constant("notify" as const),
      }),
      { maxLength: 2 },
    ),
  }),
);

const nominalMs = { day: 86_400_000, week: 7 * 86_400_000, month: 31 * 86_400_000 };

const accounting: fc.Arbitrary<QuotaRule> = fc
  .tuple(quota, fc.constantFrom(...calendarPeriods), fc.uniqueArray(fc.constantFrom(...accountingCounters)), fc.nat())
  .map(([rule, period, counted, max]) => ({
    ...rule,
    algorithm: period,
    stages: [],
    limits: counted.map((count) => ({ count, max, periodMs: nominalMs[period] })),
  }));

const access: fc.Arbitrary<AccessRule> = fc.constantFrom(...accessVerdicts).chain((verdict) =>
  fc.record({
    ...shared,
    name,
    verdict: fc.constant(verdict),
    text: textFor(verdict),
    states: fc.subarray([...ruleStates], { minLength: 1 }),
  }),
);

const groupNames = ["newuser", "internal_domains", 'odd "name"', "z"];
const side = fc.constantFrom(null, "", "any", "@example.com", "!%newuser", "a@b.example,!@c.example", '%odd "name"');
const member: fc.Arbitrary<Member> = fc.record({ source: side, destination: side, enabled: fc.boolean() });

/** Groups name the ones before them only. */
const groups: fc.Arbitrary<Group[]> = fc.tuple(
  ...groupNames.map((groupName, i) =>
    fc.record({
      name: fc.constant(groupName),
      members: fc.uniqueArray(
        fc.constantFrom(
          "$noman",
          "@branch.example",
          "192.0.2.0/24",
          "!2001:db8::1",
          ...groupNames.slice(0, i).map((n) => `%${n}`),
        ),
      ),
      enabled: fc.boolean(),
      comment: note,
    }),
  ),
);

const policy: fc.Arbitrary<Policy> = fc.record({
  ...shared,
  name,
  priority: fc.integer({ min: 0, max: 100 }),
  description: note,
  members: fc.array(member, { maxLength: 3 }),
  access: fc.uniqueArray(access, { maxLength: 3, selector: (rule) => rule.name }),
  quotas: fc.uniqueArray(quota, { maxLength: 3, selector: (rule) => rule.name }),
  accounting: fc.uniqueArray(accounting, { maxLength: 2, selector: (rule) => rule.name }),
});

const ruleSet: fc.Arbitrary<RuleSet> = fc.record({
  groups,
  policies: fc
    .uniqueArray(policy, { maxLength: 4, selector: (p) => p.name })
    .map((list) => list.toSorted((a, b) => a.priority - b.priority)),
});

test("what is printed reads back equal", { timeout: 300_000 }, () => {
  fc.assert(
    fc.property(ruleSet, (rules) => {
      assert.deepEqual(parseRules(printRules(rules), "p.toml").rules, structuredClone(rules));
    }),
    { numRuns: long ? 5_000 : 100 },
  );
});

test("a printed file broken in one place gives rules or Problems with lines, nothing else", {
  timeout: 300_000,
}, () => {
  const broken = fc.record({
    rules: ruleSet,
    at: fc.nat({ max: 3_000 }),
    cut: fc.nat({ max: 9 }),
    put: fc.string({ maxLength: 4 }),
  });
  fc.assert(
    fc.property(broken, ({ rules, at, cut, put }) => {
      const text = printRules(rules);
      const place = at % (text.length + 1);
      try {
        parseRules(text.slice(0, place) + put + text.slice(place + cut), "p.toml");
      } catch (error) {
        assert.ok(error instanceof Problems, String(error));
        for (const problem of error.list) assert.match(problem.where ?? "", /^p\.toml:\d+$/);
      }
    }),
    { numRuns: long ? 20_000 : 200 },
  );
});

test("values of any shape in the place of the rules give rules or Problems", { timeout: 300_000 }, () => {
  const anything = fc.oneof(
    fc.record({ groups: fc.array(fc.jsonValue()), policies: fc.array(fc.jsonValue()) }),
    fc.record({
      policies: fc.array(
        fc.record({
          name: fc.jsonValue(),
          members: fc.jsonValue(),
          access: fc.jsonValue(),
          quotas: fc.array(fc.jsonValue()),
        }),
      ),
    }),
    fc.dictionary(fc.string(), fc.jsonValue()),
  );
  fc.assert(
    fc.property(anything, (value) => {
      try {
        parseRules(JSON.stringify(value), "p.json");
      } catch (error) {
        assert.ok(error instanceof Problems, String(error));
      }
    }),
    { numRuns: long ? 20_000 : 200 },
  );
});

test("characters that TOML does not take as they are read back equal", () => {
  const comment = '\0\x07\x1f\x7f\x85\u2028\ufeff\r\n\t"\\';
  const rules = { groups: [{ name: "g", members: [], enabled: true, comment }], policies: [] };
  assert.deepEqual(parseRules(printRules(rules), "p.toml").rules, rules);
});

test("the text is what a person would write", () => {
  const text = `[[groups]]
name = "newuser"
members = ["$noman", "@branch.example"]

[[policies]]
name = "newusers"
priority = 20
members = [{ source = "%newuser", destination = "!@example.com" }]

[[policies.quotas]]
name = "hour"
track = "SASLUsername"
verdict = "reject"
text = "LIMIT AT QUOTAUSE"
limits = [{ count = "recipients", max = 100, per = "1h" }]
`;
  assert.equal(printRules(parseRules(text, "p.toml").rules), text);
});
