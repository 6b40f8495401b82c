// What every engine must do with the rules: policies, groups, and who changed them.

import assert from "node:assert/strict";
import { Problem } from "../../src/core/problem.ts";
import type { Policy, RuleSet } from "../../src/core/rules.ts";
import { findAudit, pruneAudit } from "../../src/store/audit.ts";
import type { Store } from "../../src/store/db.ts";
import { addMembers, removeMembers } from "../../src/store/groups.ts";
import { applyRules, OutdatedGroups, readRules } from "../../src/store/policies.ts";
import type { WithStore } from "./engine-rows.ts";

export function policy(name: string, priority = 50): Policy {
  const rule = { enabled: true, mode: "enforce", onError: undefined } as const;
  const members = [{ source: "%newuser", destination: null, enabled: true }];
  const access = [{ name: "first", ...rule, verdict: "reject", text: "hit", states: ["RCPT"] }] as const;
  return { name, priority, ...rule, description: "", members, access, quotas: [], accounting: [] };
}

export function rules(policies: readonly Policy[], groups: Readonly<Record<string, readonly string[]>> = {}): RuleSet {
  return {
    policies,
    groups: Object.entries(groups).map(([name, members]) => ({ name, enabled: true, comment: "", members })),
  };
}

const none = { added: [], changed: [], removed: [] };
export const apply = (store: Store, set: RuleSet, prune = false) =>
  applyRules(store, set, { prune, by: "test", now: 1 });

export function testRules(withStore: WithStore): void {
  withStore(
    "rules come back as they were applied, and applying them twice changes and tells nothing",
    async (store) => {
      const told: string[] = [];
      store.changes.onChange((fact) => void told.push(fact));
      const set = rules([policy("late", 90), policy("b"), policy("a")], {
        newuser: ["$noman", "@branch.example", "$noman"],
      });
      const added = ["late", "b", "a"];
      assert.deepEqual(await apply(store, set), {
        policies: { ...none, added },
        groups: { ...none, added: ["newuser"] },
      });
      const expected = rules([policy("b"), policy("a"), policy("late", 90)], {
        newuser: ["$noman", "@branch.example"],
      });
      assert.deepEqual(await readRules(store), expected);
      for (const prune of [false, true])
        assert.deepEqual(await apply(store, set, prune), { policies: none, groups: none });
      assert.deepEqual(await apply(store, expected), {
        policies: { ...none, changed: ["b", "a", "late"] },
        groups: none,
      });
      assert.deepEqual(told, ["rules", "rules"]);
    },
  );

  withStore("a dry run says what would change and changes nothing", async (store) => {
    const set = rules([policy("a")], { g: ["x"] });
    const changes = await applyRules(store, set, { prune: true, dryRun: true, by: "test", now: 1 });
    assert.deepEqual(changes, { policies: { ...none, added: ["a"] }, groups: { ...none, added: ["g"] } });
    assert.deepEqual(await readRules(store), rules([]));
  });

  withStore("without prune what the file does not name stays in its place, with prune it goes", async (store) => {
    await apply(store, rules([policy("a"), policy("b"), policy("c")], { g: ["x"], h: ["y"] }));
    const file = rules([policy("new"), { ...policy("c"), description: "changed" }, policy("a")], { h: ["y", "z"] });
    const changes = await apply(store, file);
    assert.deepEqual(changes, {
      policies: { added: ["new"], changed: ["c", "a"], removed: [] },
      groups: { ...none, changed: ["h"] },
    });
    const names = async () => (await readRules(store)).policies.map((found) => found.name);
    assert.deepEqual(await names(), ["new", "c", "a", "b"]);
    assert.deepEqual(await apply(store, file), { policies: none, groups: none });
    assert.deepEqual(await apply(store, file, true), {
      policies: { ...none, removed: ["b"] },
      groups: { ...none, removed: ["g"] },
    });
    assert.deepEqual(await readRules(store), file);
    assert.deepEqual(await apply(store, rules([]), true), {
      policies: { ...none, removed: ["new", "c", "a"] },
      groups: { ...none, removed: ["h"] },
    });
    assert.deepEqual(await readRules(store), rules([]));
  });

  withStore("members added by hand outlive an apply, and go with prune", async (store) => {
    const file = rules([], { g: ["x"] });
    const change = (...members: string[]) => ({ group: "g", members, by: "root", now: 2 });
    const members = async () => (await readRules(store)).groups[0]?.members;
    await apply(store, file);
    assert.deepEqual(await addMembers(store, change("y", "y", "x")), ["y"]);
    assert.deepEqual(await addMembers(store, change("y")), []);
    assert.deepEqual(await apply(store, file), { policies: none, groups: none });
    assert.deepEqual(await apply(store, rules([], { g: ["z", "x"] })), {
      policies: none,
      groups: { ...none, changed: ["g"] },
    });
    assert.deepEqual(await members(), ["z", "x", "y"]);
    assert.deepEqual(await removeMembers(store, change("x", "nobody")), ["x"]);
    assert.deepEqual(await removeMembers(store, change("x")), []);
    assert.deepEqual(await apply(store, file, true), { policies: none, groups: { ...none, changed: ["g"] } });
    assert.deepEqual(await members(), ["x"]);
    await assert.rejects(
      addMembers(store, { ...change("y"), group: "nope" }),
      (error) => error instanceof Problem && error.code === "group/unknown",
    );
  });

  withStore("many members in one call are told once, and a check that fails leaves all as it was", async (store) => {
    await apply(store, rules([], { g: ["x"] }));
    const told: string[] = [];
    store.changes.onChange((fact) => void told.push(fact));
    const many = Array.from({ length: 100 }, (_, i) => `$user${i}`);
    const change = { group: "g", members: many, by: "root", now: 2 };
    const check = (groups: RuleSet["groups"]) => {
      assert.deepEqual(groups[0]?.members, ["x"]);
      throw new Error("no");
    };
    await assert.rejects(addMembers(store, { ...change, check }), /no/);
    assert.deepEqual(await addMembers(store, change), many);
    assert.deepEqual(told, ["rules"]);
    assert.equal((await readRules(store)).groups[0]?.members.length, 101);
  });

  withStore("who changed what is kept, also when it is removed, until newer rows push it out", async (store) => {
    const by = (now: number, detail: string) => ({ prune: true, by: "cli:olena", via: "control socket", now, detail });
    await applyRules(store, rules([policy("a")], { g: ["x"] }), by(1, "rules.toml"));
    await applyRules(store, rules([policy("a")], { g: ["x"] }), by(2, "the same"));
    await applyRules(store, rules([{ ...policy("a"), description: "more" }], { g: ["x"] }), by(3, "more.toml"));
    await addMembers(store, { group: "g", members: ["y", "z"], by: "cli:ann", now: 4 });
    await applyRules(store, rules([]), { ...by(5, "none.toml"), dryRun: true });
    await applyRules(store, rules([]), by(6, "none.toml"));
    const told = async (kind: "policy" | "group", name: string) =>
      (await findAudit(store, { kind, name }, 10)).map((row) => `${row.at} ${row.by} ${row.act} ${row.detail}`);
    const ofPolicy = ["6 cli:olena removed none.toml", "3 cli:olena changed more.toml", "1 cli:olena added rules.toml"];
    assert.deepEqual(await told("policy", "a"), ofPolicy);
    assert.deepEqual(await told("group", "g"), [
      "6 cli:olena removed none.toml",
      "4 cli:ann changed add y z",
      "1 cli:olena added rules.toml",
    ]);
    assert.equal(await pruneAudit(store, 100), 0);
    assert.equal(await pruneAudit(store, 3), 3);
    assert.deepEqual(await told("policy", "a"), ["6 cli:olena removed none.toml"]);
  });

  withStore("a file that was checked beside other groups than there are is not applied", async (store) => {
    await apply(store, rules([], { g: ["x"] }));
    const checkedAgainst = (await readRules(store)).groups;
    const options = { prune: false, by: "test", now: 1, checkedAgainst };
    const outcomes = await Promise.allSettled([
      applyRules(store, rules([policy("a")], { h: ["y"] }), options),
      applyRules(store, rules([policy("b")], { i: ["z"] }), options),
    ]);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    const refused = outcomes.find((outcome) => outcome.status === "rejected");
    assert.ok(refused?.reason instanceof OutdatedGroups);
    assert.equal((await readRules(store)).policies.length, 1);
  });

  withStore("a group of 5 000 members is written and read", async (store) => {
    const file = rules([], { g: Array.from({ length: 5_000 }, (_, i) => `$user${i}`) });
    await apply(store, file);
    assert.deepEqual(await readRules(store), file);
  });
}
