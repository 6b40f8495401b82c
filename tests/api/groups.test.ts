import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { GroupAnswer, GroupChangeAnswer, RehearseAnswer } from "../../src/api/contract.ts";
import { House, rules } from "./house.ts";

describe("groups through the API", () => {
  const house = new House();
  before(async () => {
    await house.start();
    await house.post("/policies/apply", { text: rules });
  });
  after(() => house[Symbol.asyncDispose]());

  test("a member is added once, counts at the next question, and is removed once", async () => {
    const body = { name: "newuser", members: ["$eve@example.org"], by: "cli:test" };
    const asEve = { text: "sasl_username=eve@example.org\nrecipient=a@far.example" };
    const matches = async () => (await house.post<RehearseAnswer>("/policies/explain", asEve)).trail.length > 0;
    assert.equal(await matches(), false);
    assert.deepEqual(
      (await house.post<GroupChangeAnswer>("/groups/add", { ...body, dry_run: true })).changed,
      body.members,
    );
    assert.equal(await matches(), false);
    assert.deepEqual((await house.post<GroupChangeAnswer>("/groups/add", body)).changed, body.members);
    assert.equal(await matches(), true);
    assert.deepEqual((await house.post<GroupChangeAnswer>("/groups/add", body)).unchanged, body.members);
    const group = await house.get<GroupAnswer>("/groups/show?name=newuser");
    assert.deepEqual(group.list.at(-1), { member: "$eve@example.org", origin: "added" });
    assert.deepEqual(group.used_by, ["newusers to not internal"]);
    assert.deepEqual((await house.post<GroupChangeAnswer>("/groups/remove", body)).changed, body.members);
    assert.deepEqual((await house.post<GroupChangeAnswer>("/groups/remove", body)).unchanged, body.members);
    assert.equal(await matches(), false);
  });

  test("members that cannot work are refused with the mend, and the good ones beside them are not added", async () => {
    const cases: readonly (readonly [member: string, code: string])[] = [
      ["!!x", "rules/bad-member"],
      ["%nobody", "rules/unknown-group"],
      ["%newuser", "rules/group-cycle"],
    ];
    for (const [member, code] of cases) {
      const problem = await house.fails("POST", "/groups/add", { name: "newuser", members: ["@good.example", member] });
      assert.deepEqual([problem.status, problem.problems[0]?.code], [422, code], member);
    }
    const { members } = await house.get<GroupAnswer>("/groups/show?name=newuser");
    assert.equal(members, 2);
  });

  test("a cycle through another group is refused, and nesting is shown at any depth", async () => {
    await house.post("/groups/add", { name: "newuser", members: ["%internal_domains"] });
    const problem = await house.fails("POST", "/groups/add", { name: "internal_domains", members: ["%newuser"] });
    assert.equal(problem.problems[0]?.code, "rules/group-cycle");
    assert.deepEqual((await house.get<GroupAnswer>("/groups/show?name=newuser")).nested, ["internal_domains"]);
    assert.deepEqual((await house.get<GroupAnswer>("/groups/show?name=internal_domains")).used_by, [
      "newusers to not internal",
    ]);
  });

  test("a group that does not exist is not found", async () => {
    for (const path of ["/groups/add", "/groups/remove"]) {
      for (const dry_run of [true, false]) {
        assert.equal(
          (await house.fails("POST", path, { name: "nobody", members: ["@x.example"], dry_run })).status,
          404,
        );
      }
    }
    assert.equal((await house.fails("GET", "/groups/show?name=nobody")).problems[0]?.code, "group/unknown");
  });

  test("members come in pages", async () => {
    const members = Array.from({ length: 1_203 }, (_, i) => `"@d${i}.example"`).join(",");
    await house.post("/policies/apply", { text: `[[groups]]\nname = "large"\nmembers = [${members}]` });
    const seen: string[] = [];
    let cursor = "";
    for (let page = 0; page < 5; page++) {
      const group = await house.get<GroupAnswer>(`/groups/show?name=large${cursor}`);
      seen.push(...group.list.map(({ member }) => member));
      if (group.next === null) break;
      cursor = `&cursor=${group.next}`;
    }
    assert.deepEqual(
      [seen.length, new Set(seen).size, seen[0], seen.at(-1)],
      [1_203, 1_203, "@d0.example", "@d1202.example"],
    );
  });
});
